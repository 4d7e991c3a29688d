"""Say which part of a model's page a place in its document belongs to."""

from __future__ import annotations

from attrs import frozen

from kie_registry.specs.changes.differing import Place
from kie_registry.specs.changes.findings import ITSELF
from kie_registry.specs.changes.schemas import ALTERNATIVES
from kie_registry.specs.documents import CREATE_TASK_PATH

_OPERATION: Place = ("paths", CREATE_TASK_PATH, "post")
_BRANCHES = ("oneOf", "anyOf", "allOf")


@frozen
class Spot:
    """A place within the input of the model.

    Attributes:
        path: The parameter, as in findings.
        keyword: The keyword of its schema; `ITSELF` for the whole of it.
        in_branch: Whether it lies in an alternative.
    """

    path: str
    keyword: str
    in_branch: bool = False


def in_input(place: Place) -> Spot | None:
    """Return the spot of a place in the schema of the request; None where it lies elsewhere.

    What the request takes beside ``input`` is a spot too, as ``callBackUrl``.
    """
    rest = _after(place, (*_OPERATION, "requestBody", "content"))
    if rest is None or rest[1:2] != ("schema",):
        return None
    rest = rest[2:]
    while len(rest) > 1 and rest[0] in _BRANCHES:
        rest = rest[2:]
    if rest[:2] == ("properties", "input"):
        return _spot(rest[2:])
    return _spot(rest) if rest[:1] == ("properties",) and rest[1:2] != ("model",) and len(rest) > 1 else None


def _after(place: Place, start: Place) -> Place | None:
    return place[len(start) :] if place[: len(start)] == start else None


def _spot(rest: Place) -> Spot:
    path, in_branch = "", False
    while rest:
        key = str(rest[0])
        if key == "properties" and len(rest) > 1:
            name = str(rest[1]).strip()
            path, rest = f"{path}.{name}" if path else name, rest[2:]
        elif key == "items" and not isinstance(rest[1:2], int):
            path, rest = f"{path}[]", rest[1:]
        elif key in _BRANCHES:
            in_branch, rest = True, rest[2:]
            if not rest:
                return Spot(path, key if key == "allOf" else ALTERNATIVES, in_branch)
        else:
            return Spot(path, key, in_branch)
    return Spot(path, ITSELF, in_branch)


def is_of_the_editor(place: Place) -> bool:
    """Whether a place lies in an ``x-`` keyword: what kie.ai's editor notes for itself."""
    return any(str(key).startswith("x-") and place[at - 1 : at] != ("properties",) for at, key in enumerate(place))


def part_of_page(place: Place) -> tuple[str, Place]:
    """Return how a sentence calls the part of the page that a place lies in, and the rest of the place."""
    if (rest := _after(place, _OPERATION)) is not None and rest:
        return _part_of_operation(rest)
    if place[:1] == ("paths",):
        return f"what the page says of `{' '.join(map(str, place[1:3]))}`", place[3:]
    if place[:1] == ("components",) and len(place) > 2:
        return f"the part `{place[2]}` of the page ({place[1]})", place[3:]
    if not place:
        return "the page", ()
    return f"`{place[0]}` of the page", place[1:]


def _part_of_operation(rest: Place) -> tuple[str, Place]:
    key = str(rest[0])
    if key == "responses" and len(rest) > 1:
        return f"the answer `{rest[1]}`", rest[2:]
    if key == "description":
        return "the text of the page", rest[1:]
    if key == "requestBody":
        inner = rest[3:] if rest[1:2] == ("content",) else rest[1:]
        if inner[:1] in (("example",), ("examples",)):
            return "the example request", inner[1:]
        if inner[:3] == ("schema", "properties", "model"):
            return "what the page says of `model`", inner[3:]
        return "the body of the request", inner
    return f"`{key}` of the page", rest[1:]
