"""The catalog: which models there are, their documents and their prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from kie_registry.sandbox.documents import Document
from kie_registry.sandbox.envelope import Refusal, success
from kie_registry.sandbox.service import Service, service_of


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
    """Answer the whole OpenAPI document of a model."""
    document = await _document(request)
    return success({"model": request.path_params["model"], "openapi": document.content})


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
