"""The OpenAPI documents of the models: read when a model is first used, and never before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml
from attrs import frozen

_CREATE_TASK = "/api/v1/jobs/createTask"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@frozen
class Document:
    """The OpenAPI document of a model."""

    content: Mapping[str, Any]

    @property
    def title(self) -> str:
        """The name of the model, for people."""
        return str(self.content["info"]["title"])

    @property
    def output(self) -> str:
        """What the model makes: ``image``, ``video``, ``audio``, ``text`` or ``file``."""
        return str(self.content["info"].get("x-kie-output", "image"))

    @property
    def request_schema(self) -> dict[str, Any]:
        """The JSON Schema of the body of createTask, with the components that it refers to."""
        operation = self.content["paths"][_CREATE_TASK]["post"]
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        return {**body, "components": self.content.get("components", {})}


class Documents:
    """The documents of all models, by model id."""

    def __init__(self, further: Mapping[str, Path]) -> None:
        package = resources.files("kie_generated")
        index = json.loads(package.joinpath("index.json").read_text("utf-8"))
        self.index: dict[str, Mapping[str, str]] = {**{model: {} for model in further}, **index}
        self._sources: dict[str, Traversable] = {
            model: package.joinpath(entry["slug"].replace("-", "_"), "openapi.yaml")
            for model, entry in index.items()
        }
        for model, path in further.items():
            self._sources[model] = path / "openapi.yaml" if path.is_dir() else path
        self._read: dict[str, Document] = {}

    async def get(self, model: str) -> Document | None:
        """Return the document of a model; None if there is none."""
        if model not in self._sources:
            return None
        if model not in self._read:
            self._read[model] = await asyncio.to_thread(self._load, model)
        return self._read[model]

    def _load(self, model: str) -> Document:
        text = self._sources[model].read_text(encoding="utf-8")
        return Document(yaml.load(text, _Loader))  # noqa: S506  (a safe loader)
