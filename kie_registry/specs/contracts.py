"""Make a model's contract: all that the library needs to know of it, as data.

The generated classes drop lengths, counts and formats, and a page states more limits in its prose.
The contract keeps them.
"""

from __future__ import annotations

import re
from typing import Any

from kie_registry.errors import NotAModel, SpecError
from kie_registry.schemas import parameters, parts, required
from kie_registry.slugs import choose_slug
from kie_registry.specs.documents import Json, create_operation, inline
from kie_registry.specs.files import file_parameters
from kie_registry.specs.kinds import what_it_is
from kie_registry.specs.request import request_schema
from kie_registry.vocabulary import common_names, synonyms

_OPENS = frozenset({"additionalProperties", "unevaluatedProperties", "patternProperties"})
_SUCCESSOR = re.compile(
    r"(?:replaced (?:by|with)|use|in favou?r of|superseded by|switch to|prefer)(?: the)?(?: new)?"
    r"(?: parameter| field)? `(\w+)`|`(\w+)` instead",
    re.IGNORECASE,
)


def build_contract(document: Json, *, slug: str | None = None) -> Json:
    """Return the contract of the model that the normalized `document` describes.

    Its ``slug`` is made of the model id unless it is given.

    The keys: ``id``, ``slug``, ``title``, ``output`` (image, video, audio, text or file), ``input`` (a JSON
    Schema without references), ``media`` (where files are taken, see `files`), ``replaced_by`` (deprecated
    parameter -> its successor) and ``example`` (an input, or null).

    Raises:
        NotAModel: The document describes no model; the message says what it is instead.
        SpecError: It does not name exactly one, or no parameter.
    """
    body, operation = request_schema(document), create_operation(document)
    if body is None or operation is None:
        raise NotAModel(what_it_is(document))
    request = inline(document, body)
    model = request["properties"]["model"].get("const")
    if not isinstance(model, str):
        raise SpecError("the document does not name exactly one model id")
    schema = request["properties"]["input"]
    if not parameters(schema):
        raise SpecError(f"the document names no parameter of {model}: its 'input' has no properties")
    _close(schema)
    example = operation["requestBody"]["content"]["application/json"].get("example")
    return {
        "id": model,
        "slug": slug or choose_slug(model),
        "title": document["info"]["title"],
        "output": document["info"].get("x-kie-output", "file"),
        "input": schema,
        "media": file_parameters(schema),
        "replaced_by": _replacements(schema),
        "example": example.get("input") if isinstance(example, dict) else None,
    }


def _close(schema: Any) -> None:
    """Let objects take what is described, and nothing else: kie.ai ignores what it does not know, and bills.

    Branches stay open: what one of them takes, its neighbours need not know.
    """
    if not isinstance(schema, dict):
        return
    whole = list(parts(schema))
    described = any(isinstance(part.get("properties"), dict) for part in whole)
    if described and not any(_OPENS & part.keys() for part in whole):
        schema["unevaluatedProperties" if len(whole) > 1 else "additionalProperties"] = False
    for part in whole:
        for inner in [*part.get("properties", {}).values(), part.get("items")]:
            _close(inner)


def _replacements(schema: Json) -> Json:
    """Return each deprecated parameter with its successor, where the document tells of one."""
    properties = parameters(schema)
    natives = common_names(schema)
    needed = required(schema)
    found: Json = {}
    for name, parameter in properties.items():
        if not parameter.get("deprecated"):
            continue
        named = _SUCCESSOR.findall(str(parameter.get("description", "")))
        candidates = [other for pair in named for other in pair if other in properties and other != name]
        same = [other for other in properties if other != name and _alike(natives, other, name)]
        # What is always given cannot stand in for something else.
        if successors := [other for other in candidates or same if other not in needed or name in needed]:
            found[name] = successors[0]
    return found


def _alike(natives: dict[str, str], current: str, deprecated: str) -> bool:
    common = next((name for name, native in natives.items() if native == current), None)
    return common is not None and deprecated in synonyms(common)
