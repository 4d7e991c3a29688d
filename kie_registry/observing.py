"""The hooks around a call: what plugins are told of it, and how their bugs are kept away from it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from kie_registry.call import Call
from kie_registry.errors import KieError, PluginError
from kie_registry.events import log

if TYPE_CHECKING:
    from kie_registry.loading import Implementation, Plugins
    from kie_registry.status import TaskStatus

Describe: TypeAlias = Callable[[], Call]


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

    def before_submit(self, describe: Describe) -> None:
        """Tell plugins of a call that is about to be submitted; the first that raises vetoes it.

        Args:
            describe: Describes the call, where there is anybody to be told; so with the others.

        Raises:
            KieError: A plugin raised it.
            PluginError: A plugin raised something else, or is broken and must not be (``KIE_STRICT_PLUGINS``).
        """
        self._load()
        self._check()
        if not (found := self._plugins.implementations("before_submit")):
            return
        call = describe()
        for each in found:
            try:
                each({"call": call})
            except KieError:
                raise
            except (Exception, SystemExit) as error:
                raise _veto(each, call, error) from error

    def after_submit(self, describe: Describe, task_id: str) -> None:
        """Tell plugins of a task that was accepted; what they raise is logged."""
        self._tell("after_submit", task_id, describe, {"task_id": task_id})

    def after_result(self, describe: Describe, status: TaskStatus) -> None:
        """Tell plugins of a task that ended, well or not; what they raise is logged."""
        self._tell("after_result", status.task_id, describe, {"status": status})

    def implementations(self, hook: str) -> list[Implementation]:
        """Return every implementation of `hook`, in the order in which they are to be called."""
        self._load()
        return self._plugins.implementations(hook)

    def _tell(self, hook: str, task_id: str, describe: Describe, more: Mapping[str, Any]) -> None:
        """Call a hook when a task is paid: whatever goes wrong must not lose it."""
        try:
            found = self.implementations(hook)
        except Exception:
            _log("plugins cannot be loaded", task_id, describe())
            return
        if not found:
            return
        call = describe()
        for each in found:
            try:
                each({"call": call, **more})
            except (Exception, SystemExit):
                _log(f"plugin {each.origin}: its {hook} failed", task_id, call)


def _log(failure: str, task_id: str, call: Call) -> None:
    ids = {"model": call.model, "job_id": call.job_id, "attempt_id": call.attempt_id, "task_id": task_id}
    log(logging.ERROR, f"{failure}; the call goes on", failed=True, kind="hook", **ids)


def _veto(hook: Implementation, call: Call, error: BaseException) -> PluginError:
    problem = PluginError(
        hook.origin,
        f"its before_submit raised {type(error).__name__}: {error}. Nothing was submitted, nothing was spent.",
    )
    problem.model = call.model
    return problem
