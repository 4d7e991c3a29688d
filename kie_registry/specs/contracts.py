"""Make a model's contract: all that the library needs to know of it, as data.

The generated classes drop lengths, counts and formats, and a page states more limits in its prose.
The contract keeps them.
"""

from __future__ import annotations

from typing import Any

from kie_registry.errors import NotAModel, SpecError
from kie_registry.schemas import parameters, parts
from kie_registry.slugs import choose_slug
from kie_registry.specs.documents import Json, create_operation, inline
from kie_registry.specs.files import file_parameters
from kie_registry.specs.kinds import what_it_is
from kie_registry.specs.request import request_schema
from kie_registry.specs.successors import successors

_OPENS = frozenset({"additionalProperties", "unevaluatedProperties", "patternProperties"})


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
        "replaced_by": successors(schema),
        "example": example.get("input") if isinstance(example, dict) else None,
    }


def _close(schema: Any) -> None:
    """Let objects take what is described, and nothing else: kie.ai ignores what it does not know, and bills.

    Branches stay open: what one of them takes, its neighbours need not know.
    """
    if not isinstance(schema, dict):
        return
    whole = list(parts(schema))
    described = any(part.get("properties") for part in whole)
    if described and not any(_OPENS & part.keys() for part in whole):
        schema["unevaluatedProperties" if len(whole) > 1 else "additionalProperties"] = False
    for part in whole:
        for inner in [*part.get("properties", {}).values(), part.get("items")]:
            _close(inner)
