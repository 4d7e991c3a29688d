"""Put values in the forms that a model asks for, where no meaning is lost.

What a schema takes as it is given is never changed. Else ``5`` becomes ``"5"`` and ``"5"`` becomes ``5``,
``"true"`` becomes true, ``jpg`` becomes ``jpeg``, ``4k`` becomes ``4K``, and one value becomes a list of one, or
the other way about; in objects and lists, each item by its own schema. Where an object is asked for, or a
list of what is no text, a text is read as JSON: no text could be right there, and a command line has
nothing else to give.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kie_registry import schemas
from kie_registry.schemas import Schema
from kie_registry.vocabulary import EQUAL_VALUES

_NUMBER = re.compile(r"[+-]?\d{1,300}(\.\d{1,300})?([eE][+-]?\d{1,3})?", re.ASCII)
_SCALARS = frozenset({"string", "integer", "number", "boolean"})
_EXACT = 2**53
_DEEPEST = 64


def coerce(value: Any, schema: Any) -> Any:
    """Return `value` in the form that `schema` asks for; as it is where that cannot be done. Never raises."""
    return _coerce(value, schema, 0)


def as_listed(value: Any, schema: Schema) -> Any:
    """Return a list where `schema` asks for one, and one value where it does not; the values as they are."""
    kinds = set(schemas.types(schema))
    # A file object is an iterator too, of its lines.
    if isinstance(value, tuple) or (isinstance(value, Iterator) and not hasattr(value, "read")):
        value = list(value)
    if "array" in kinds:
        takes_one = kinds & _SCALARS
        return value if isinstance(value, list) or takes_one else [value]
    if kinds and kinds <= _SCALARS | {"null"} and isinstance(value, list) and len(value) == 1:
        (only,) = value
        return value if only is None or isinstance(only, (list, tuple)) else only
    return value


def _coerce(value: Any, schema: Any, depth: int) -> Any:
    if value is None or not isinstance(schema, Mapping) or depth > _DEEPEST:
        return value
    for part in schema.get("allOf", ()):
        value = _coerce(value, part, depth + 1)
    if branches := schemas.alternatives(schema):
        return _to_some_branch(value, schema, branches, depth)
    if choices := schemas.choices(schema):
        return _choose(_only(value, schema), choices)
    kinds = [kind for kind in schemas.types(schema) if kind != "null"]
    if len(kinds) != 1:
        return _to_some_type(value, schema, kinds, depth)
    return _to_type(value, schema, kinds[0], depth)


def _only(value: Any, schema: Schema) -> Any:
    return value if "array" in schemas.types(schema) else as_listed(value, schema)


def _to_some_branch(value: Any, schema: Schema, branches: Iterable[Schema], depth: int) -> Any:
    """Leave a value that fits a branch; else put it in the form of the first one that it then fits."""
    value = as_listed(value, {})
    rest = {key: part for key, part in schema.items() if key not in ("oneOf", "anyOf", "allOf")}
    if _fits(value, schema):
        return value
    value = _coerce(value, rest, depth + 1)
    natural = sorted(branches, key=lambda branch: not any(is_of(value, kind) for kind in schemas.types(branch)))
    changed = (_coerce(value, {**rest, **branch}, depth + 1) for branch in natural)
    return next((made for made in changed if _fits(made, schema)), value)


def _to_some_type(value: Any, schema: Schema, kinds: Iterable[str], depth: int) -> Any:
    kinds = list(kinds)
    natural = [kind for kind in kinds if is_of(value, kind)]
    if natural:
        return _to_type(value, schema, natural[0], depth)
    changed = ((kind, _to_type(value, schema, kind, depth)) for kind in kinds)
    return next((made for kind, made in changed if is_of(made, kind)), value)


def _to_type(value: Any, schema: Schema, kind: str, depth: int) -> Any:
    if kind == "array":
        return _list(value, schema, depth)
    if kind == "object":
        return _object(value, schema, depth)
    value = as_listed(value, schema)
    if kind == "string":
        return str(value) if _is_number(value) else value
    if kind == "boolean":
        return _boolean(value)
    return _number(value, whole=kind == "integer") if kind in ("integer", "number") else value


def _list(value: Any, schema: Schema, depth: int) -> Any:
    items = schema.get("items", {})
    values = as_listed(_from_json(value, list, items), schema)
    if not isinstance(values, list) or "prefixItems" in schema:
        return values
    read = [_from_json(item, list, items) for item in values]
    # Several lists, each given as a text, are one list; unless lists are what the items are.
    if not _takes_lists(items):
        texts = zip(values, read, strict=True)
        read = [one for old, new in texts for one in (new if new is not old else [old])]
    return [_coerce(item, items, depth + 1) for item in read]


def _from_json(value: Any, wanted: type, items: Any) -> Any:
    """Read a text as JSON where a list is wanted whose items are no texts."""
    kinds = set(schemas.types(items)) if isinstance(items, Mapping) else set()
    return _read(value, wanted) if kinds and "string" not in kinds else value


def _takes_lists(items: Any) -> bool:
    return isinstance(items, Mapping) and "array" in schemas.types(items)


def _object(value: Any, schema: Schema, depth: int) -> Any:
    given = _read(value, dict)
    if not isinstance(given, Mapping):
        return value
    known = schemas.parameters(schema)
    made = {name: _coerce(item, known.get(name), depth + 1) for name, item in given.items()}
    for name in schemas.required(schema):
        if name not in made and "default" in known.get(name, {}):
            made[name] = known[name]["default"]
    return made


def _read(value: Any, wanted: type) -> Any:
    """Return what a text says as JSON, if it is what is wanted; else the text."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        read = json.loads(value, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return value
    return read if isinstance(read, wanted) else value


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _fits(value: Any, schema: Schema) -> bool:
    import jsonschema_rs

    try:
        return jsonschema_rs.is_valid(dict(schema), value, validate_formats=False)
    except (ValueError, TypeError, RecursionError, OverflowError):
        return False


