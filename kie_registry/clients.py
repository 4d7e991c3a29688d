"""The generated clients: those of ``kie_generated``, and those that installed distributions bring.

A distribution names its package of clients in the entry-point group ``kie_registry.clients``. The ``index.json``
in it tells its models; no client is imported for a list.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from kie_registry import discovery
from kie_registry.adapter import Adapter
from kie_registry.contract import BUILT_IN, Contract, package_name
from kie_registry.errors import PluginError

_OWN = "kie_generated, without an adapter of its own"


@frozen
class Client:
    """A generated client of one model, as an index tells of it.

    Attributes:
        model: The model id.
        slug: Its short name.
        title: The name for people.
        output: What comes out.
        collection: The import name of the package that holds the client's own.
        directory: Where that package lies.
        origin: Who offers it, for messages.
    """

    model: str
    slug: str
    title: str
    output: str
    collection: str
    directory: Path
    origin: str

    @property
    def package(self) -> str:
        """The import name of the client's own package."""
        return f"{self.collection}.{package_name(self.slug)}"

    @property
    def document(self) -> Path:
        """The file of its OpenAPI document."""
        return self.directory / package_name(self.slug) / "openapi.yaml"

    def build_adapter(self) -> type[Adapter]:
        """Build an adapter, with a field for each parameter."""
        from kie_registry.building import build_adapter

        return build_adapter(Contract.load(self.package), slug=self.slug)


@frozen
class Clients:
    """All generated clients.

    Attributes:
        models: Model id -> its clients, mostly one; those that come with this library last.
        problems: What is wrong with a distribution's index.
    """

    models: Mapping[str, tuple[Client, ...]]
    problems: tuple[PluginError, ...]

    @classmethod
    def find(cls) -> Clients:
        """Read the index of every package of generated clients; none is imported for it."""
        models: dict[str, tuple[Client, ...]] = {}
        problems = []
        for entry in discovery.find(discovery.CLIENTS):
            try:
                found = list(_read(entry))
            except PluginError as error:
                problems.append(error)
                continue
            for client in found:
                models[client.model] = (*models.get(client.model, ()), client)
        for model, client in _built_in().items():
            models[model] = (*models.get(model, ()), client)
        return cls(models, tuple(problems))

    def get(self, model: str) -> Client | None:
        """Return the client of a model, a distribution's before our own.

        Raises:
            PluginError: Two distributions bring one.
        """
        found = self.models.get(model, ())
        brought = [client for client in found if client.collection != BUILT_IN]
        if len(brought) > 1:
            claims = " and ".join(client.origin for client in brought)
            raise PluginError(claims, f"all of them bring a client of the model {model!r}; uninstall one")
        return found[0] if found else None


def _read(entry: discovery.PluginEntry) -> Iterator[Client]:
    path = Path(entry.directory, discovery.INDEX)
    try:
        if not entry.directory:
            raise FileNotFoundError(2, "there is no such package, or no index.json in it")
        index = json.loads(path.read_bytes())
        yield from (_client(model, known, entry) for model, known in index.items())
    except OSError as error:
        raise PluginError(entry.origin, f"its generated clients cannot be listed: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise PluginError(entry.origin, f"{path} is no index of generated clients: {error!r}") from error


def _client(model: str, known: Mapping[str, Any], entry: discovery.PluginEntry) -> Client:
    slug, title, output = (str(known[key]) for key in ("slug", "title", "output"))
    return Client(model, slug, title, output, entry.module, Path(entry.directory), entry.origin)


@functools.cache
def _built_in() -> Mapping[str, Client]:
    spec = importlib.util.find_spec(BUILT_IN)
    places = list((spec and spec.submodule_search_locations) or ())
    if not places:
        return {}
    directory = Path(places[0])
    index = json.loads((directory / discovery.INDEX).read_bytes())
    return {
        model: Client(model, known["slug"], known["title"], known["output"], BUILT_IN, directory, _OWN)
        for model, known in index.items()
    }
