"""The OpenAPI documents of the models: read when a model is first used, and never before.

They are those of the generated clients, of this library and of installed plugins, and of what the user added, even
while the sandbox serves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from attrs import frozen

from kie_registry import added
from kie_registry.added import Listing
from kie_registry.clients import Client, Clients
from kie_registry.errors import PluginError
from kie_registry.sandbox.envelope import Refusal

_CREATE_TASK = "/api/v1/jobs/createTask"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@frozen(slots=False)
class Document:
    """The OpenAPI document of a model."""

    content: Mapping[str, Any]

    @cached_property
    def title(self) -> str:
        """The name of the model, for people."""
        return str(self.content["info"]["title"])

    @cached_property
    def output(self) -> str:
        """What the model makes: ``image``, ``video``, ``audio``, ``text`` or ``file``."""
        return str(self.content["info"].get("x-kie-output", "image"))

    @cached_property
    def request_schema(self) -> dict[str, Any]:
        """The JSON Schema of the body of createTask, with the components that it refers to."""
        operation = self.content["paths"][_CREATE_TASK]["post"]
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        return {**body, "components": self.content.get("components", {})}


class Documents:
    """The documents of all models, by model id.

    Args:
        further: Documents that go before all others: files, or folders with an ``openapi.yaml``.
    """

    def __init__(self, further: Mapping[str, Path]) -> None:
        self._further = {
            model: path / "openapi.yaml" if path.is_dir() else path for model, path in further.items()
        }
        self._read: dict[str, tuple[tuple[Path, int, int], Document]] = {}
        self._listed: tuple[int, Listing] = (-1, Listing({}, {}))

    @property
    def index(self) -> Mapping[str, Mapping[str, str]]:
        """Model id -> slug, title and kind of output, as far as they are known without reading a document."""
        found: dict[str, Mapping[str, str]] = {model: {} for model in self._further}
        found |= {model: _entry(clients[0]) for model, clients in self._clients.items()}
        for own in self._own(afresh=True).models.values():
            if own.replaces or own.id not in found:
                found[own.id] = _entry(own)
        return found

    async def get(self, model: str) -> Document | None:
        """Return the document of a model; None if there is none.

        Raises:
            Refusal: With code 500, if it cannot be used.
        """
        path = self._path(model)
        if path is None:
            return None
        try:
            status = path.stat()
        except OSError as error:
            raise Refusal(500, f"the document of {model} cannot be read: {path}: {error.strerror}") from error
        stamp = (path, status.st_mtime_ns, status.st_size)
        known = self._read.get(model)
        if known is None or known[0] != stamp:
            known = self._read[model] = (stamp, await asyncio.to_thread(_load, model, path))
        return known[1]

    @cached_property
    def _clients(self) -> Mapping[str, tuple[Client, ...]]:
        return Clients.find().models

    def _path(self, model: str) -> Path | None:
        if model in self._further:
            return self._further[model]
        own = self._own().models.get(model)
        clients = self._clients.get(model, ())
        if clients and not (own and own.replaces):
            return clients[0].document
        own = own or self._own(afresh=True).models.get(model)
        return own.path if own else None

    def _own(self, *, afresh: bool = False) -> Listing:
        """Return what the user added; looked at again when the folder has changed, or `afresh`."""
        try:
            changed = added.folder().stat().st_mtime_ns
        except OSError:
            return Listing({}, {})
        if afresh or changed != self._listed[0]:
            self._listed = (changed, added.listing())
        return self._listed[1]


def _entry(model: Any) -> Mapping[str, str]:
    return {"slug": model.slug, "title": model.title, "output": model.output}


def _load(model: str, path: Path) -> Document:
    try:
        if path.parent == added.folder():
            content = added.load(path)["document"]
        else:
            content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  (a safe loader)
        document = Document(content)
        # What is asked of it later shall not fail then.
        _ = (document.title, document.output, document.request_schema)
    except (PluginError, OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise Refusal(500, f"the document of {model} cannot be used: {path}: {error!r}") from error
    return document
