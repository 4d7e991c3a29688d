"""A call of `AsyncKie` may be cancelled wherever it waits: nothing is lost by that, and nothing is left behind."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from attrs import define

from kie_registry import AsyncKie, AsyncResult
from kie_registry.ledger.sqlite import SqliteLedger
from kie_registry.ledger.states import State
from kie_registry.sandbox import Sandbox
from kie_registry.testing.serving import client_options, fast_sandbox
from tests.descriptors import none_left_open

Moment = Literal["as the wait begins", "as the wait ends"]


@define
class Interrupted:
    """Cancels a coroutine at one of the moments when it waits.

    Attributes:
        at: Which wait, from 1 on; 0 for none.
        moment: When in this wait.
        waits: How often it has waited so far.
    """

    at: int
    moment: Moment
    waits: int = 0

    @types.coroutine
    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Run a coroutine."""
        error: BaseException | None = None
        while True:
            try:
                future = coroutine.send(None) if error is None else coroutine.throw(error)
            except StopIteration as stop:
                return stop.value
            error = None
            self.waits += 1
            if self.waits == self.at:
                self._cancel(future)
            try:
                yield future
            except BaseException as thrown:
                error = thrown

    def _cancel(self, future: asyncio.Future[Any] | None) -> None:
        task = asyncio.current_task()
        assert task is not None
        if future is None or self.moment == "as the wait begins":
            task.cancel()
        else:
            # Called before the task hears of it: what it waited for has come, and is not taken.
            future.add_done_callback(lambda _: task.cancel())


def client(box: Sandbox, ledger: Path | None) -> AsyncKie:
    """Return a client that has one slot of each limit: a lost one is missed at once."""
    limits = {"creates": (1, 0.001), "reads": (1, 0.001)}
    options = {**client_options(box), **limits, "http_timeout": 5, "deadline": 5}
    return AsyncKie(box.key, ledger=ledger, **options)


async def everything(kie: AsyncKie, photo: bytes, folder: Path, results: list[AsyncResult]) -> None:
    """Upload, submit, wait and save."""
    results.append(await kie.generate("nano-banana-edit", prompt="make it night", images=[photo]))
    await results[0].save(folder)


async def interrupt(box: Sandbox, ledger: Path | None, photo: bytes, folder: Path, at: Interrupted) -> bool:
    """Make all calls, cancelled as told, and another one; return whether there was anything to cancel."""
    before, results = len(box.tasks), list[AsyncResult]()
    async with client(box, ledger) as kie:
        try:
            await asyncio.ensure_future(at.run(everything(kie, photo, folder, results)))
        except asyncio.CancelledError as error:
            notes = "".join(getattr(error, "__notes__", []))
            created = [task.id for task in box.tasks[before:]]
            assert results or not created or "not known" in notes or created[0] in notes
        else:
            return False
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await (await kie.submit("nano-banana-pro", "the next one")).wait()
    return True


def lost(box: Sandbox, ledger: SqliteLedger) -> set[str]:
    """Return the tasks that the ledger does not know, if it is not aware that it does not."""
    jobs = ledger.jobs()
    known = {job.task_id for job in jobs}
    assert {job.state for job in jobs} & {State.PLANNED, State.SENDING} == set()
    unknown = [job for job in jobs if job.state is State.UNKNOWN]
    missing = {task.id for task in box.tasks} - known
    return missing if len(missing) > len(unknown) else set()


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a lost connection be missed at once."""
    monkeypatch.setattr("kie_registry.connections._LIMITS", httpx.Limits(max_connections=1))


@pytest.mark.parametrize(
    ("moment", "kept"), [("as the wait begins", True), ("as the wait ends", True), ("as the wait ends", False)]
)
def test_at_every_wait(photo: Path, tmp_path: Path, moment: Moment, kept: bool) -> None:
    path, at = tmp_path / "ledger.sqlite3" if kept else None, 1
    ledger = None if path is None else SqliteLedger(path)
    # What a process holds to show that it lives, it holds to its end.
    assert ledger is None or ledger.owner
    with none_left_open(), fast_sandbox(latency=0) as box:
        while asyncio.run(interrupt(box, path, photo.read_bytes(), tmp_path / str(at), Interrupted(at, moment))):
            at += 1
        if ledger is not None:
            assert lost(box, ledger) == set()
            ledger.close()
    assert at > 15
