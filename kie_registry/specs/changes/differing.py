"""Find every place where two pieces of plain data differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from kie_registry.specs.changes.findings import as_json


class _Nothing:
    def __repr__(self) -> str:
        return "nothing"


NOTHING = _Nothing()
"""What stands where one side has no value."""
ORDER = "order"
KEYS = "keys"
SPELLING = "spelling"

Place = tuple[str | int, ...]


@frozen
class Difference:
    """One place that differs.

    Attributes:
        place: The keys on the way to it. For an item of a list of plain values, the place of the list.
        old: The earlier value, or `NOTHING`.
        new: The later value, or `NOTHING`.
        how: `ORDER` where the same items stand in another order, `KEYS` where the same keys do, `SPELLING` where
            a key differs only in the spaces around it; else empty.
    """

    place: Place
    old: Any
    new: Any
    how: str = ""


def differences(old: Any, new: Any, place: Place = ()) -> Iterator[Difference]:
    """Yield each place that differs, as deep as both sides go."""
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _mappings(old, new, place)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(old, new, place)
    elif as_json(old) != as_json(new):
        yield Difference(place, old, new)


def _mappings(old: dict[Any, Any], new: dict[Any, Any], place: Place) -> Iterator[Difference]:
    spelled = _spelled_otherwise(old, new)
    common = [(key, spelled.get(key, key)) for key in old if key in new or key in spelled]
    for before, after in common:
        if before != after:
            yield Difference((*place, str(after)), before, after, SPELLING)
        yield from differences(old[before], new[after], (*place, str(after)))
    later = {after for _, after in common}
    for key, value in old.items():
        if key not in new and key not in spelled:
            yield from _one_sided(key, value, NOTHING, place)
    for key, value in new.items():
        if key not in later:
            yield from _one_sided(key, NOTHING, value, place)
    before_order, after_order = [after for _, after in common], [key for key in new if key in later]
    if before_order != after_order:
        yield Difference(place, before_order, after_order, KEYS)


def _one_sided(key: Any, old: Any, new: Any, place: Place) -> Iterator[Difference]:
    """Yield what came or went with a key; each name for itself in a list of what is required."""
    value = old if new is NOTHING else new
    each = value if key == "required" and isinstance(value, list) and value else [value]
    for one in each:
        yield Difference((*place, str(key)), *((one, NOTHING) if new is NOTHING else (NOTHING, one)))


def _spelled_otherwise(old: dict[Any, Any], new: dict[Any, Any]) -> dict[Any, Any]:
    came = {str(key).strip(): key for key in new if key not in old}
    return {key: came[str(key).strip()] for key in old if key not in new and str(key).strip() in came}


def _lists(old: list[Any], new: list[Any], place: Place) -> Iterator[Difference]:
    if all(not isinstance(item, (dict, list)) for item in [*old, *new]):
        yield from _plain_lists(old, new, place)
        return
    before, after = [as_json(item) for item in old], [as_json(item) for item in new]
    if before != after and sorted(before) == sorted(after):
        yield Difference(place, old, new, ORDER)
        return
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        paired = min(end - start, new_end - new_start)
        for offset in range(paired):
            at = (*place, new_start + offset)
            yield from differences(old[start + offset], new[new_start + offset], at)
        for index in range(start + paired, end):
            yield Difference((*place, index), old[index], NOTHING)
        for index in range(new_start + paired, new_end):
            yield Difference((*place, index), NOTHING, new[index])


def _plain_lists(old: Sequence[Any], new: Sequence[Any], place: Place) -> Iterator[Difference]:
    before, after = [as_json(item) for item in old], [as_json(item) for item in new]
    for item, said in zip(old, before, strict=True):
        if said not in after:
            yield Difference(place, item, NOTHING)
    for item, said in zip(new, after, strict=True):
        if said not in before:
            yield Difference(place, NOTHING, item)
    if [said for said in before if said in after] != [said for said in after if said in before]:
        yield Difference(place, list(old), list(new), ORDER)
