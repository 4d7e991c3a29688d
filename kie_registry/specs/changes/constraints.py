"""Compare what two editions of one schema demand of a value, keyword by keyword.

Breaking is what may refuse a value that was accepted, or send another one in its place. Widening is what
accepts more, or what a caller should know of in time (a deprecation).

A changed default is breaking where the parameter is required: kie.ai does not apply its defaults, so that we
send them, and a call that leaves the parameter out sends something else now. Elsewhere it is not sent, and a
caller has at most another reason to give the parameter: widening. A default that is only told, or no longer
told, of an optional parameter changes nothing: wording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import frozen

from kie_registry.schemas import types
from kie_registry.specs.changes.findings import (
    EVERYTHING,
    PROSE,
    Finding,
    Kind,
    as_json,
    listed,
    names,
    shown,
    were,
)

Schema = Mapping[str, Any]


@frozen
class Pair:
    """The schemas of one parameter in two editions.

    Attributes:
        path: The parameter.
        old: Its schema in the earlier edition.
        new: Its schema in the later one.
        was_required: Whether every input had to have it.
        is_required: Whether every input must have it.
    """

    path: str
    old: Schema
    new: Schema
    was_required: bool = False
    is_required: bool = False

    def found(self, keyword: str, kind: Kind, says: str, values: frozenset[str] = frozenset()) -> Finding:
        """Return a finding; `says` is its sentence without the name of the parameter."""
        return Finding(self.path, keyword, kind, f"{names(self.path)} {says}", values)


_KINDS_OF_VALUE = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def of_another_type(pair: Pair) -> Finding | None:
    """Return the finding that says all, where no type is common to both editions."""
    old, new = _widened(pair.old), _widened(pair.new)
    if not old or not new or old & new:
        return None
    return pair.found(EVERYTHING, "breaking", f"takes {_takes(pair.new)} now (was {_takes(pair.old)})")


def constraints(pair: Pair) -> Iterator[Finding]:
    """Yield a finding for each keyword, but for those that hold schemas of their own."""
    for compare in (_type, _choices, _bounds, _multiple, _default, _deprecated, _rest):
        yield from compare(pair)


def _takes(schema: Schema) -> str:
    return " or ".join(_KINDS_OF_VALUE.get(kind, str(kind)) for kind in _types(schema)) or "any value"


_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


def _types(schema: Schema) -> list[str]:
    """Return the types that a schema names, or that its choices have."""
    values = (_values(schema) or {}).values()
    return list(types(schema)) or sorted({_JSON_TYPES.get(type(value), "null") for value in values})


def _widened(schema: Schema) -> set[str]:
    kinds = set(_types(schema))
    return kinds | {"integer"} if "number" in kinds else kinds


def _type(pair: Pair) -> Iterator[Finding]:
    old, new = _widened(pair.old), _widened(pair.new)
    if old != new:
        kind: Kind = "widening" if not new or (old and old <= new) else "breaking"
        yield pair.found("type", kind, f"takes {_takes(pair.new)} now (was {_takes(pair.old)})")


def _values(schema: Schema) -> dict[str, Any] | None:
    """Return JSON -> value of the choices; None where any value goes."""
    if "const" in schema:
        return {as_json(schema["const"]): schema["const"]}
    choices = schema.get("enum")
    return {as_json(value): value for value in choices} if isinstance(choices, list) else None


def _choices(pair: Pair) -> Iterator[Finding]:
    old, new = _values(pair.old), _values(pair.new)
    if old == new:
        return
    if old is None or new is None:
        if new is not None:
            yield pair.found("enum", "breaking", f"takes only {listed(new.values())} now (was any value)")
        elif old:
            yield pair.found("enum", "widening", f"takes any value now (was {listed(old.values())})")
        return
    if added := {key: value for key, value in new.items() if key not in old}:
        sentence = f"{listed(added.values())} {were(added)} added to {names(pair.path)}"
        yield Finding(pair.path, "enum", "widening", sentence, frozenset(added))
    if removed := {key: value for key, value in old.items() if key not in new}:
        sentence = f"{listed(removed.values())} {were(removed)} removed from {names(pair.path)}"
        yield Finding(pair.path, "enum", "breaking", sentence, frozenset(removed))


_UPPER = {
    "maxLength": "may have up to {} characters",
    "maxItems": "may have up to {} items",
    "maxProperties": "may have up to {} fields",
    "maximum": "may be up to {}",
    "exclusiveMaximum": "must be below {}",
}
_LOWER = {
    "minLength": "must have at least {} characters",
    "minItems": "must have at least {} items",
    "minProperties": "must have at least {} fields",
    "minimum": "must be at least {}",
    "exclusiveMinimum": "must be above {}",
}
_COUNTS = ("minLength", "minItems", "minProperties")


def _bounds(pair: Pair) -> Iterator[Finding]:
    for keyword, says in {**_UPPER, **_LOWER}.items():
        old, new = _bound(pair, pair.old, keyword), _bound(pair, pair.new, keyword)
        if old == new:
            continue
        sign = 1 if keyword in _UPPER else -1
        wider = new is None or (old is not None and sign * new > sign * old)
        was = _told_bound(says, old) if old is not None else "without a limit"
        now = _told_bound(says, new) if new is not None else "has no such limit"
        brief = _count(old) if old is not None and new is not None else was
        yield pair.found(keyword, "widening" if wider else "breaking", f"{now} now (was {brief})")


def _bound(pair: Pair, schema: Schema, keyword: str) -> Any:
    value = schema.get(keyword)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return None if keyword in _COUNTS and value <= 0 and not _refuses_empty(pair, keyword) else value
    return 1 if _refuses_empty(pair, keyword) else None


def _refuses_empty(pair: Pair, keyword: str) -> bool:
    """Whether an empty value is refused unless the schema allows it: that of a required text is."""
    both_text = types(pair.old) == types(pair.new) == ("string",)
    return keyword == "minLength" and both_text and pair.was_required and pair.is_required


def _told_bound(says: str, value: Any) -> str:
    told = says.format(_count(value))
    return told.removesuffix("s") if value == 1 and told.endswith("s") else told


def _count(value: Any) -> str:
    return f"{value:,}"


def _multiple(pair: Pair) -> Iterator[Finding]:
    old, new = pair.old.get("multipleOf"), pair.new.get("multipleOf")
    if old != new:
        wider = new is None or (old is not None and new and old % new == 0)
        now = f"must be a multiple of {new} now" if new is not None else "need not be a multiple now"
        yield pair.found("multipleOf", "widening" if wider else "breaking", f"{now} (was {_told(old)})")


def _told(value: Any) -> str:
    return "none" if value is None else shown(value)


def _default(pair: Pair) -> Iterator[Finding]:
    has_old, has_new = "default" in pair.old, "default" in pair.new
    old, new = pair.old.get("default"), pair.new.get("default")
    if has_old == has_new and as_json(old) == as_json(new):
        return
    sent = pair.was_required and pair.is_required
    if not has_old and sent:
        yield pair.found("default", "widening", f"may be left out now: {shown(new)} is sent then")
    elif not has_old:
        yield pair.found("default", "wording", f"has a documented default now, {shown(new)}")
    elif not has_new:
        must = "must be given now: it has no default any more" if sent else "has no documented default any more"
        yield pair.found("default", "breaking" if sent else "wording", f"{must} (was {shown(old)})")
    else:
        left_out = ", and is sent where it is left out" if sent else ""
        says = f"has the default {shown(new)} now (was {shown(old)}){left_out}"
        yield pair.found("default", "breaking" if sent else "widening", says)


def _deprecated(pair: Pair) -> Iterator[Finding]:
    was, now = bool(pair.old.get("deprecated")), bool(pair.new.get("deprecated"))
    if now and not was:
        yield pair.found("deprecated", "widening", "is deprecated now")
    elif was and not now:
        yield pair.found("deprecated", "wording", "is no longer deprecated")


_OTHER_RULES: Mapping[str, Callable[[Any], str]] = {
    "pattern": lambda rule: f"must have the form {shown(rule)}",
    "format": lambda rule: f"must be in the format {shown(rule)}",
    "uniqueItems": lambda _: "must not have the same item twice",
}
_NOT_HERE = frozenset({*PROSE, *_UPPER, *_LOWER})
_NOT_HERE |= {"type", "enum", "const", "multipleOf", "default", "deprecated", "readOnly", "writeOnly"}
_NOT_HERE |= {"properties", "required", "items", "additionalProperties", "unevaluatedProperties"}
_NOT_HERE |= {"oneOf", "anyOf", "allOf"}


# What each of these keywords says where it refuses nothing; of others, even an empty rule may refuse all.
_IDLE: Mapping[str, Any] = {
    "uniqueItems": False,
    "nullable": False,
    "pattern": "",
    "format": "",
    "not": False,
    "propertyNames": {},
    "patternProperties": {},
    "dependentRequired": {},
    "dependentSchemas": {},
    "$defs": {},
}


def _rule(schema: Schema, keyword: str) -> Any:
    value = schema.get(keyword)
    return None if keyword in _IDLE and as_json(value) == as_json(_IDLE[keyword]) else value


def _rest(pair: Pair) -> Iterator[Finding]:
    """Compare what remains: a rule that came or changed may refuse what was accepted; one that went cannot."""
    for keyword in dict.fromkeys([*pair.old, *pair.new]):
        old, new = _rule(pair.old, keyword), _rule(pair.new, keyword)
        if keyword in _NOT_HERE or keyword.startswith("x-") or as_json(old) == as_json(new):
            continue
        say = _OTHER_RULES.get(
            keyword, lambda rule, keyword=keyword: f"must keep the rule `{keyword}`: {shown(rule)}"
        )
        if new is None:
            yield pair.found(keyword, "widening", f"has no rule `{keyword}` any more (was {shown(old)})")
        else:
            was = "" if keyword == "uniqueItems" else f" (was {_told(old)})"
            yield pair.found(keyword, "breaking", f"{say(new)} now{was}")
