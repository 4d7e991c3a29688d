"""Tell of what differs between two documents as published, and changes nothing that is checked.

The contract tells what matters. All else that differs is told here, as exactly as it is known: nothing on a
page changes without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kie_registry.errors import SpecError
from kie_registry.specs.changes.differing import KEYS, NOTHING, ORDER, SPELLING, Difference, Place, differences
from kie_registry.specs.changes.findings import ITSELF, PROSE, Finding, as_json, names, shown
from kie_registry.specs.changes.places import Spot, in_input, is_of_the_editor, part_of_page
from kie_registry.specs.changes.schemas import ALTERNATIVES, REQUIRED
from kie_registry.specs.changes.texts import became
from kie_registry.specs.documents import CREATE_TASK_PATH, Json, inline

_STRUCTURE = frozenset({ITSELF, "properties", "items", ALTERNATIVES, "allOf"})
# How many places of one part of the page a sentence names.
_SHOWN = 8
_REQUEST: Place = ("paths", CREATE_TASK_PATH, "post", "requestBody")


def retell(old: Json, new: Json, known: Sequence[Finding]) -> Iterator[Finding]:
    """Yield what differs between two documents as published and is not among the `known` findings."""
    kinds: dict[str, list[Difference]] = {"moved": [], "editor": [], "input": [], "part": []}
    for each in page_differences(old, new):
        kinds[_sort(each)].append(each)
    yield from _of_the_input(kinds["input"], known)
    yield from _of_parts(each for each in kinds["part"] if not _is_known_need(each, known))
    editors, moved = kinds["editor"], len(kinds["moved"])
    if editors:
        yield Finding("", "x-", "wording", _of_editors(editors))
    if moved:
        places = "one place" if moved == 1 else f"{moved} places"
        yield Finding("", KEYS, "wording", f"the page is written in another order, in {places}")


def _sort(each: Difference) -> str:
    if each.how == KEYS and each.place[-1:] != ("properties",):
        return "moved"
    if is_of_the_editor(each.place):
        return "editor"
    return "input" if in_input(each.place) else "part"


def _of_the_input(found: Iterable[Difference], known: Sequence[Finding]) -> Iterator[Finding]:
    spots: dict[tuple[str, str], list[Difference]] = {}
    for each in found:
        spot = in_input(each.place)
        if spot and not _is_known(each, spot, known):
            spots.setdefault((spot.path, spot.keyword), []).append(each)
    yield from _examples_written_otherwise(spots)
    for (path, keyword), group in spots.items():
        yield Finding(path, keyword, "wording", "; ".join(_of_parameter(path, keyword, group)))


def _of_parts(found: Iterable[Difference]) -> Iterator[Finding]:
    parts: dict[str, list[tuple[Place, Difference]]] = {}
    for each in found:
        label, rest = part_of_page(each.place)
        parts.setdefault(label, []).append((rest, each))
    for label, group in parts.items():
        yield Finding("", label, _gravity(group), _of_part(label, group))


def _examples_written_otherwise(spots: dict[tuple[str, str], list[Difference]]) -> Iterator[Finding]:
    """Take out, and tell in one, that an ``example`` became the only one of ``examples``, or the other way."""
    for path in [path for path, keyword in spots if keyword == "example"]:
        pair = [*spots[path, "example"], *spots.get((path, "examples"), ())]
        values = [each.old if each.new is NOTHING else each.new for each in pair]
        one_went = len(pair) == 2 and (pair[0].old is NOTHING) != (pair[1].old is NOTHING)
        if one_went and as_json([values[0]]) == as_json(values[1]):
            del spots[path, "example"], spots[path, "examples"]
            before, after = ("example", "examples") if pair[0].new is NOTHING else ("examples", "example")
            sentence = f"the `{before}` of {names(path)} is written as `{after}` now, and is the same"
            yield Finding(path, "examples", "wording", sentence)


def page_differences(old: Json, new: Json) -> list[Difference]:
    """Return every place where two documents differ, each once.

    What the request refers to is looked at where it is used; elsewhere, where it stands.
    """
    before, after = _with_whole_request(old), _with_whole_request(new)
    found = list(differences(before, after))
    request = [each for each in found if each.place[: len(_REQUEST)] == _REQUEST]
    others = (each for each in found if each.place[: len(_REQUEST)] != _REQUEST)
    rest = [each for each in others if not _seen_in(each, request)]
    return [*request, *rest, *_moved(old, new, request)]


def _with_whole_request(document: Json) -> Json:
    try:
        operation = document["paths"][CREATE_TASK_PATH]["post"]
        whole = {**operation, "requestBody": inline(document, operation["requestBody"])}
    except (SpecError, KeyError, TypeError):
        # A rule made a model of it nevertheless; it is compared as it stands.
        return document
    return {**document, "paths": {**document["paths"], CREATE_TASK_PATH: {"post": whole}}}


def _seen_in(each: Difference, request: Iterable[Difference]) -> bool:
    """Whether a difference in a shared part is one of the request, which refers to that part."""
    tail = each.place[3:]
    if each.place[:2] != ("components", "schemas") or not tail:
        return False
    same = (as_json(each.old), as_json(each.new))
    return any(
        other.place[-len(tail) :] == tail and (as_json(other.old), as_json(other.new)) == same for other in request
    )


def _moved(old: Json, new: Json, request: Sequence[Difference]) -> Iterator[Difference]:
    """Yield the places of the request that say the same in another part of the page now."""
    for each in differences(_body(old), _body(new), _REQUEST):
        held = {str(key) for key in (*each.place, *_keys(each.old), *_keys(each.new))}
        at = each.place[:-1] if each.place[-1] == "$ref" else each.place
        if "$ref" in held and not any(other.place[: len(at)] == at for other in request):
            yield each


def _body(document: Json) -> Any:
    path = document.get("paths", {}).get(CREATE_TASK_PATH)
    operation = path.get("post") if isinstance(path, dict) else None
    return operation.get("requestBody") if isinstance(operation, dict) else None


def _keys(value: Any) -> Iterable[Any]:
    return value if isinstance(value, dict) else ()


def _is_known(each: Difference, spot: Spot, known: Sequence[Finding]) -> bool:
    values = [value for value in (each.old, each.new) if value is not NOTHING]
    if each.how:
        return False
    if spot.keyword == REQUIRED:
        inner = [f"{spot.path}.{value}" if spot.path else str(value).strip() for value in values]
        return all(any(_about(finding, path, (REQUIRED, ITSELF)) for finding in known) for path in inner)
    if spot.keyword in _STRUCTURE and not isinstance(each.place[-1], int):
        return any(_within(finding, spot.path) or finding.tells_of(spot.path, spot.keyword) for finding in known)
    if spot.in_branch and spot.keyword not in PROSE and any(_of_branches(finding, spot.path) for finding in known):
        return True
    keyword = "enum" if spot.keyword == "const" else spot.keyword
    (value,) = values if len(values) == 1 else (None,)
    said = as_json(value) if keyword == "enum" and len(values) == 1 and not isinstance(value, list) else None
    return any(finding.tells_of(spot.path, keyword, said) for finding in known)


def _is_known_need(each: Difference, known: Sequence[Finding]) -> bool:
    """Whether a difference in what the body requires is told of what stands beside the input."""
    if each.place != (*_REQUEST, "content", "application/json", "schema", REQUIRED):
        return False
    name = each.old if each.new is NOTHING else each.new
    return any(_about(finding, str(name), (REQUIRED, ITSELF)) for finding in known)


def _about(finding: Finding, path: str, keywords: Sequence[str]) -> bool:
    renamed_to = finding.keyword == ITSELF and path in finding.values
    return renamed_to or (finding.path == path and finding.keyword in keywords)


def _of_branches(finding: Finding, path: str) -> bool:
    """Whether a finding tells that alternatives came, went or were mixed, and `path` lies in one of them."""
    return finding.keyword in (ALTERNATIVES, "allOf") and (not finding.path or path.startswith(finding.path))


def _within(finding: Finding, path: str) -> bool:
    here = not path or finding.path == path or finding.path.startswith((f"{path}.", f"{path}["))
    return here or _about(finding, path, (ITSELF,))


def _of_parameter(path: str, keyword: str, found: Sequence[Difference]) -> Iterator[str]:
    name = names(path)
    for each in found:
        if each.how == SPELLING:
            yield f"{name} is spelled {shown(each.new)} now (was {shown(each.old)}); it was read so already"
        elif each.how == KEYS:
            yield f"the parameters of {name} are listed in another order"
        elif each.how == ORDER:
            what = "the alternatives" if keyword == ALTERNATIVES else f"the values in `{keyword}`"
            yield f"{what} of {name} are listed in another order"
    plain = [each for each in found if not each.how]
    if keyword == "enum":
        yield from _of_choices(name, plain)
    else:
        label = f"`{keyword}` of {name}" if keyword else name
        for each in plain:
            yield f"{label} {became(each.old, each.new)}"


def _of_choices(name: str, found: Sequence[Difference]) -> Iterator[str]:
    gone = [each.old for each in found if each.new is NOTHING]
    for each in found:
        if each.new is NOTHING:
            continue
        same = [value for value in gone if str(value).strip() == str(each.new).strip()]
        if same:
            gone.remove(same[0])
            yield f"{as_code(same[0])} of {name} is spelled {as_code(each.new)} now; it was read so already"
        else:
            yield f"{as_code(each.new)} is listed for {name} now; nothing changes by it"
    for value in gone:
        yield f"{as_code(value)} is not listed for {name} any more; nothing changes by it"


def as_code(value: Any) -> str:
    """Return a value with its quotes, for where its spelling is the point."""
    return f"`{as_json(value)}`"


def _gravity(group: Sequence[tuple[Place, Difference]]) -> Any:
    """A model that is deprecated as a whole is more than wording: it will go."""
    deprecated = any(each.place[-2:] == ("post", "deprecated") and each.new is True for _, each in group)
    return "widening" if deprecated else "wording"


def _of_part(label: str, group: Sequence[tuple[Place, Difference]]) -> str:
    if len(group) == 1:
        ((rest, each),) = group
        where = f"{label}, at `{_dotted(rest)}`," if rest else label
        if each.how:
            return f"{where} is {'spelled otherwise' if each.how == SPELLING else 'in another order'}"
        return f"{where} {became(each.old, each.new)}"
    places = list(dict.fromkeys(f"`{_dotted(rest)}`" for rest, _ in group if rest))
    return f"{label} changed, at {_some(places)}" if places else f"{label} changed"


def _of_editors(found: Sequence[Difference]) -> str:
    where = []
    for each in found:
        at = next(at for at in range(len(each.place)) if is_of_the_editor(each.place[: at + 1]))
        spot = in_input(each.place[:at])
        owner = names(spot.path) if spot else part_of_page(each.place[:at])[0]
        where.append(f"`{each.place[at]}` of {owner}")
    places = list(dict.fromkeys(where))
    return f"notes of the page's editor changed: {_some(places)}"


def _some(places: Sequence[str]) -> str:
    """Return the first places, and how many more there are."""
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return ", ".join(places[:_SHOWN]) + more


def _dotted(place: Place) -> str:
    """Return a place as a person names it: without the keys that every answer has."""
    start = 3 if place[:1] == ("content",) and place[2:3] == ("schema",) and len(place) > 3 else 0
    return ".".join(str(key) for key in place[start:] if key != "properties") or ".".join(map(str, place))
