"""The places in a model's input that take files, wherever in it they are."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from kie_registry import schemas
from kie_registry.contract import Contract, MediaLimits
from kie_registry.media import WEB, address_problem, is_address
from kie_registry.schemas import Schema

Place = tuple[str | int, ...]
"""Keys and positions that lead from an input to a value in it."""

# Stands for a file that is not uploaded yet wherever an input is checked.
_PLACEHOLDER = "https://file.to.be/uploaded"
_EACH = "[]"
# What may stand beside files, or instead of them: whether it does, the schema tells.
_NO_FILES = (Mapping, bool, int, float)


@frozen
class MediaSlot:
    """One place in an input that takes a file which is still local.

    Attributes:
        path: The path by which the contract knows it; see `Contract.media`.
        place: Where it is.
        source: What was given.
        kind: What is to stand there: image, video, audio or file.
    """

    path: str
    place: Place
    source: Any = field(repr=False)
    kind: str = "file"

    @property
    def native(self) -> str:
        """The native name of the parameter."""
        return str(self.place[0])

    @property
    def label(self) -> str:
        """What to call the file where it has no name of its own."""
        return inner_place(self.place) or f"the {self.kind}"


@define
class Media:
    """The files in one input.

    Attributes:
        input: The input, in containers of its own along the way to each file.
        checked: The same with an address in place of each local file, to be checked.
        slots: The places that hold local files.
        problems: Native name -> what is wrong with an address in it, in order.
    """

    input: dict[str, Any]
    checked: dict[str, Any]
    slots: list[MediaSlot]
    problems: list[tuple[str, str]]


def inner_place(place: Place) -> str:
    """Return the place within a parameter in words, such as ``item 2, image_urls, item 1``."""
    return ", ".join(f"item {step + 1}" if isinstance(step, int) else step for step in place[1:])


def find_media(contract: Contract, given: Mapping[str, Any]) -> Media:
    """Find every local file in `given` (native name -> value) and everything wrong with the addresses there."""
    found = Media(dict(given), dict(given), [], [])
    for path, limits in contract.media.items():
        steps = _steps(contract, path)
        if given.get(steps[0]) is not None:
            _Search(found, path, steps, limits, _schema_at(contract, steps)).run()
    return found


@define
class _Search:
    """The search for files at one path of an input."""

    found: Media
    path: str
    steps: Sequence[str]
    limits: MediaLimits
    schema: Schema

    def run(self) -> None:
        name, *rest = self.steps
        # Addresses will be put into these containers, which may be the caller's own.
        self.found.input[name] = _walk(self.found.input[name], rest, (name,), lambda _place, value: value)
        self.found.checked[name] = _walk(self.found.checked[name], rest, (name,), self._check, self._several)

    def _check(self, place: Place, value: Any) -> Any:
        if isinstance(value, _NO_FILES):
            return value
        if isinstance(value, str) and not value.strip():
            return self._check_empty(place, value)
        if not is_address(value):
            self.found.slots.append(MediaSlot(self.path, place, value, self.limits.kind))
            return _PLACEHOLDER
        if wrong := address_problem(value, self.limits.schemes):
            self._report(place if len(self.steps) > 1 else place[:1], wrong)
        return value

    def _check_empty(self, place: Place, text: str) -> Any:
        empty_is_meant = schemas.allows_empty(self.schema)
        if text or not empty_is_meant:
            self._report(place, "is empty")
        return text if empty_is_meant else _PLACEHOLDER

    def _several(self, place: Place, values: Sequence[Any]) -> None:
        kinds = schemas.types(self.schema)
        if kinds and "array" not in kinds:
            self._report(place, f"takes one {self.limits.kind}, and {len(values)} are given")

    def _report(self, place: Place, wrong: str) -> None:
        where = inner_place(place)
        self.found.problems.append((str(place[0]), f"{where}: {wrong}" if where else wrong))


def stored_files(contract: Contract, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[MediaSlot]]:
    """Return the input of a planned job in containers of its own, and the places whose files are to be uploaded.

    Those hold addresses that kie.ai cannot fetch, such as ``file:///photos/cat.jpg``; `put` replaces them.
    """
    made, slots = dict(given), list[MediaSlot]()

    def visit(path: str, limits: MediaLimits, place: Place, value: Any) -> Any:
        if _is_stored(value, limits.schemes):
            slots.append(MediaSlot(path, place, value, limits.kind))
        return value

    for path, limits in contract.media.items():
        name, *rest = _steps(contract, path)
        if made.get(name) is not None:
            made[name] = _walk(made[name], rest, (name,), functools.partial(visit, path, limits))
    return made, slots


def _is_stored(value: Any, schemes: Sequence[str]) -> bool:
    scheme, separator, _ = value.partition("://") if isinstance(value, str) else ("", "", "")
    return bool(separator) and not scheme.startswith("data:") and scheme.lower() not in (*WEB, *schemes)


def put(target: dict[str, Any], place: Place, value: Any) -> None:
    """Put `value` at `place` in an input that `find_media` or `stored_files` returned."""
    inner: Any = target
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value


def _steps(contract: Contract, path: str) -> list[str]:
    """Return the steps of a path: keys, and ``[]`` for each item of a list."""
    if path in contract.parameters:
        return [path]
    return [step for part in path.split(".") for step in _split(part)]


def _split(part: str) -> list[str]:
    name = part
    while name.endswith(_EACH):
        name = name.removesuffix(_EACH)
    return [name, *[_EACH] * ((len(part) - len(name)) // len(_EACH))]


def _schema_at(contract: Contract, steps: Sequence[str]) -> Schema:
    schema: Schema = contract.parameters.get(steps[0], {})
    for step in steps[1:]:
        schema = schemas.item(schema) if step == _EACH else schemas.parameters(schema).get(step, {})
    return schema


def _walk(
    value: Any,
    steps: Sequence[str],
    place: Place,
    visit: Callable[[Place, Any], Any],
    several: Callable[[Place, Sequence[Any]], None] = lambda _place, _values: None,
) -> Any:
    """Return `value` with what `visit` makes of each file in place of it, in new containers."""
    listed = isinstance(value, (list, tuple))
    if not steps:
        if not listed:
            return visit(place, value)
        several(place, value)
        return [visit((*place, at), item) for at, item in enumerate(value)]
    step, rest = steps[0], steps[1:]
    if step == _EACH:
        walked = [
            _walk(item, rest, (*place, at), visit, several) for at, item in enumerate(value if listed else ())
        ]
        return walked if listed else value
    if isinstance(value, Mapping) and value.get(step) is not None:
        return {**value, step: _walk(value[step], rest, (*place, step), visit, several)}
    return value
