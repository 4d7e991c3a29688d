"""The registry: from a model's name to its adapter, loading nothing that is not asked for."""

from __future__ import annotations

import difflib
import functools
import importlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import frozen

from kie_registry import added, settings
from kie_registry.adapter import Adapter
from kie_registry.added import AddedModel
from kie_registry.discovery import PluginEntry
from kie_registry.errors import PluginError, UnknownModel
from kie_registry.loading import PROGRAM, Plugins
from kie_registry.observing import Hooks
from kie_registry.offers import Offers

if TYPE_CHECKING:
    from kie_registry.description import ModelInfo, ModelSummary


@frozen
class _Registered:
    adapter: type[Adapter]
    origin: str


class Registry:
    """The models that can be used, by id and by alias.

    Models come from installed distributions (their entry points, or their generated clients alone), from
    ``KIE_HOME/models`` (what `kie_registry.add_model` and ``kie models add`` put there), from
    ``KIE_HOME/plugins/*.py``, and from `register`. A model is loaded when it is first asked for. Safe to share
    between threads. What is installed or added by another process later is seen by the next registry.

    Args:
        entry_points: Whether to look at installed distributions and ``KIE_HOME``; without, only what is
            registered by hand is known.

    Attributes:
        hooks: The hooks of its plugins around calls.
    """

    def __init__(self, *, entry_points: bool = True) -> None:
        self._lock = threading.RLock()
        self._computing = threading.RLock()
        self._offers = Offers(anything=entry_points)
        self._models: dict[str, _Registered] = {}
        self._aliases: dict[str, str] = {}
        self._computed_loaded = not entry_points
        self._replaced: set[str] = set()
        self._added_origins: set[str] = set()
        self._displaced: list[_Registered] = []
        self._plugins = Plugins(self._add, self._lock)
        self.hooks = Hooks(self._plugins, self._load_computed, self._be_strict)

    def get(self, name: str) -> type[Adapter]:
        """Return the adapter of the model with this id or alias.

        Raises:
            UnknownModel: There is none; the nearest ids are named.
            PluginError: The plugin that offers it is broken, or two distributions claim the name.
        """
        return self._find(name).adapter

    def describe(self, name: str) -> ModelInfo:
        """Describe the model with this id or alias; raises as `get` does."""
        from kie_registry.description import describe

        found = self._find(name)
        return describe(found.adapter, found.origin)

    def ids(self) -> list[str]:
        """Return the id of every model, sorted; none is imported for it."""
        return [summary.id for summary in self.summaries()]

    def summaries(self) -> list[ModelSummary]:
        """Return a line for each model, sorted by id; none is imported for it."""
        self._start()
        return sorted(self._summarize(), key=lambda summary: summary.id)

    def register(self, *plugins: object, replace: bool = False) -> None:
        """Add models and hooks from the program's own code.

        Args:
            plugins: Adapter classes, and modules or objects with hooks (functions with ``@hookimpl``), each of
                which is registered once however often it is given.
            replace: Whether their models take the place of others of the same name.

        Raises:
            PluginError: An id or alias is taken, and `replace` is false; or something is neither, or its hooks
                are wrong.
        """
        add = functools.partial(self._add, origin=PROGRAM, replace=replace)
        for plugin in plugins:
            if isinstance(plugin, type) and issubclass(plugin, Adapter):
                add(plugin)
            else:
                self._plugins.register(plugin, add)

    def problems(self) -> list[PluginError]:
        """Load every plugin, and return what is wrong with them: broken ones, and names claimed twice."""
        problems = {str(problem): problem for problem in self._offers.problems()}
        for name, entries in self._offers.entries.items():
            if self._known(name) is None:
                try:
                    self._load_entry(name, entries)
                except PluginError as error:
                    problems[str(error)] = error
        self._load_computed()
        return list({**problems, **{str(error): error for error in self._plugins.broken.values()}}.values())

    def added(self, name: str) -> AddedModel | None:
        """Return what is kept of a model that the user added, by id or alias; None if it is none."""
        return self._offers.added.find(name)

    def added_problems(self) -> list[PluginError]:
        """Return what is wrong with the files of added models; nothing is loaded for it."""
        return [PluginError(path, problem) for path, problem in self._offers.added.problems.items()]

    def claimant(self, name: str) -> str | None:
        """Say who offers a model under this name, but for what the user added; None if nobody does."""
        self._load_computed()
        if (found := self._known(name)) and found.origin not in self._added_origins:
            return found.origin
        return self._offers.installed(name)

    def refresh(self) -> None:
        """See what was added to ``KIE_HOME/models``, or removed from it, since this registry looked."""
        with self._lock:
            own = {key for key, found in self._models.items() if found.origin in self._added_origins}
            for model_id in own:
                del self._models[model_id]
            for alias in [alias for alias, model_id in self._aliases.items() if model_id in own]:
                del self._aliases[alias]
            self._added_origins.clear()
            self._offers.forget_added()
            self._bring_back()

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids."""
        return iter(self.ids())

    def __contains__(self, name: object) -> bool:
        """Whether a model has this id or alias; none is imported for it."""
        self._start()
        return name in self._names()

    def _find(self, name: str) -> _Registered:
        if found := self._known(name):
            return found
        self._be_strict()
        if own := self._offers.own(name):
            return self._load_added(own)
        if entries := self._offers.entries.get(name):
            self._load_entry(name, entries)
        else:
            self._load_computed()
        if found := self._known(name) or self._built(name):
            return found
        raise UnknownModel(name, self._nearest(name), broken=[*self._plugins.broken, *self._offers.added.problems])

    def _known(self, name: str) -> _Registered | None:
        return self._models.get(name) or self._models.get(self._aliases.get(name, ""))

    def _names(self) -> set[str]:
        return {*self._models, *self._aliases, *self._offers.names()}

    def _nearest(self, name: str) -> list[str]:
        lowered = {known.lower(): known for known in sorted(self._names())}
        wanted = str(name).lower()
        near = difflib.get_close_matches(wanted, lowered, n=3, cutoff=0.5)
        holding = [known for known in lowered if wanted and wanted in known]
        return [lowered[match] for match in dict.fromkeys([*near, *holding])][:3]

    def _be_strict(self) -> None:
        if settings.strict_plugins() and (problems := self.problems()):
            raise problems[0]

    def _start(self) -> None:
        """Make ready for a list: the plugins that compute their models must run to be listed."""
        self._load_computed()
        self._be_strict()

    def _built(self, name: str) -> _Registered | None:
        """Build an adapter for a generated client that no plugin offers an adapter for."""
        client = self._offers.client(name)
        if client is None:
            return None
        self._add(client.build_adapter(), client.origin)
        return self._known(name)

    def _load_added(self, model: AddedModel) -> _Registered:
        """Build the adapter of a model that the user added; its file may have gone since the list was made."""
        with self._lock:
            if found := self._models.get(model.id):
                return found
            aliases = self._offers.added.aliases(model)
            free = [alias for alias in aliases if model.replaces or not self._offers.installed(alias)]
            self._models[model.id] = found = _Registered(added.build_adapter(model, free), model.origin)
            self._aliases.update(dict.fromkeys(free, model.id))
            self._added_origins.add(model.origin)
            return found

    def _load_entry(self, name: str, entries: list[PluginEntry]) -> None:
        if len(entries) > 1:
            claims = " and ".join(entry.origin for entry in entries)
            raise PluginError(claims, f"all of them claim the model name {name!r}; uninstall one")
        (entry,) = entries
        broken = self._plugins.broken
        if entry.origin not in broken:
            self._plugins.load(entry.origin, lambda: importlib.import_module(entry.module))
        if entry.origin in broken:
            raise broken[entry.origin]
        if self._known(name) is None:
            raise PluginError(
                entry.origin, f"its entry point {name!r} promises a model that the module does not register"
            )

    def _load_computed(self) -> None:
        """Load, once, the plugins that no model name leads to."""
        with self._computing:
            if not self._computed_loaded:
                self._plugins.load_computed()
                self._computed_loaded = True

    def _add(self, adapter: type[Adapter], origin: str, *, replace: bool = False) -> None:
        with self._lock:
            self._add_locked(adapter, origin, replace=replace)

    def _add_locked(self, adapter: type[Adapter], origin: str, *, replace: bool) -> None:
        if not (isinstance(adapter, type) and issubclass(adapter, Adapter) and hasattr(adapter, "contract")):
            raise PluginError(origin, f"{adapter!r} is no Adapter class with a contract")
        model_id = adapter.contract.id
        names = {model_id, *adapter.aliases}
        if replace:
            self._replaced |= names
        elif origin != PROGRAM:
            # What the program has put in the place of a plugin's model keeps that place.
            names -= self._replaced
            own = self._offers.added.models.get(model_id)
            if own and own.replaces and model_id in names:
                # So does what the user added; aliases that it has not got lead to it as well.
                self._load_added(own)
                self._displaced.append(_Registered(adapter, origin))
                names -= {*own.names}
        for name in () if replace else sorted(names):
            if other := self._claimant(name, origin):
                raise PluginError(origin, f"the model name {name!r} is taken by {other}")
        if model_id in names:
            self._models[model_id] = _Registered(adapter, origin)
        self._aliases.update(dict.fromkeys(names - {model_id}, model_id))

    def _bring_back(self) -> None:
        """Add again what gave way to added models: a plugin registers its models only once."""
        displaced, self._displaced = self._displaced, []
        for each in displaced:
            try:
                self._add_locked(each.adapter, each.origin, replace=False)
            except PluginError as error:
                self._plugins.keep_problem(each.origin, error)

    def _claimant(self, name: str, origin: str) -> str | None:
        if found := self._known(name):
            return found.origin
        others = [entry.origin for entry in self._offers.entries.get(name, ()) if entry.origin != origin]
        own = self._offers.added.find(name)
        return others[0] if others else own.origin if own and name == own.id else None

    def _summarize(self) -> Iterator[ModelSummary]:
        from kie_registry.description import ModelSummary

        for model_id, found in list(self._models.items()):
            contract = found.adapter.contract
            yield ModelSummary(model_id, found.adapter.aliases, contract.title, contract.output, found.origin)
        yield from self._offers.summaries({*self._models, *self._aliases})


@functools.cache
def default_registry() -> Registry:
    """Return the registry that clients use unless they are given another."""
    return Registry()


def register(*plugins: object, replace: bool = False) -> None:
    """Add models and hooks from the program's own code; as `Registry.register`."""
    default_registry().register(*plugins, replace=replace)
