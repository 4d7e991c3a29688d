"""Load plugins through pluggy; what is wrong with one is kept, and stops no other."""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import frozen

from kie_registry import discovery, settings
from kie_registry.errors import PluginError
from kie_registry.events import logger

if TYPE_CHECKING:
    import pluggy

    from kie_registry.adapter import Adapter

AddModel: TypeAlias = "Callable[[type[Adapter]], None]"

PROGRAM = "this program"
"""The origin of what the running program has registered."""


def has_computed() -> bool:
    """Whether there may be plugins that no model name leads to; nothing is loaded to tell."""
    try:
        return bool(discovery.find(discovery.PLUGINS) or _own_files())
    except OSError:
        return True


def _own_folder() -> Path:
    return settings.home() / "plugins"


def _own_files() -> list[Path]:
    try:
        return sorted(path for path in _own_folder().iterdir() if path.suffix == ".py")
    except (FileNotFoundError, NotADirectoryError):
        return []


@frozen
class Implementation:
    """One plugin's implementation of one hook.

    Attributes:
        origin: Who offers the plugin, for messages.
        function: What is to be called.
        takes: The arguments of the hook that it takes, in its own order.
    """

    origin: str
    function: Callable[..., object]
    takes: tuple[str, ...]

    def __call__(self, arguments: Mapping[str, Any]) -> None:
        """Call it with those of the hook's `arguments` that it takes."""
        self.function(*[arguments[name] for name in self.takes])


class Plugins:
    """The plugins that one registry has loaded.

    Args:
        add: Called with each adapter that a plugin registers, and with the plugin's origin.
        lock: The registry's own.

    Attributes:
        broken: Origin -> what is wrong with that plugin.
    """

    def __init__(self, add: Callable[[type[Adapter], str], None], lock: RLock) -> None:
        self.broken: dict[str, PluginError] = {}
        self._add = add
        self._lock = lock
        self._manager: pluggy.PluginManager | None = None
        self._adding: AddModel = lambda adapter: add(adapter, "a plugin")

    def load(self, origin: str, load: Callable[[], ModuleType], *, needs_hooks: bool = False) -> None:
        """Import a plugin and let it register; whatever it raises is kept as its error.

        The import happens outside our lock: a module that is being imported elsewhere may be waiting for us.

        Args:
            origin: Who offers it.
            load: Imports it.
            needs_hooks: Whether it is wrong for it to have none.
        """
        try:
            module = load()
            with self._lock:
                hooks = self._register(module, origin, lambda adapter: self._add(adapter, origin))
            if needs_hooks and not hooks:
                raise PluginError(origin, "has no hooks; do its functions have @hookimpl?")
            logger.debug("plugin %s is loaded", origin)
        except PluginError as error:
            self.keep_problem(origin, error)
        except (Exception, SystemExit) as error:
            problem = PluginError(origin, f"cannot be loaded: {type(error).__name__}: {error}")
            problem.__cause__ = error
            self.keep_problem(origin, problem)

    def load_computed(self) -> None:
        """Load the plugins that no model name leads to: the group for them, and ``KIE_HOME/plugins/*.py``."""
        for entry in discovery.find(discovery.PLUGINS):
            importing = functools.partial(importlib.import_module, entry.module)
            self.load(entry.origin, importing, needs_hooks=True)
        try:
            files = _own_files()
        except OSError as error:
            folder = str(_own_folder())
            self.keep_problem(folder, PluginError(folder, f"cannot be listed: {error.strerror}"))
            return
        for path in files:
            self.load(str(path), functools.partial(discovery.import_file, path), needs_hooks=True)

    def register(self, plugin: object, add: AddModel) -> None:
        """Register a module or an object with hooks from the program itself; once, however often it is given.

        Raises:
            PluginError: It has no hooks, or something is wrong with them.
        """
        nothing = f"{plugin!r} is no Adapter class with a contract"
        if isinstance(plugin, type):
            raise PluginError(PROGRAM, f"{nothing}; of a class with hooks, register an instance")
        with self._lock:
            origin = self._free_origin(plugin)
            try:
                hooks = self._register(plugin, origin, add)
            except PluginError:
                raise
            except Exception as error:
                raise PluginError(origin, f"cannot be registered: {type(error).__name__}: {error}") from error
        if not hooks:
            raise PluginError(PROGRAM, f"{nothing}, and has no hooks (functions with @hookimpl)")

    def implementations(self, hook: str) -> list[Implementation]:
        """Return every implementation of `hook` in the order of pluggy: the last registered first."""
        if self._manager is None:
            return []
        found = getattr(self._manager.hook, hook).get_hookimpls()
        return [Implementation(each.plugin_name, each.function, each.argnames) for each in reversed(found)]

    def keep_problem(self, origin: str, problem: PluginError) -> None:
        """Remember what is wrong with a plugin: the first thing that was."""
        if origin not in self.broken:
            self.broken[origin] = problem
            logger.warning("%s", problem)

    def _register(self, plugin: object, origin: str, add: AddModel) -> list[str]:
        """Let a plugin register, all of it or nothing, and return the hooks that it implements."""
        manager = self._plugin_manager()
        hooks = _check_hooks(manager, plugin, origin)
        if manager.is_registered(plugin) or not hooks:
            return hooks
        before, self._adding = self._adding, add
        try:
            manager.register(plugin, name=origin)
        except BaseException:
            if manager.is_registered(plugin):
                manager.unregister(plugin)
            raise
        finally:
            self._adding = before
        return hooks

    def _free_origin(self, plugin: object) -> str:
        """Return a name for what the program registers; two objects of one class have two."""
        label = getattr(plugin, "__name__", None) or type(plugin).__qualname__
        names = (f"{PROGRAM} ({label}{number})" for number in itertools.chain([""], itertools.count(2)))
        return next(name for name in names if not self._plugin_manager().has_plugin(name))

    def _take(self, adapter: type[Adapter]) -> None:
        self._adding(adapter)

    def _plugin_manager(self) -> pluggy.PluginManager:
        if self._manager is None:
            import pluggy

            from kie_registry import hookspecs

            manager = pluggy.PluginManager("kie_registry")
            manager.add_hookspecs(hookspecs)
            # A historic call reaches every plugin at the moment when it is registered.
            manager.hook.register_models.call_historic(kwargs={"register": self._take})
            self._manager = manager
        return self._manager


def _check_hooks(manager: pluggy.PluginManager, plugin: object, origin: str) -> list[str]:
    """Return the hooks that a plugin implements; raises PluginError where one would never be called rightly."""
    known = [name for name, hook in vars(manager.hook).items() if hook.has_spec()]
    found = []
    for name in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, name)
        if options is None:
            continue
        hook, function = options.get("specname") or name, getattr(plugin, name)
        if hook not in known and not options.get("optionalhook"):
            near = difflib.get_close_matches(hook, known, n=1)
            raise PluginError(
                origin, f"there is no hook {hook!r}" + (f"; did you mean {near[0]}?" if near else "")
            )
        wraps = options.get("wrapper") or options.get("hookwrapper") or inspect.isgeneratorfunction(function)
        if wraps or inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise PluginError(origin, f"its {hook} is async, a generator or a wrapper; a hook is a plain function")
        found.append(hook)
    return found
