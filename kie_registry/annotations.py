"""What a parameter's values are in Python, read from its schema, for signatures and type hints."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from typing import Any, Literal

from kie_registry import schemas
from kie_registry.schemas import Schema

_PLAIN: dict[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool, "null": None}


def annotation(schema: Schema, *, is_file: bool = False) -> Any:
    """Return the type of a parameter: ``str``, ``Literal["1K", "2K"]``, ``list[dict[str, Any]]``, "Image"...

    Args:
        schema: Its JSON Schema.
        is_file: Whether it takes files, local ones too.
    """
    kinds = schemas.types(schema)
    if is_file:
        # By name: spelled out, the many things that an image may be would hide all else in a signature.
        return "Images" if "array" in kinds else "Image"
    choices = schemas.choices(schema)
    if choices and all(isinstance(choice, (str, int)) for choice in choices):
        return Literal[tuple(choices)]
    return _union(_of_type(kind, schema) for kind in kinds)


def optional(kind: Any) -> Any:
    """Return a type that allows None beside what `kind` allows."""
    return f"{kind} | None" if isinstance(kind, str) else kind | None


def _of_type(kind: str, schema: Schema) -> Any:
    if kind == "array":
        items = schemas.item(schema)
        return list[Any] if items is schema else list[annotation(items)]  # type: ignore[misc]
    return dict[str, Any] if kind == "object" else _PLAIN.get(kind, Any)


def _union(kinds: Iterable[Any]) -> Any:
    found = list(dict.fromkeys(kinds))
    if not found or Any in found:
        return Any
    # None alone has no `|`, and stands last by custom.
    found.sort(key=lambda kind: kind is None)
    return functools.reduce(operator.or_, found)