def is_of(value: Any, kind: str) -> bool:
    """Whether `value` is of a JSON type."""
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return not isinstance(value, bool) and (
                isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            )
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "array":
            return isinstance(value, (list, tuple))
        case "object":
            return isinstance(value, Mapping)
    return isinstance(value, str) if kind == "string" else False


def _choose(value: Any, choices: Iterable[Any]) -> Any:
    """Return the one of `choices` that `value` means; `value` itself where that is none, or not certain."""
    choices = list(choices)
    text = _said(value)
    if text is None or value in choices:
        return value
    spelled = [(choice, said) for choice in choices if (said := _said(choice)) is not None]
    number = _number(text, whole=False)
    alike = [choice for choice, said in spelled if said == text]
    if not alike and not isinstance(number, str):
        alike = [choice for choice, said in spelled if _number(said, whole=False) == number]
    if alike:
        return alike[0] if len(alike) == 1 else value
    equal = next((row for row in EQUAL_VALUES if text in row), ())
    return next((choice for same in equal for choice, said in spelled if said == same), value)


def _said(value: Any) -> str | None:
    """Return text, a number or a truth value in lower case; None for all that must not be taken for text."""
    if isinstance(value, (str, bool)):
        return str(value).lower()
    return str(value) if _is_number(value) else None


def _is_number(value: Any) -> bool:
    """Whether `value` is a number that can be written in full: no NaN, and none of thousands of digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) if isinstance(value, float) else value.bit_length() <= 1024


def _boolean(value: Any) -> Any:
    known = {"true": True, "false": False}
    return known.get(value.strip().lower(), value) if isinstance(value, str) else value


def _number(value: Any, *, whole: bool) -> Any:
    """Return the number that a text says; a whole one as an integer, where nothing is lost by that."""
    number = value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        number = int(value) if value.lstrip("+-").isdigit() else float(value)
    if isinstance(number, float):
        if not math.isfinite(number):
            return value
        if whole and number.is_integer() and abs(number) <= _EXACT:
            return int(number)
        if whole:
            return value
    return number
