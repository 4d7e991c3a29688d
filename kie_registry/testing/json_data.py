"""Compare data as JSON does: ``1`` and ``1.0`` are one number, and ``True`` is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def same_json(one: Any, other: Any) -> bool:
    """Whether two values are equal in JSON."""
    return next(differences(one, other), None) is None


def differences(expected: Any, found: Any, place: str = "") -> Iterator[str]:
    """Yield, in words, each place where `found` is not what was expected."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in dict.fromkeys([*expected, *found]):
            inner = f"{place}.{name}" if place else str(name)
            if name not in found:
                yield f"{inner}: {expected[name]!r:.80} is missing"
            elif name not in expected:
                yield f"{inner}: {found[name]!r:.80} was added"
            else:
                yield from differences(expected[name], found[name], inner)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for at, (before, after) in enumerate(zip(expected, found, strict=True)):
            yield from differences(before, after, f"{place}[{at}]")
    elif isinstance(expected, bool) is not isinstance(found, bool) or expected != found:
        yield f"{place}: {expected!r:.80} became {found!r:.80}"
