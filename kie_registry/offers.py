"""What is offered under which name, and by whom; nothing is loaded to tell.

Installed distributions offer models by entry points and by their generated clients, and the user's own are in
``KIE_HOME/models``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from kie_registry import added, discovery
from kie_registry.added import AddedModel, Listing
from kie_registry.clients import Client, Clients
from kie_registry.discovery import PluginEntry
from kie_registry.errors import PluginError

if TYPE_CHECKING:
    from kie_registry.description import ModelSummary


class Offers:
    """Everything that one registry may load, found when it is first asked for.

    Args:
        anything: Whether to look at all.
    """

    def __init__(self, *, anything: bool) -> None:
        self._anything = anything

    @cached_property
    def entries(self) -> Mapping[str, list[PluginEntry]]:
        """Name -> the entry points that claim it."""
        found: dict[str, list[PluginEntry]] = {}
        for entry in discovery.find(discovery.MODELS) if self._anything else ():
            found.setdefault(entry.name, []).append(entry)
        return found

    @cached_property
    def clients(self) -> Clients:
        """The generated clients."""
        return Clients.find() if self._anything else Clients({}, ())

    @cached_property
    def added(self) -> Listing:
        """The user's own models."""
        return added.listing() if self._anything else Listing({}, {})

    def forget_added(self) -> None:
        """Look at the user's own models again when they are next asked for."""
        self.__dict__.pop("added", None)

    def names(self) -> set[str]:
        """Return every id and alias that is known without loading anything."""
        own = {name for model in self.added.models.values() for name in model.names}
        return {*self.entries, *self.clients.models, *own}

    def installed(self, name: str) -> str | None:
        """Say which installed distributions offer `name`; None if none does."""
        if entries := self.entries.get(name):
            return " and ".join(entry.origin for entry in entries)
        clients = self.clients.models.get(name, ())
        return " and ".join(client.origin for client in clients) or None

    def client(self, model: str) -> Client | None:
        """Return the generated client of a model; raises PluginError if two distributions bring one."""
        return self.clients.get(model)

    def own(self, name: str) -> AddedModel | None:
        """Return the user's own model of this name.

        Raises:
            PluginError: A distribution that was installed since claims the same name.
        """
        model = self.added.find(name)
        if model is None or model.replaces:
            return model
        if other := self.installed(name):
            raise PluginError(
                f"{other} and the model {model.origin}",
                f"both of them claim the model name {name!r}; `kie models remove {model.id}` removes the added "
                "one, adding it again with --replace prefers it, uninstalling the distribution keeps it as it is",
            )
        return model

    def problems(self) -> Iterator[PluginError]:
        """Yield what is wrong with files and indexes, and which added models another claims."""
        yield from self.clients.problems
        for path, problem in self.added.problems.items():
            yield PluginError(path, problem)
        for model in self.added.models:
            try:
                self.own(model)
            except PluginError as error:
                yield error

    def summaries(self, loaded: Collection[str]) -> Iterator[ModelSummary]:
        """Yield a line for each model none of whose names is `loaded`."""
        from kie_registry.description import ModelSummary

        own = {name for name in self.added.models if name not in loaded}
        for name in own:
            model = self.added.models[name]
            aliases = self.added.aliases(model)
            yield ModelSummary(name, aliases, model.title, model.output, model.origin)
        done = {*loaded, *own}
        yield from self._of_entries(done)
        for name, clients in self.clients.models.items():
            if name not in self.entries and name not in done:
                yield ModelSummary(name, (), clients[0].title, clients[0].output, clients[0].origin)

    def _of_entries(self, done: Collection[str]) -> Iterator[ModelSummary]:
        from kie_registry.description import ModelSummary

        offered: dict[str, list[str]] = {}
        for name, entries in self.entries.items():
            offered.setdefault(" and ".join(entry.origin for entry in entries), []).append(name)
        for origin, names in offered.items():
            # Which of a module's names are aliases, only its adapters tell, or an index.
            ids = [name for name in names if name in self.clients.models]
            aliases = tuple(name for name in names if name not in ids) if len(ids) == 1 else ()
            for name in ids or names:
                if name not in done:
                    client = next(iter(self.clients.models.get(name, ())), None)
                    title, output = (client.title, client.output) if client else ("", "")
                    yield ModelSummary(name, aliases, title, output, origin)
