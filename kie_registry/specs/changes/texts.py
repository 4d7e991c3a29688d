"""Say in a few words how one text became another."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from kie_registry.specs.changes.differing import NOTHING
from kie_registry.specs.changes.findings import shown

_HUNKS = 12
_CHARACTERS = 100
# Fewer equal words than this between two changed places do not part them.
_ISLAND = 3


def became(old: Any, new: Any) -> str:
    """Return what happened to a value of the page: it came, went, or became another."""
    if any(isinstance(value, (dict, list)) and _holds_mappings(value) for value in (old, new)):
        # A whole part of the page: what stands in it would say less than that it came or went.
        return "was added" if old is NOTHING else "was removed" if new is NOTHING else "is something else now"
    if old is NOTHING:
        return f"was added: {_quoted(new)}"
    if new is NOTHING:
        return f"was removed (was {_quoted(old)})"
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > 40:
        return f"changed: {text_changes(old, new)}"
    return f"is {_quoted(new)} now (was {_quoted(old)})"


def _holds_mappings(value: Any) -> bool:
    return isinstance(value, dict) or any(isinstance(item, dict) for item in value)


def text_changes(old: str, new: str) -> str:
    """Return the places where a text changed, word by word; the first few of many."""
    hunks = list(_hunks(old.split(), new.split()))
    if not hunks:
        return "only in its spaces and line breaks"
    more = f"; and in {len(hunks) - _HUNKS} more places" if len(hunks) > _HUNKS else ""
    return "; ".join(hunks[:_HUNKS]) + more


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for start, end, new_start, new_end in _joined(matcher):
        gone, came = " ".join(old[start:end]), " ".join(new[new_start:new_end])
        if gone and came:
            yield f"“{_short(gone)}” became “{_short(came)}”"
        elif gone:
            yield f"“{_short(gone)}” went"
        else:
            yield f"“{_short(came)}” came"


def _joined(matcher: difflib.SequenceMatcher[str]) -> list[tuple[int, int, int, int]]:
    """Return the changed ranges, those joined that only a word or two stand between."""
    joined: list[tuple[int, int, int, int]] = []
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        if joined and start - joined[-1][1] < _ISLAND:
            first, _, new_first, _ = joined.pop()
            joined.append((first, end, new_first, new_end))
        else:
            joined.append((start, end, new_start, new_end))
    return joined


def _short(text: str) -> str:
    """Cut a long text in its middle: a change shows at its ends."""
    half = _CHARACTERS // 2
    return text if len(text) <= _CHARACTERS else f"{text[:half].rstrip()} … {text[-half:].lstrip()}"


def _quoted(value: Any) -> str:
    if isinstance(value, str) and " " in value.strip():
        return f"“{_short(' '.join(value.split()))}”"
    return shown(value)
