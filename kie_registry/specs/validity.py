"""Whether a value fits a JSON Schema."""

from __future__ import annotations

from typing import Any

from kie_registry.errors import SpecError
from kie_registry.schemas import Schema


def fits(value: Any, schema: Schema) -> bool:
    """Whether `schema` takes `value`.

    Raises:
        SpecError: The schema itself is none.
    """
    import jsonschema_rs

    try:
        return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=False).is_valid(value)
    except jsonschema_rs.ValidationError as error:
        place = "/".join(str(step) for step in error.instance_path)
        raise SpecError(f"{place or 'a schema'} is no JSON Schema: {error.message}") from error
    except ValueError as error:
        raise SpecError(f"this is no JSON Schema: {error}") from error
