"""The catalog: which models there are, their documents and their prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from kie_registry.sandbox.documents import Document
from kie_registry.sandbox.envelope import Refusal, success
from kie_registry.sandbox.service import Service, service_of

_SCHEMAS = "#/components/schemas/"


async def list_models(request: Request) -> Response:
    """Answer the models, of one task type, of one provider, or those that have a word in their names."""
    service = service_of(request)
    service.catalog.take()
    models = [_entry(service, model, entry) for model, entry in service.documents.index.items()]
    query = request.query_params
    if wanted := query.get("taskType"):
        models = [model for model in models if wanted in model["taskType"]]
    if wanted := query.get("provider", "").lower():
        models = [model for model in models if model["provider"].lower() == wanted]
    if wanted := query.get("q", "").lower():
        models = [model for model in models if wanted in f"{model['model']} {model['title']}".lower()]
    return success({"total": len(models), "models": models})


async def model_schema(request: Request) -> Response:
    """Answer the whole OpenAPI document of a model, or null where the options say so."""
    document = await _document(request)
    options, model = service_of(request).options, request.path_params["model"]
    openapi: Any = None if model in options.catalog_without else document.content
    if openapi is not None and options.catalog_quirks:
        openapi = _with_quirks(openapi)
    return success({"model": model, "openapi": openapi})


async def model_price(request: Request) -> Response:
    """Answer the price of a model, in prose."""
    await _document(request)
    pricing = _pricing(service_of(request))
    return success({"model": request.path_params["model"], "pricingDesc": pricing})


async def _document(request: Request) -> Document:
    service = service_of(request)
    service.catalog.take()
    document = await service.documents.get(request.path_params["model"])
    if document is None:
        raise Refusal(404, f"No such model: {request.path_params['model']}")
    return document


def _with_quirks(node: Any) -> Any:
    """Return a document whose schemas have names that end in a space, and whose references are percent-encoded."""
    if isinstance(node, list):
        return [_with_quirks(item) for item in node]
    if not isinstance(node, dict):
        return node
    quirky: dict[str, Any] = {}
    for key, value in node.items():
        if key == "$ref" and isinstance(value, str) and value.startswith(_SCHEMAS):
            quirky[key] = _SCHEMAS + quote(f"{value.removeprefix(_SCHEMAS)} ")
        elif key == "schemas" and isinstance(value, dict):
            quirky[key] = {f"{name} ": _with_quirks(schema) for name, schema in value.items()}
        else:
            quirky[key] = _with_quirks(value)
    return quirky


def _entry(service: Service, model: str, entry: Mapping[str, str]) -> dict[str, Any]:
    """Describe a model from the index alone: its document may never have been read."""
    slug = entry.get("slug", model.replace("/", "-"))
    title = entry.get("title", model)
    output = entry.get("output", "image")
    edits = "edit" in slug or "image-to" in slug
    return {
        "model": model,
        "slug": slug,
        "title": title,
        "provider": title.partition(" - ")[0] if " - " in title else model.partition("/")[0],
        "taskType": [f"{'image' if edits else 'text'}-to-{output}"],
        "description": title,
        "pricingDesc": _pricing(service),
    }


def _pricing(service: Service) -> str:
    return f"{service.options.price:g} credits per task (a sandbox: no money is spent)"
