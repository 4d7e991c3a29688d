"""The registry: from a model's name to its adapter, loading nothing that is not asked for."""

from __future__ import annotations

import difflib
import functools
import importlib
import threading
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from attrs import frozen

from kie_registry import discovery, settings
from kie_registry.adapter import Adapter
from kie_registry.discovery import PluginEntry
from kie_registry.errors import PluginError, UnknownModel
from kie_registry.events import logger

if TYPE_CHECKING:
    import pluggy

    from kie_registry.description import ModelInfo, ModelSummary

_PROGRAM = "this program"
_GENERATED = "kie_generated, without an adapter of its own"


@frozen
class _Registered:
    adapter: type[Adapter]
    origin: str


class Registry:
    """The models that can be used, by id and by alias.

    Models come from the entry points of installed distributions, from ``KIE_HOME/plugins/*.py``, and from
    `register`. A model's module is imported when that model is first asked for. Safe to share between threads.

    Args:
        entry_points: Whether to look at installed distributions and ``KIE_HOME/plugins``; without, only what
            is registered by hand is known.
    """

    def __init__(self, *, entry_points: bool = True) -> None:
        self._lock = threading.RLock()
        self._computing = threading.RLock()
        self._looks_for_plugins = entry_points
        self._models: dict[str, _Registered] = {}
        self._aliases: dict[str, str] = {}
        self._entries: dict[str, list[PluginEntry]] | None = None if entry_points else {}
        self._computed_loaded = not entry_points
        self._broken: dict[str, PluginError] = {}
        self._replaced: set[str] = set()
        self._manager: pluggy.PluginManager | None = None
        self._loading = _PROGRAM

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

    def register(self, *adapters: type[Adapter], replace: bool = False) -> None:
        """Add models from the program's own code.

        Raises:
            PluginError: An id or alias is taken, and `replace` is false.
        """
        for adapter in adapters:
            self._add(adapter, _PROGRAM, replace=replace)

    def problems(self) -> list[PluginError]:
        """Load every plugin, and return what is wrong with them: broken ones, and names claimed twice."""
        problems = {}
        for name, entries in self._all_entries().items():
            if self._known(name) is None:
                try:
                    self._load_entry(name, entries)
                except PluginError as error:
                    problems[str(error)] = error
        self._load_computed()
        return list({**problems, **{str(error): error for error in self._broken.values()}}.values())

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
        if entries := self._all_entries().get(name):
            self._load_entry(name, entries)
        else:
            self._load_computed()
        if found := self._known(name) or self._built(name):
            return found
        raise UnknownModel(name, self._nearest(name), broken=list(self._broken))

    def _known(self, name: str) -> _Registered | None:
        return self._models.get(name) or self._models.get(self._aliases.get(name, ""))

    def _names(self) -> set[str]:
        return {*self._models, *self._aliases, *self._all_entries(), *self._generated()}

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

    def _all_entries(self) -> Mapping[str, list[PluginEntry]]:
        if self._entries is None:
            found: dict[str, list[PluginEntry]] = {}
            for entry in discovery.find(discovery.MODELS):
                found.setdefault(entry.name, []).append(entry)
            self._entries = found
        return self._entries

    def _generated(self) -> Mapping[str, Mapping[str, str]]:
        """Return the index of the generated clients, where plugins are looked for at all."""
        return discovery.generated_models() if self._looks_for_plugins else {}

    def _built(self, name: str) -> _Registered | None:
        """Build an adapter for a generated client that no plugin offers an adapter for."""
        if name not in self._generated():
            return None
        self._add(discovery.build_adapter(name), _GENERATED)
        return self._known(name)

    def _load_entry(self, name: str, entries: list[PluginEntry]) -> None:
        if len(entries) > 1:
            claims = " and ".join(entry.origin for entry in entries)
            raise PluginError(claims, f"all of them claim the model name {name!r}; uninstall one")
        (entry,) = entries
        if entry.origin in self._broken:
            raise self._broken[entry.origin]
        self._load(entry.origin, lambda: importlib.import_module(entry.module))
        if entry.origin in self._broken:
            raise self._broken[entry.origin]
        if self._known(name) is None:
            raise PluginError(
                entry.origin, f"its entry point {name!r} promises a model that the module does not register"
            )

    def _load_computed(self) -> None:
        """Load the plugins that no model name points to: the group for them, and the user's own files."""
        with self._computing:
            if not self._computed_loaded:
                self._load_each_computed()
                self._computed_loaded = True

    def _load_each_computed(self) -> None:
        for entry in discovery.find(discovery.PLUGINS):
            self._load(entry.origin, lambda entry=entry: importlib.import_module(entry.module))
        directory = settings.home() / "plugins"
        for path in sorted(directory.glob("*.py")) if directory.is_dir() else ():
            origin = str(path)
            self._load(origin, lambda path=path: discovery.import_file(path))
            if not any(found.origin == origin for found in self._models.values()):
                missing = "registers no model; does its register_models have @hookimpl?"
                self._keep_problem(origin, PluginError(origin, missing))

    def _load(self, origin: str, load: Any) -> None:
        """Import a plugin and let it register; whatever it raises is kept as its error.

        The import happens outside our lock: a module that is being imported elsewhere may be waiting for us.
        """
        try:
            module = load()
            with self._lock:
                self._register_plugin(module, origin)
        except PluginError as error:
            self._keep_problem(origin, error)
        except (Exception, SystemExit) as error:
            problem = PluginError(origin, f"cannot be loaded: {type(error).__name__}: {error}")
            problem.__cause__ = error
            self._keep_problem(origin, problem)

    def _register_plugin(self, module: ModuleType, origin: str) -> None:
        manager = self._plugin_manager()
        if manager.is_registered(module):
            return
        before, self._loading = self._loading, origin
        try:
            manager.register(module, name=origin)
        finally:
            self._loading = before

    def _keep_problem(self, origin: str, problem: PluginError) -> None:
        if origin not in self._broken:
            self._broken[origin] = problem
            logger.warning("%s", problem)

    def _plugin_manager(self) -> pluggy.PluginManager:
        if self._manager is None:
            import pluggy

            from kie_registry import hookspecs

            self._manager = pluggy.PluginManager("kie_registry")
            self._manager.add_hookspecs(hookspecs)
            # A historic call reaches every plugin at the moment when it is registered.
            register = {"register": lambda adapter: self._add(adapter, self._loading)}
            self._manager.hook.register_models.call_historic(kwargs=register)
        return self._manager

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
        elif origin != _PROGRAM:
            # What the program has put in the place of a plugin's model keeps that place.
            names -= self._replaced
        for name in () if replace else sorted(names):
            if other := self._claimant(name, origin):
                raise PluginError(origin, f"the model name {name!r} is taken by {other}")
        if model_id in names:
            self._models[model_id] = _Registered(adapter, origin)
        self._aliases.update(dict.fromkeys(names - {model_id}, model_id))

    def _claimant(self, name: str, origin: str) -> str | None:
        if found := self._known(name):
            return found.origin
        others = [entry.origin for entry in self._all_entries().get(name, ()) if entry.origin != origin]
        return others[0] if others else None

    def _summarize(self) -> Iterator[ModelSummary]:
        from kie_registry.description import ModelSummary

        for model_id, found in list(self._models.items()):
            contract = found.adapter.contract
            yield ModelSummary(model_id, found.adapter.aliases, contract.title, contract.output, found.origin)
        index = self._generated()
        offered: dict[str, list[str]] = {}
        for name, entries in self._all_entries().items():
            if self._known(name) is None:
                offered.setdefault(" and ".join(entry.origin for entry in entries), []).append(name)
        for origin, names in offered.items():
            # Which of a module's names are aliases, only its adapters tell, or the index of the built-in ones.
            ids = [name for name in names if name in index]
            aliases = tuple(name for name in names if name not in index) if len(ids) == 1 else ()
            for name in ids or names:
                known = index.get(name, {})
                yield ModelSummary(name, aliases, known.get("title", ""), known.get("output", ""), origin)
        for name in index:
            if name not in self._all_entries() and self._known(name) is None:
                yield ModelSummary(name, (), index[name]["title"], index[name]["output"], _GENERATED)


@functools.cache
def default_registry() -> Registry:
    """Return the registry that clients use unless they are given another."""
    return Registry()


def register(*adapters: type[Adapter], replace: bool = False) -> None:
    """Add models from the program's own code; as `Registry.register`."""
    default_registry().register(*adapters, replace=replace)
