"""Count the credits that each project spends, with hooks around the calls."""

from collections import defaultdict
from contextvars import ContextVar
from threading import Lock

from kie_registry import Kie, TaskStatus, hookimpl, register

project = ContextVar("project", default="no project")


class Spending:
    """Credits per project; hooks may be called from several threads at once."""

    def __init__(self) -> None:
        self.per_project: dict[str, float] = defaultdict(float)
        self._running: dict[str, str] = {}
        self._lock = Lock()

    @hookimpl
    def after_submit(self, task_id: str) -> None:
        self._running[task_id] = project.get()

    @hookimpl
    def after_result(self, status: TaskStatus) -> None:
        if name := self._running.pop(status.task_id, None):
            with self._lock:
                self.per_project[name] += status.credits or 0


spending = Spending()
register(spending)

with Kie() as kie:
    project.set("lighthouses")
    kie.generate("nano-banana-pro", "a lighthouse at dawn")
    kie.generate("nano-banana-pro", "a lighthouse at noon")
    project.set("harbours")
    kie.generate("nano-banana-pro", "a harbour at dusk")

for name, total in spending.per_project.items():
    print(f"{name}: {total:g} credits")
