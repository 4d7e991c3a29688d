"""Rules for the names of parameters and the values that they take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kie_registry.coercion import coerce
from kie_registry.schemas import parameters, types
from kie_registry.specs.documents import Json
from kie_registry.specs.files import file_parameters
from kie_registry.specs.request import input_nodes, input_schema
from kie_registry.specs.validity import fits


def trim_names(document: Json, _slug: str) -> Iterator[str]:
    """Take the white space off the ends of names: ``"image_urls "`` is sent as ``image_urls``."""
    for place, node in input_nodes(document):
        properties = node.get("properties", {})
        if any(name != name.strip() for name in properties):
            yield from (f"{place}.properties.{name!r}" for name in properties if name != name.strip())
            exact = {name: schema for name, schema in properties.items() if name == name.strip()}
            node["properties"] = {
                name.strip(): exact.get(name.strip(), schema) for name, schema in properties.items()
            }
        needed = node.get("required")
        if isinstance(needed, list) and any(isinstance(name, str) and name != name.strip() for name in needed):
            node["required"] = [name.strip() for name in needed if isinstance(name, str)]
            yield f"{place}.required"


def list_required(document: Json, _slug: str) -> Iterator[str]:
    """Make ``required`` a list of names that exist; some pages say it of the parameter itself."""
    whole = input_schema(document)
    for place, node in input_nodes(document):
        said = node.get("required")
        needed = [name for name in said if isinstance(name, str)] if isinstance(said, list) else []
        for name, schema in node.get("properties", {}).items():
            if isinstance(flag := schema.get("required"), bool):
                del schema["required"]
                needed += [name] if flag else []
        known = {*node.get("properties", {}), *(parameters(whole) if whole else {})}
        # A branch may need what its neighbours describe; what nobody describes nobody can give.
        needed = [name for name in dict.fromkeys(needed) if name in known or "properties" not in node]
        if needed != (said or []):
            node["required"] = needed
            yield f"{place}.required: {said}"
        if "required" in node and not node["required"]:
            del node["required"]


def trim_values(document: Json, _slug: str) -> Iterator[str]:
    """Take the white space off the ends of the values to choose from, and of the default among them."""
    for place, node in input_nodes(document):
        if not isinstance(enum := node.get("enum"), list):
            continue
        trimmed = [value.strip() if isinstance(value, str) else value for value in enum]
        if trimmed != enum:
            node["enum"] = trimmed
            yield f"{place}.enum: {', '.join(repr(value) for value in enum if value not in trimmed)}"
        if isinstance(default := node.get("default"), str) and default.strip() in trimmed:
            node["default"] = default.strip()


def values_of_type(document: Json, _slug: str) -> Iterator[str]:
    """Read the values to choose from as the type says: a text is ``"5"`` and not the number 5.

    Where one of them cannot be read so, it is the type that is wrong.
    """
    for place, node in input_nodes(document):
        if "enum" not in node:
            continue
        enum = node["enum"]
        if not isinstance(enum, list) or not enum:
            del node["enum"]
            yield f"{place}.enum: {enum}"
            continue
        read = enum
        if kinds := types(node) if "type" in node else ():
            read = [_as_type(value, kinds) for value in enum if value is not None or "null" in kinds]
            if _MISFIT in read or not read:
                yield f"{place}.type: {node.pop('type')}"
                read = enum
        distinct = [value for at, value in enumerate(read) if not _among(value, read[:at])]
        if not _same(distinct, enum):
            node["enum"] = distinct
            yield f"{place}.enum: {enum}"


def samples_are_no_defaults(document: Json, _slug: str) -> Iterator[str]:
    """Make an example of a default that only shows what to write: a prompt, or the address of a file.

    Required parameters are sent with their default, and nobody wants to pay for kie.ai's sample prompt.
    """
    schema = input_schema(document)
    files = file_parameters(schema) if schema else {}
    for name, parameter in parameters(schema).items() if schema else ():
        if not isinstance(parameter, dict) or "default" not in parameter or "enum" in parameter:
            continue
        default = parameter["default"]
        if default != [] and (name in _TEXTS or name in files or _is_address(default)):
            del parameter["default"]
            if name not in files or _is_address(default):
                parameter.setdefault("examples", [default])
            yield f"input.properties.{name}.default"
        elif default == "" and "minLength" not in parameter:
            parameter["minLength"] = 0
            yield f"input.properties.{name}.minLength: 0"


def default_within_limits(document: Json, _slug: str) -> Iterator[str]:
    """Read a default as its type says; drop one that the parameter itself does not take."""
    for place, node in input_nodes(document):
        if "default" not in node:
            continue
        default = node["default"]
        schema = {key: value for key, value in node.items() if key != "default"}
        if fits(default, schema):
            continue
        read = coerce(default, schema)
        if default is not None and fits(read, schema):
            node["default"] = read
        else:
            del node["default"]
        yield f"{place}.default: {default!r}"


_TEXTS = frozenset({"prompt", "negative_prompt", "text"})
_MISFIT = object()


def _is_address(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(
        isinstance(item, str) and item.startswith(("http://", "https://")) for item in values
    )


def _as_type(value: Any, kinds: tuple[str, ...]) -> Any:
    if fits(value, {"type": list(kinds)}):
        return int(value) if kinds == ("integer",) else value
    if kinds[0] == "string" and isinstance(value, bool):
        return str(value).lower()
    if kinds[0] == "string" and isinstance(value, (int, float)):
        return str(value)
    read = coerce(value, {"type": kinds[0]})
    if kinds[0] == "boolean" and str(value).lower() in ("true", "false"):
        read = str(value).lower() == "true"
    return read if fits(read, {"type": list(kinds)}) else _MISFIT


def _among(value: Any, values: list[Any]) -> bool:
    return any(_same(value, other) for other in values)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal in JSON: 1 is not true there."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)
