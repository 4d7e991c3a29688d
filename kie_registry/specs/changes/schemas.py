"""Compare two editions of the schema of an input: its parameters, what is in them, and its alternatives.

Parameters of an input that is made of branches are compared as a caller sees them, over all branches. Where
one branch changed in a way that the union hides, that is told of the alternative.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kie_registry import schemas
from kie_registry.specs.changes.constraints import Pair, Schema, constraints, of_another_type
from kie_registry.specs.changes.findings import ITSELF, PROSE, Finding, Kind, as_json, names, shown

ALTERNATIVES = "alternatives"
"""The keyword of findings over ``oneOf`` and ``anyOf``."""
REQUIRED = "required"
"""The keyword of findings over whether a parameter must be given; their path is that of the parameter."""


def compare_schemas(pair: Pair) -> Iterator[Finding]:
    """Yield what differs between two editions of a schema, and within it; prose is not looked at."""
    if _same(pair.old, pair.new):
        return
    if otherwise := of_another_type(pair):
        yield otherwise
        return
    told = [*constraints(pair), *_fields(pair), *_items(pair), *_further_fields(pair)]
    yield from told
    yield from _branches(pair, ALTERNATIVES, schemas.alternatives, told)
    yield from _branches(pair, "allOf", _conjuncts, told)


def _fields(pair: Pair) -> Iterator[Finding]:
    old, new = schemas.parameters(pair.old), schemas.parameters(pair.new)
    needed, needs = schemas.required(pair.old), schemas.required(pair.new)
    renamed = _renamed(old, new)
    for before, after in renamed.items():
        yield from _rename(_inside(pair.path, before), _inside(pair.path, after), old[before], new[after])
    for name in dict.fromkeys([*new, *old]):
        path = _inside(pair.path, name)
        if name in renamed or name in renamed.values():
            continue
        if name not in old:
            yield _added(path, new[name], required=name in needs)
        elif name not in new:
            yield Finding(path, ITSELF, "breaking", f"{names(path)} was removed")
        else:
            inner = Pair(path, old[name], new[name], name in needed, name in needs)
            yield from _need(inner)
            yield from compare_schemas(inner)
    for name in sorted((needed ^ needs) - {*old, *new}):
        yield from _need(Pair(_inside(pair.path, name), {}, {}, name in needed, name in needs))


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _renamed(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> dict[str, str]:
    """Return the earlier and the later name of what went and came with one schema, where it is no guess."""
    gone = [name for name in old if name not in new]
    came = [name for name in new if name not in old]
    found = {}
    for name in gone:
        same = [other for other in came if _same(old[name], new[other])]
        rivals = [other for other in gone if _same(old[name], old[other])]
        if len(same) == 1 and len(rivals) == 1 and set(old[name]) - PROSE - {"type"}:
            found[name] = same[0]
    if len(gone) == len(came) == 1 and _same(old[gone[0]], new[came[0]]):
        found[gone[0]] = came[0]
    return found


def _rename(before: str, after: str, old: Schema, new: Schema) -> Iterator[Finding]:
    otherwise = "" if old == new else ", and is described in other words"
    yield Finding(
        before, ITSELF, "breaking", f"{names(before)} is called {names(after)} now{otherwise}", frozenset({after})
    )


def _added(path: str, schema: Schema, *, required: bool) -> Finding:
    if not required:
        return Finding(path, ITSELF, "widening", f"{names(path)} was added; it is optional")
    default = f" (default {shown(schema['default'])})" if "default" in schema else ""
    return Finding(path, ITSELF, "breaking", f"{names(path)} was added and is required{default}")


def _need(pair: Pair) -> Iterator[Finding]:
    if pair.is_required and not pair.was_required:
        yield pair.found(REQUIRED, "breaking", "is now required")
    elif pair.was_required and not pair.is_required:
        yield _no_longer_needed(pair)


def _no_longer_needed(pair: Pair) -> Finding:
    default = pair.old.get("default")
    # Only defaults of the input's own parameters are sent, not those within them.
    if default is None or "." in pair.path:
        return pair.found(REQUIRED, "widening", "is optional now (was required)")
    says = f"is optional now: where it is left out, nothing is sent (was {shown(default)})"
    return pair.found(REQUIRED, "breaking", says)


def _items(pair: Pair) -> Iterator[Finding]:
    old, new = pair.old.get("items"), pair.new.get("items")
    if isinstance(old, Mapping) or isinstance(new, Mapping):
        yield from compare_schemas(Pair(f"{pair.path}[]", _mapping(old), _mapping(new)))


def _further_fields(pair: Pair) -> Iterator[Finding]:
    """Compare what an object takes beside the fields that it names."""
    old, new = (_further(schema) for schema in (pair.old, pair.new))
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from compare_schemas(Pair(f"{pair.path}.*", old, new))
    elif old != new:
        wider = new is True or old is False
        now = "takes other fields too" if wider else "takes no other fields, or not any"
        yield pair.found("additionalProperties", "widening" if wider else "breaking", f"{now} now")


def _further(schema: Schema) -> Any:
    """Return what an object takes beside its fields: an input made of branches says it with another keyword."""
    return schema.get("additionalProperties", schema.get("unevaluatedProperties", True))


def _branches(
    pair: Pair, keyword: str, branches: Callable[[Schema], list[Schema]], told: list[Finding]
) -> Iterator[Finding]:
    old, new = branches(pair.old), branches(pair.new)
    if keyword == ALTERNATIVES:
        # What had no alternatives may have become, or been, one of them.
        old, new = old or _among(pair.old, pair.new, new), new or _among(pair.new, pair.old, old)
    each = "one of {} alternatives" if keyword == ALTERNATIVES else "all of {} further rules"
    if not old and new:
        yield pair.found(keyword, "breaking", f"must fit {each.format(len(new))} now")
    elif old and not new:
        yield pair.found(keyword, "widening", f"need not fit {each.format(len(old))} any more")
    else:
        yield from _changed_branches(pair, keyword, _without(old, new), _without(new, old), told)
        yield from _exclusive(pair, keyword)


def _among(schema: Schema, other: Schema, branches: list[Schema]) -> list[Schema]:
    """Return the branch of `other` that demands what the whole of `schema` does, if there is one."""
    beside = {key: value for key, value in other.items() if key not in ("oneOf", "anyOf")}
    return [branch for branch in branches if _same(_closed({**beside, **branch}), _closed(schema))][:1]


def _closed(schema: Schema) -> Schema:
    """Return `schema` with one keyword for what it takes beside its fields."""
    rest = {key: value for key, value in schema.items() if key != "unevaluatedProperties"}
    return {**rest, "additionalProperties": _further(schema)}


def _changed_branches(
    pair: Pair, keyword: str, old: list[Schema], new: list[Schema], told: list[Finding]
) -> Iterator[Finding]:
    known = {(finding.path, finding.keyword, finding.kind) for finding in told}
    telling = _telling(old) & _telling(new)
    while old and new:
        before, after = max(
            ((one, other) for one in old for other in new), key=lambda both: _likeness(both[0], both[1], telling)
        )
        old.remove(before)
        new.remove(after)
        where = f" (in {_name(after, before)})"
        for finding in compare_schemas(Pair(pair.path, before, after, pair.was_required, pair.is_required)):
            if (finding.path, finding.keyword, finding.kind) not in known:
                yield Finding(
                    finding.path, finding.keyword, finding.kind, finding.sentence + where, finding.values
                )
    one_is_enough = keyword == ALTERNATIVES
    noun = "an alternative" if one_is_enough else "a rule"
    loss: Kind = "breaking" if one_is_enough else "widening"
    gain: Kind = "widening" if one_is_enough else "breaking"
    for says, kind, branches in ((f"has lost {noun}", loss, old), (f"has got {noun}", gain, new)):
        # An alternative of another type is told of with the types.
        if not (one_is_enough and (pair.path, "type", kind) in known):
            for branch in branches:
                yield pair.found(keyword, kind, f"{says}, {_name(branch)}")


def _exclusive(pair: Pair, keyword: str) -> Iterator[Finding]:
    """Tell whether exactly one alternative must hold now, or several may."""
    both = schemas.alternatives(pair.old) and schemas.alternatives(pair.new)
    if keyword != ALTERNATIVES or not both or ("oneOf" in pair.old) == ("oneOf" in pair.new):
        return
    if "oneOf" in pair.new:
        yield pair.found(keyword, "breaking", "must fit exactly one of its alternatives now (was one or more)")
    else:
        yield pair.found(keyword, "widening", "may fit several of its alternatives now (was exactly one)")


def _name(*branches: Schema) -> str:
    """Return how a sentence calls a branch: by its title, by what it needs, or by its fields."""
    for schema in branches:
        if isinstance(title := schema.get("title"), str) and title:
            return shown(title)
    schema = branches[0]
    if wanted := sorted(schemas.required(schema)) or list(schemas.parameters(schema)):
        return f"the one with {', '.join(names(name) for name in wanted[:4])}"
    return shown({key: value for key, value in schema.items() if key not in PROSE})


def _likeness(old: Schema, new: Schema, telling: frozenset[str]) -> tuple[int, bool, float]:
    """Return how much two branches are the same one: by the values that tell branches apart, then by the rest."""
    before, after = _values_of(old), _values_of(new)
    agreed = sum((before[name] == after[name]) - before[name].isdisjoint(after[name]) for name in telling)
    titled = bool(old.get("title")) and old.get("title") == new.get("title")
    return agreed, titled, difflib.SequenceMatcher(None, as_json(old), as_json(new)).quick_ratio()


def _telling(branches: list[Schema]) -> frozenset[str]:
    """Return the parameters that tell branches apart: those with a choice of values that no two have in common."""
    values = [_values_of(branch) for branch in branches]
    shared = frozenset.intersection(*(frozenset(each) for each in values)) if values else frozenset()
    return frozenset(
        name
        for name in shared
        if all(one[name].isdisjoint(other[name]) for one, other in itertools.combinations(values, 2))
    )


def _values_of(branch: Schema) -> dict[str, frozenset[str]]:
    """Return each parameter of a branch that only takes some values, with these as JSON."""
    found = {name: schemas.choices(schema) for name, schema in schemas.parameters(branch).items()}
    return {name: frozenset(map(as_json, values)) for name, values in found.items() if values}


def _without(branches: list[Schema], others: list[Schema]) -> list[Schema]:
    return [branch for branch in branches if not any(_same(branch, other) for other in others)]


def _conjuncts(schema: Schema) -> list[Schema]:
    return [branch for branch in schema.get("allOf", ()) if isinstance(branch, Mapping)]


def _mapping(value: Any) -> Schema:
    return value if isinstance(value, Mapping) else {}


def _same(old: Any, new: Any) -> bool:
    """Whether two schemas demand the same, whatever their prose and the order of their values."""
    return as_json(_demands(old)) == as_json(_demands(new))


def _demands(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    said: dict[str, Any] = {}
    for key, value in schema.items():
        if key in PROSE or key.startswith("x-"):
            continue
        if key == "properties" and isinstance(value, Mapping):
            said[key] = {name: _demands(inner) for name, inner in value.items()}
        elif key in ("items", "additionalProperties"):
            said[key] = _demands(value)
        elif key in ("oneOf", "anyOf", "allOf") and isinstance(value, list):
            said[key] = [_demands(branch) for branch in value]
        elif key in ("enum", "required") and isinstance(value, list):
            said[key] = sorted(value, key=as_json)
        else:
            said[key] = value
    return said
