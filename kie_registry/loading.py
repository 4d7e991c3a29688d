"""Load plugins through pluggy; what is wrong with one is kept, and stops no other."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING

from kie_registry.adapter import Adapter
from kie_registry.errors import PluginError
from kie_registry.events import logger

if TYPE_CHECKING:
    import pluggy


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
        self._loading = ""

    def load(self, origin: str, load: Callable[[], ModuleType]) -> None:
        """Import a plugin and let it register; whatever it raises is kept as its error.

        The import happens outside our lock: a module that is being imported elsewhere may be waiting for us.
        """
        try:
            module = load()
            with self._lock:
                self._register(module, origin)
        except PluginError as error:
            self.keep_problem(origin, error)
        except (Exception, SystemExit) as error:
            problem = PluginError(origin, f"cannot be loaded: {type(error).__name__}: {error}")
            problem.__cause__ = error
            self.keep_problem(origin, problem)

    def keep_problem(self, origin: str, problem: PluginError) -> None:
        """Remember what is wrong with a plugin: the first thing that was."""
        if origin not in self.broken:
            self.broken[origin] = problem
            logger.warning("%s", problem)

    def _register(self, module: ModuleType, origin: str) -> None:
        manager = self._plugin_manager()
        if manager.is_registered(module):
            return
        before, self._loading = self._loading, origin
        try:
            manager.register(module, name=origin)
        finally:
            self._loading = before

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
