"""Find every limit in a JSON Schema, with a value that just keeps it and one that just breaks it."""

from __future__ import annotations

import enum
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import evolve, field, frozen

from kie_registry.coercion import coerce
from kie_registry.errors import SpecError
from kie_registry.schemas import Schema, parts, types
from kie_registry.specs.validity import fits
from kie_registry.testing.branches import flattened
from kie_registry.testing.values import items_of, make_value, takes_addresses, text_of


class _Absent(enum.Enum):
    ABSENT = "there is no such value"


ABSENT = _Absent.ABSENT
UNKNOWN = "no_such_parameter"
_LONGEST_TEXT = 2_000_000
_LONGEST_LIST = 2_000
_NO_MATCHES = ("~ no match ~", "", "\n", "0 0 0")
_WRONG: Mapping[str, Any] = {"wrong": "type"}
"""What nothing but an object takes, and what is never turned into anything else."""


@frozen
class Trial:
    """One limit, and what to try it with.

    Attributes:
        place: Where it stands: ``prompt``, or ``dialogue[].text``; empty for the whole.
        rule: The keyword of JSON Schema that says it.
        limit: What the schema says there.
        edge: A value that just keeps it; `ABSENT` where there is none.
        beyond: A value that just breaks it; `ABSENT` where there is none.
    """

    place: str
    rule: str
    limit: Any
    edge: Any = field(default=ABSENT, repr=False)
    beyond: Any = field(default=ABSENT, repr=False)

    @property
    def parameter(self) -> str:
        """The parameter that it belongs to; empty for the whole."""
        return self.place.partition("[")[0].partition(".")[0]

    def within(self, place: str, wrap: Callable[[Any], Any]) -> Trial:
        """Return the same trial seen from further out."""
        joint = "" if not self.place or self.place.startswith("[") else "."
        values = {
            name: wrap(value)
            for name, value in (("edge", self.edge), ("beyond", self.beyond))
            if value is not ABSENT
        }
        return evolve(self, place=f"{place}{joint}{self.place}", **values)


def trials(schema: Schema) -> Iterator[Trial]:
    """Yield a trial for each limit in `schema`, those of its branches and of what it holds included."""
    flats = flattened(schema)
    seen = set()
    for flat in flats:
        for trial in _trials(flat):
            # In one of several branches, what breaks a limit may be right in another, in the form of that one.
            if len(flats) > 1 and trial.beyond is not ABSENT and fits(coerce(trial.beyond, schema), schema):
                continue
            if trial.edge is not ABSENT and not fits(trial.edge, schema):
                trial = evolve(trial, edge=ABSENT)  # noqa: PLW2901
            key = (trial.place, trial.rule, repr(trial.limit), trial.edge is ABSENT)
            if key not in seen and not (trial.edge is ABSENT and trial.beyond is ABSENT):
                seen.add(key)
                yield trial


def _trials(flat: Schema) -> Iterator[Trial]:
    kinds = types(flat)
    yield from _choices(flat)
    if "enum" not in flat and "const" not in flat:
        for kind in kinds:
            yield from _OF_TYPE[kind](flat) if kind in _OF_TYPE else ()
    if kinds and not {"object", "array"} & set(kinds):
        yield Trial("", "type", " or ".join(kinds), beyond=dict(_WRONG))


def _choices(flat: Schema) -> Iterator[Trial]:
    values = [flat["const"]] if "const" in flat else flat.get("enum", ())
    for value in values:
        yield Trial("", "enum", value, edge=value)
    if values:
        yield Trial("", "enum", list(values), beyond="no such value")


def _of_text(flat: Schema) -> Iterator[Trial]:
    least, most = flat.get("minLength"), flat.get("maxLength")
    if most is not None and most <= _LONGEST_TEXT:
        yield Trial("", "maxLength", most, _edge(flat, int(most)), text_of(flat, int(most) + 1))
    if least is not None and least <= _LONGEST_TEXT:
        beyond = text_of(flat, int(least) - 1) if least >= 1 else ABSENT
        yield Trial("", "minLength", least, _edge(flat, int(least)), beyond)
    if "pattern" in flat:
        wrong = [text for text in _NO_MATCHES if not fits(text, {"pattern": flat["pattern"]})]
        edge = ABSENT if takes_addresses(flat) else _made(flat)
        yield Trial("", "pattern", flat["pattern"], edge, wrong[0] if wrong else ABSENT)


