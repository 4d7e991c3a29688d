"""Say in words what a schema demands of a value beyond its type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kie_registry import schemas
from kie_registry.schemas import Schema

_DEEPEST = 3


def limits_of(schema: Schema) -> tuple[str, ...]:
    """Return the limits in words: of a list, how many first, and then those of its items."""
    return tuple(_limits(schema, 0))


def _limits(schema: Schema, depth: int) -> Iterator[str]:
    inner = schemas.item(schema)
    rules = _rules(schema)
    yield from _range(rules.get("minItems"), rules.get("maxItems"), "of them")
    if rules.get("uniqueItems"):
        yield "no two alike"
    if inner is not schema:
        yield from (f"{limit} each" for limit in _scalar_limits(_rules(inner)))
    else:
        yield from _scalar_limits(rules)
    if depth < _DEEPEST and (keys := schemas.parameters(inner)):
        needed = schemas.required(inner)
        words = (_key(name, key, "" if name in needed else "optional", depth) for name, key in keys.items())
        yield f"{'each with' if inner is not schema else 'with'} {', '.join(words)}"


def _scalar_limits(rules: Mapping[str, Any]) -> Iterator[str]:
    yield from _range(rules.get("minLength"), rules.get("maxLength"), "characters")
    yield from _range(rules.get("minimum"), rules.get("maximum"), "", least_is_free=False)
    if (above := rules.get("exclusiveMinimum")) is not None:
        yield f"above {above}"
    if (below := rules.get("exclusiveMaximum")) is not None:
        yield f"below {below}"
    if (step := rules.get("multipleOf")) is not None:
        yield f"multiples of {step}"
    if (pattern := rules.get("pattern")) is not None:
        yield f"of the form {pattern}"


def _range(least: Any, most: Any, of: str, *, least_is_free: bool = True) -> Iterator[str]:
    """Yield ``3 to 5 characters``, ``up to 5 characters`` or ``at least 3 characters``; or ``from 3 to 5``."""
    words = f" {of}" if of else ""
    if least_is_free and not least:
        least = None
    if least is not None and most is not None:
        yield f"{'' if of else 'from '}{least:,} to {most:,}{words}"
    elif most is not None:
        yield f"up to {most:,}{words}"
    elif least is not None:
        yield f"{'at least' if of else 'from'} {least:,}{words}"


def _key(name: str, schema: Schema, note: str, depth: int) -> str:
    kinds = " or ".join(kind for kind in schemas.types(schema) if kind != "null")
    values = ", ".join(map(str, schemas.choices(schemas.item(schema))))
    words = [values or kinds, note, *_limits(schema, depth + 1)]
    return f"{name} ({'; '.join(word for word in words if word)})"


def _rules(schema: Schema) -> dict[str, Any]:
    """Return the rules of a schema, with those of its branches where they agree."""
    found: dict[str, Any] = {}
    for part in schemas.parts(schema):
        for rule, value in part.items():
            if rule in found and found[rule] != value:
                found[rule] = None
            else:
                found.setdefault(rule, value)
    return found
