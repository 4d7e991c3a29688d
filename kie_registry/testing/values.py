"""Make up values that a JSON Schema accepts: the plainest ones, such as a person would try first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kie_registry.errors import SpecError
from kie_registry.schemas import Schema, types
from kie_registry.specs.validity import fits
from kie_registry.testing.branches import flattened
from kie_registry.testing.patterns import matching

_MOST = 200
_ADDRESS = "https://example.com/file-{}.png"
_FORMATS = {
    "date-time": "2026-03-02T12:00:00Z",
    "date": "2026-03-02",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uuid": "12345678-1234-5678-1234-567812345678",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
}
# For patterns that no example shows a match of, and that are too intricate to be read.
_GUESSES = ("a", "A", "1", "#000000", "10.00%", "12:00", "example")


def make_value(schema: Schema) -> Any:
    """Return the plainest value that `schema` accepts.

    Raises:
        SpecError: None was found.
    """
    for value in itertools.islice(_values(schema), _MOST):
        if fits(value, schema):
            return value
    raise SpecError(f"no value could be made that fits {dict(schema)!r:.300}")


def text_of(schema: Schema, length: int) -> str:
    """Return a text of `length` characters, an address where `schema` asks for one and it is long enough."""
    start = _ADDRESS.format(1) if takes_addresses(schema) else ""
    if not start or length == 0:
        return "a" * length
    return start if len(start) == length else start[: length - 1].ljust(length, "a")


def takes_addresses(schema: Schema) -> bool:
    """Whether `schema` asks for a URL."""
    return schema.get("format") in ("uri", "url")


def items_of(schema: Schema, count: int) -> list[Any]:
    """Return `count` values for the array that `schema` describes, different ones where that is possible."""
    inner = schema.get("items") or {}
    plain = make_value(inner) if count else None
    several = [value for value in itertools.islice(_values(inner), _MOST) if fits(value, inner)]
    distinct = [value for at, value in enumerate(several) if value not in several[:at]]
    chosen = distinct[:count] if schema.get("uniqueItems") or _is_address(plain) else []
    return [*chosen, *_copies(plain, count - len(chosen))]


def _copies(value: Any, count: int) -> list[Any]:
    import copy

    return [copy.deepcopy(value) for _ in range(count)]


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("https://")


def _values(schema: Schema) -> Iterator[Any]:
    for flat in flattened(schema):
        yield from (value for value in _told(flat) if not _is_blank(value))
        kinds = types(flat) or _implied(flat)
        for kind in sorted(kinds, key=lambda kind: kind == "null"):
            yield from _MAKERS[kind](flat) if kind in _MAKERS else ()


def _told(flat: Schema) -> Iterator[Any]:
    """Yield the values that the schema itself names."""
    if "const" in flat:
        yield flat["const"]
    if "default" in flat and flat["default"] is not None:
        yield flat["default"]
    yield from flat.get("enum", ())
    if "pattern" in flat:
        yield from flat.get("examples", ())


def _implied(flat: Schema) -> tuple[str, ...]:
    """Return the type that the keywords of a schema without one are about."""
    if "properties" in flat or "required" in flat:
        return ("object",)
    return ("array",) if "items" in flat else ("string",)


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _texts(flat: Schema) -> Iterator[str]:
    least, most = int(flat.get("minLength", 0)), flat.get("maxLength")
    if takes_addresses(flat):
        start = len(_ADDRESS.format(1))
        yield from (_ADDRESS.format(number) for number in range(1, _MOST // 2) if start >= least)
        yield text_of(flat, max(least, min(start, most or start)))
    elif made := _FORMATS.get(str(flat.get("format"))):
        yield made
    if "pattern" in flat:
        yield from (guess.ljust(least, guess[-1:]) for guess in (matching(flat["pattern"]), *_GUESSES) if guess)
    lengths = range(max(least, 1), max(least, 1) + _MOST // 2)
    yield from ("a" * length for length in lengths if most is None or length <= most)
    if most == 0:
        yield ""


def _integers(flat: Schema) -> Iterator[int]:
    yield from (int(number) for number in _numbers(flat) if float(number).is_integer())


def _numbers(flat: Schema) -> Iterator[float]:
    """Yield numbers about the smallest one allowed, else the largest, else from 1 on."""
    step = flat.get("multipleOf") or 1
    low = max((flat[key] for key in ("minimum", "exclusiveMinimum") if _is_number(flat.get(key))), default=None)
    high = min((flat[key] for key in ("maximum", "exclusiveMaximum") if _is_number(flat.get(key))), default=None)
    if low is not None:
        first = math.ceil(low / step)
        yield from ((first + index) * step for index in range(3))
    if high is not None:
        last = math.floor(high / step)
        yield from ((last - index) * step for index in range(3))
    if low is not None and high is not None:
        yield (low + high) / 2
    yield from (index * step for index in range(1, _MOST // 2))
    yield 0.5


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _arrays(flat: Schema) -> Iterator[list[Any]]:
    least = int(flat.get("minItems", 0))
    for count in dict.fromkeys((max(least, 1), least)):
        try:
            yield items_of(flat, count)
        except SpecError:
            continue


def _objects(flat: Schema) -> Iterator[dict[str, Any]]:
    """Yield an object of what is required, and one of everything."""
    properties: Mapping[str, Schema] = flat.get("properties", {})
    required = list(flat.get("required", ()))
    for names in (required, list(dict.fromkeys([*required, *properties]))):
        try:
            yield {name: make_value(properties.get(name, {})) for name in names}
        except SpecError:
            continue


_MAKERS: Mapping[str, Callable[[Schema], Iterator[Any]]] = {
    "string": _texts,
    "integer": _integers,
    "number": _numbers,
    "boolean": lambda _: iter((True, False)),
    "array": _arrays,
    "object": _objects,
    "null": lambda _: iter((None,)),
}
