"""Make a model's contract: all that the library needs to know of it, as data.

The generated classes drop lengths, counts and formats, and a page states more limits in its prose.
The contract keeps them.
"""

from __future__ import annotations

import re

from kie_registry.errors import SpecError
from kie_registry.specs.documents import Json, create_operation, inline
from kie_registry.specs.rules import request_schema
from kie_registry.vocabulary import common_names, synonyms

_TYPES = re.compile(r"Accepted types:\s*([\w.+/, -]+?)\s*(?:[;)\n]|$)")
_SIZE = re.compile(r"Max(?:imum)?(?: file)? size:\s*(\d+(?:\.\d+)?)\s*(KB|MB|GB)", re.IGNORECASE)
_BYTES = {"KB": 2**10, "MB": 2**20, "GB": 2**30}


def build_contract(document: Json, *, slug: str) -> Json:
    """Return the contract of the model that the normalized `document` describes.

    The keys: ``id``, ``slug``, ``title``, ``output`` (image, video, audio or file), ``input`` (a JSON
    Schema without references), ``media`` (native parameter -> accepted types and bytes),
    ``replaced_by`` (deprecated parameter -> its successor) and ``example`` (an input, or null).

    Raises:
        SpecError: The document describes no model.
    """
    body, operation = request_schema(document), create_operation(document)
    if body is None or operation is None:
        raise SpecError(f"{slug}: the document describes no model: it has no createTask")
    request = inline(document, body)
    model = request["properties"]["model"].get("const")
    if not isinstance(model, str):
        raise SpecError(f"{slug}: the document does not name exactly one model id")
    schema = request["properties"]["input"]
    schema["additionalProperties"] = False
    example = operation["requestBody"]["content"]["application/json"].get("example")
    return {
        "id": model,
        "slug": slug,
        "title": document["info"]["title"],
        "output": document["info"].get("x-kie-output", "file"),
        "input": schema,
        "media": _media(schema),
        "replaced_by": _replacements(schema),
        "example": example.get("input") if isinstance(example, dict) else None,
    }


def _media(schema: Json) -> Json:
    """Return the parameters that take the URL of a file, with the limits that their prose states.

    A megabyte is read as 1024 x 1024 bytes, the larger reading: what lies between the two readings is
    left to the server to refuse.
    """
    media: Json = {}
    for name, parameter in schema.get("properties", {}).items():
        inner = parameter.get("items", parameter)
        prose = parameter.get("description", "").replace("`", "")
        types, size = _TYPES.search(prose), _SIZE.search(prose)
        if "string" not in inner.get("type", ()) or not (inner.get("format") == "uri" or types or size):
            continue
        media[name] = {
            "types": [kind.strip() for kind in types[1].split(",")] if types else [],
            "max_bytes": int(float(size[1]) * _BYTES[size[2].upper()]) if size else None,
        }
    return media


def _replacements(schema: Json) -> Json:
    """Return each deprecated parameter with its successor, where the document tells of one."""
    properties = schema.get("properties", {})
    natives = common_names(schema)
    found: Json = {}
    for name, parameter in properties.items():
        if not parameter.get("deprecated"):
            continue
        named = re.findall(r"`(\w+)`", parameter.get("description", ""))
        candidates = [other for other in named if other in properties and other != name]
        same = [other for other in properties if other != name and _alike(natives, other, name)]
        if candidates or same:
            found[name] = (candidates or same)[0]
    return found


def _alike(natives: dict[str, str], current: str, deprecated: str) -> bool:
    common = next((name for name, native in natives.items() if native == current), None)
    return common is not None and deprecated in synonyms(common)