def _edge(flat: Schema, length: int) -> Any:
    """Return a text of `length` characters; of an address, nothing if it would be too short for one."""
    return ABSENT if takes_addresses(flat) and length <= len("https://") else text_of(flat, length)


def _of_integer(flat: Schema) -> Iterator[Trial]:
    step = math.ceil(flat.get("multipleOf", 1))
    for rule, limit, sign in _bounds(flat):
        inclusive = not rule.startswith("exclusive")
        # Counted away from the limit, in whole steps.
        first = sign * math.ceil(sign * limit / step) * step
        edge = first if inclusive or first != limit else first + sign * step
        yield Trial("", rule, limit, edge, edge - sign * step)
    if step > 1 and (value := _made(flat)) is not ABSENT:
        yield Trial("", "multipleOf", step, value, value + 1)


def _of_number(flat: Schema) -> Iterator[Trial]:
    step = flat.get("multipleOf")
    for rule, limit, sign in _bounds(flat):
        inside, outside = math.nextafter(limit, sign * math.inf), math.nextafter(limit, -sign * math.inf)
        if rule.startswith("exclusive"):
            edge: Any = inside if step is None else limit + sign * step
            yield Trial("", rule, limit, edge, limit)
        else:
            yield Trial("", rule, limit, limit, outside if step is None else limit - sign * step)
    if step and (value := _made(flat)) is not ABSENT:
        yield Trial("", "multipleOf", step, value, value + step / 2)


def _bounds(flat: Schema) -> Iterator[tuple[str, float, int]]:
    """Yield each bound with the direction in which the allowed numbers lie."""
    for rule, sign in (("minimum", 1), ("exclusiveMinimum", 1), ("maximum", -1), ("exclusiveMaximum", -1)):
        limit = flat.get(rule)
        if isinstance(limit, (int, float)) and not isinstance(limit, bool):
            yield rule, limit, sign


def _of_array(flat: Schema) -> Iterator[Trial]:
    inner: Schema = flat.get("items") or {}
    least, most = int(flat.get("minItems", 0)), flat.get("maxItems")
    if most is not None and most <= _LONGEST_LIST:
        yield Trial("", "maxItems", most, items_of(_items(flat), int(most)), items_of(_items(flat), int(most) + 1))
    if least:
        yield Trial("", "minItems", least, items_of(_items(flat), least), items_of(_items(flat), least - 1))
    if flat.get("uniqueItems") and (most is None or most > 1):
        value = _made(inner)
        several = items_of(_items(flat), max(least, 2))
        yield Trial("", "uniqueItems", limit=True, edge=several, beyond=[value, value, *several[2:]])
    rest = items_of(_items(flat), least)[1:] if least > 1 else []
    for trial in trials(inner):
        yield trial.within("[]", lambda value: [value, *rest])


def _of_object(flat: Schema) -> Iterator[Trial]:
    base = _made(flat)
    if base is ABSENT:
        return
    for name in flat.get("required", ()):
        if has_default(flat.get("properties", {}).get(name, {})):
            continue  # It is filled in.
        without = {key: value for key, value in base.items() if key != name}
        yield Trial(name, "required", limit=True, edge=base, beyond=without)
    if flat.get("additionalProperties") is False or flat.get("unevaluatedProperties") is False:
        yield Trial("", "additionalProperties", limit=False, beyond={**base, UNKNOWN: 1})
    for name, inner in flat.get("properties", {}).items():
        for trial in trials(inner):
            yield trial.within(name, functools.partial(_with, base, name))


def has_default(schema: Schema) -> bool:
    """Whether a parameter that is required may be left out: its documented default is sent."""
    return any(part.get("default") is not None for part in parts(schema))


def _with(base: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**base, name: value}


def _items(flat: Schema) -> Schema:
    """Return the part of an array's schema that tells what its items are."""
    return {key: flat[key] for key in ("items", "uniqueItems") if key in flat}


def _made(flat: Schema) -> Any:
    try:
        return make_value(flat)
    except SpecError:
        return ABSENT


_OF_TYPE: Mapping[str, Callable[[Schema], Iterator[Trial]]] = {
    "string": _of_text,
    "integer": _of_integer,
    "number": _of_number,
    "array": _of_array,
    "object": _of_object,
}
