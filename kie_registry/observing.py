"""The hooks around a call: what plugins are told of it, and how their bugs are kept away from it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kie_registry.call import Call
from kie_registry.errors import KieError, PluginError
from kie_registry.events import log

if TYPE_CHECKING:
    from kie_registry.loading import Implementation, Plugins
    from kie_registry.status import TaskStatus


class Hooks:
    """Calls the hooks of all plugins of one registry, each implementation by itself; see `hookspecs`.

    Safe to share between threads. Where no plugin has hooks, a call of one costs a few microseconds.

    Args:
        plugins: The plugins.
        load: Loads those that no model name leads to, once.
        check: Raises what is wrong with a plugin, where the user wants that at once.
    """

    def __init__(self, plugins: Plugins, load: Callable[[], None], check: Callable[[], None]) -> None:
        self._plugins = plugins
        self._load = load
        self._check = check

    def before_submit(self, call: Call) -> None:
        """Tell plugins of a call that is about to be submitted; the first that raises vetoes it.

        Raises:
            KieError: A plugin raised it.
            PluginError: A plugin raised something else, or is broken and must not be (``KIE_STRICT_PLUGINS``).
        """
        self._load()
        self._check()
        for each in self._plugins.implementations("before_submit"):
            try:
                each({"call": call})
            except KieError:
                raise
            except (Exception, SystemExit) as error:
                raise _veto(each, call, error) from error

    def after_submit(self, call: Call, task_id: str) -> None:
        """Tell plugins of a task that was accepted; what they raise is logged."""
        self._tell("after_submit", task_id, {"call": call, "task_id": task_id})

    def after_result(self, call: Call, status: TaskStatus) -> None:
        """Tell plugins of a task that ended, well or not; what they raise is logged."""
        self._tell("after_result", status.task_id, {"call": call, "status": status})

    def implementations(self, hook: str) -> list[Implementation]:
        """Return every implementation of `hook`, in the order in which they are to be called."""
        self._load()
        return self._plugins.implementations(hook)

    def _tell(self, hook: str, task_id: str, arguments: Mapping[str, Any]) -> None:
        """Call a hook when a task is paid: whatever goes wrong must not lose it."""
        try:
            found = self.implementations(hook)
        except Exception:
            _log("plugins cannot be loaded", task_id, arguments)
            return
        for each in found:
            try:
                each(arguments)
            except (Exception, SystemExit):
                _log(f"plugin {each.origin}: its {hook} failed", task_id, arguments)


def _log(failure: str, task_id: str, arguments: Mapping[str, Any]) -> None:
    call: Call = arguments["call"]
    ids = {"model": call.model, "job_id": call.job_id, "attempt_id": call.attempt_id, "task_id": task_id}
    log(logging.ERROR, f"{failure}; the call goes on", failed=True, kind="hook", **ids)


def _veto(hook: Implementation, call: Call, error: BaseException) -> PluginError:
    problem = PluginError(
        hook.origin,
        f"its before_submit raised {type(error).__name__}: {error}. Nothing was submitted, nothing was spent.",
    )
    problem.model = call.model
    return problem
