"""Try the limits of the files that a model takes, with files that only claim their type and size."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

from attrs import field, frozen

from kie_registry.adapter import Adapter
from kie_registry.binding import bind, check_file, problem_of
from kie_registry.contract import Contract
from kie_registry.errors import Problem, SpecError
from kie_registry.media import LocalFile, UnusableMedia, inspect
from kie_registry.schemas import Schema
from kie_registry.testing.branches import flattened
from kie_registry.testing.inputs import described
from kie_registry.testing.values import items_of, make_value

FOREIGN_TYPE = "application/x-tar"
"""What no model takes."""

_USUAL = {"image": "image/png", "video": "video/mp4", "audio": "audio/mpeg"}


@frozen
class FileTrial:
    """One limit of files, and what to try it with.

    Attributes:
        place: Where in the input the file goes, as in the contract's ``media``.
        rule: ``types``, ``kind`` or ``max_bytes``.
        limit: What the contract says.
        edge: A file that just keeps it.
        beyond: A file that just breaks it; None where there is none.
    """

    place: str
    rule: str
    limit: Any
    edge: LocalFile = field(repr=False)
    beyond: LocalFile | None = field(repr=False, default=None)


def file_trials(contract: Contract) -> Iterator[FileTrial]:
    """Yield a trial for each limit of files in `contract`."""
    for place, limits in contract.media.items():
        usual = limits.types[0] if limits.types else _USUAL.get(limits.kind, FOREIGN_TYPE)
        for kind in limits.types:
            yield FileTrial(place, "types", kind, claimed(kind))
        if limits.types:
            yield FileTrial(place, "types", list(limits.types), claimed(usual), claimed(FOREIGN_TYPE))
        elif limits.kind in _USUAL:
            yield FileTrial(place, "kind", limits.kind, claimed(usual), claimed(FOREIGN_TYPE))
        if (most := limits.max_bytes) is not None:
            yield FileTrial(place, "max_bytes", most, claimed(usual, most), claimed(usual, most + 1))


def claimed(mime_type: str, size: int = 1) -> LocalFile:
    """Return a file that claims a type and a size in bytes, and has no content."""
    return LocalFile(f"a file of {mime_type}", mime_type, size, "0" * 64, io.BytesIO)


def file_problems(adapter: type[Adapter], place: str, file: LocalFile) -> list[Problem]:
    """Return what is wrong with giving `file` at a place of the model's input.

    Raises:
        SpecError: The model takes no file there.
    """
    path = place.replace("[]", "").split(".")
    content = b"a file"
    for given in _with_file(described(adapter.contract), path, content):
        for slot in bind(adapter, given).slots:
            if slot.source is content:
                return check_file(adapter, slot, file)
    raise SpecError(f"{adapter.contract.id}: a local file given as {place} is not seen as one")


def problems_of(adapter: type[Adapter], given: dict[str, Any]) -> list[str]:
    """Return everything wrong with `given` that is found without sending anything, local files included."""
    return [str(problem) for problem in found_problems(adapter, given)]


def found_problems(adapter: type[Adapter], given: dict[str, Any]) -> list[Problem]:
    """Return everything wrong with `given` that is found without sending anything, as it is reported."""
    bound = bind(adapter, given)
    problems = list(bound.problems)
    for slot in bound.slots:
        try:
            file = inspect(slot.source)
        except UnusableMedia as error:
            problems.append(problem_of(adapter, slot.native, str(error)))
        else:
            problems += check_file(adapter, slot, file)
    return problems


def _with_file(schema: Schema, path: list[str], content: bytes) -> Iterator[Any]:
    """Yield values that have `content` at `path`, one for each way through the branches."""
    for flat in flattened(schema):
        try:
            yield from _PLACED[_kind(flat, path)](flat, path, content)
        except SpecError:
            continue


def _in_object(flat: Schema, path: list[str], content: bytes) -> Iterator[Any]:
    base = make_value(flat)
    for value in _with_file(flat["properties"][path[0]], path[1:], content):
        yield {**base, path[0]: value}


def _in_array(flat: Schema, path: list[str], content: bytes) -> Iterator[Any]:
    rest = items_of(flat, int(flat.get("minItems", 0)))[1:]
    for value in _with_file(flat.get("items", {}), path, content):
        yield [value, *rest]


def _kind(flat: Schema, path: list[str]) -> str:
    if "items" in flat:
        return "array"
    if not path:
        return "here"
    return "object" if path[0] in flat.get("properties", {}) else "elsewhere"


_PLACED: dict[str, Callable[[Schema, list[str], bytes], Iterator[Any]]] = {
    "array": _in_array,
    "object": _in_object,
    "here": lambda _flat, _path, content: iter([content]),
    "elsewhere": lambda _flat, _path, _content: iter(()),
}
