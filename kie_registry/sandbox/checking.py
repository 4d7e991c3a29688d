"""Whether a request is what its model's OpenAPI document asks for."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from kie_registry.sandbox.documents import Document, Documents
from kie_registry.sandbox.envelope import Refusal

_MASK = "<value>"
_MAX_SHOWN = 60
_CLOSING = ("additionalProperties", "unevaluatedProperties")


class RequestChecker:
    """Checks requests to createTask. The schema of a model is compiled when it is first used."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._validators: dict[str, tuple[Document, jsonschema_rs.Draft202012Validator]] = {}

    async def check(self, body: Mapping[str, Any]) -> Document:
        """Return the document of the model that a request names.

        Raises:
            Refusal: With code 422, if there is no such model or the request is not what it asks for; with
                code 500, if the document itself is broken.
        """
        model = body.get("model")
        document = await self._documents.get(model) if isinstance(model, str) and model else None
        if document is None or not isinstance(model, str):
            raise Refusal(422, f"The model name is not supported: {model!r}" if model else "model is required")
        if not isinstance(body.get("input"), dict):
            raise Refusal(422, "input is required, and must be an object")
        known = self._validators.get(model)
        if known is None or known[0] is not document:
            known = self._validators[model] = (document, await asyncio.to_thread(_compile, model, document))
        problems = [_describe(error) for error in known[1].iter_errors(body)]
        if problems:
            raise Refusal(422, "; ".join(problems))
        return document


def _compile(model: str, document: Document) -> jsonschema_rs.Draft202012Validator:
    try:
        schema = _opened(document.request_schema)
        formats = {"uri": _is_address, "url": _is_address}
        return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, formats=formats, mask=_MASK)
    except (ValueError, RecursionError, jsonschema_rs.ReferencingError) as error:
        raise Refusal(500, f"the document of {model} is broken: {error}") from error


def _is_address(text: str) -> bool:
    """Whether a text is an address, in any script and of any scheme: pages show all of these."""
    try:
        parts = urllib.parse.urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.scheme == "data")) and not re.search(r"\s", text)


def _opened(schema: Any) -> Any:
    """Return a schema without what forbids unknown keys: kie.ai ignores those, and bills."""
    if isinstance(schema, list):
        return [_opened(item) for item in schema]
    if isinstance(schema, dict):
        closed = {key for key in _CLOSING if schema.get(key) is False}
        opened = {key: _opened(value) for key, value in schema.items() if key not in closed}
        branches = opened.get("oneOf")
        if isinstance(branches, list) and branches != schema["oneOf"]:
            # What told the branches apart may have been that each is closed to the keys of the others.
            del opened["oneOf"]
            opened["allOf"] = [*opened.get("allOf", ()), {"anyOf": branches}]
        return opened
    return schema


def _describe(error: jsonschema_rs.ValidationError) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Enum):
        message = f"{_short(error.instance)} is not one of {json.dumps(kind.options)}"
    else:
        message = error.message.replace(_MASK, _short(error.instance))
    return f"{place.removeprefix('.')}: {message}" if place else message


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
