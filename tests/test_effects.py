"""Ctrl-C between two effects, in the driver itself: the flow hears of it, and of what came of the last effect."""

from __future__ import annotations

import asyncio
import dis
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

import pytest
from attrs import define, frozen

from kie_registry import Kie, KieError
from kie_registry.effects import Flow, drive, drive_async
from kie_registry.ledger import SqliteLedger, State
from kie_registry.sandbox import Sandbox

DRIVERS: tuple[Callable[..., Any], ...] = (drive, drive_async)


def told(driver: Callable[..., Any]) -> set[int]:
    """Return where CPython looks for signals when the flow has just yielded an effect."""
    return {
        step.offset for step in dis.get_instructions(driver) if step.argval == "effect" and "STORE" in step.opname
    }


def not_told(driver: Callable[..., Any]) -> set[int]:
    """Return where it does so before the flow is told what came of the last effect: on the way back."""
    return {step.offset for step in dis.get_instructions(driver) if step.opname == "JUMP_BACKWARD"}


Moment: TypeAlias = Callable[[Callable[..., Any]], set[int]]
MOMENTS: tuple[Moment, ...] = (told, not_told)


@define
class Signal:
    """Interrupts a driver when it looks for signals at a `moment` for the time `at`, counted from 1 on."""

    moment: Moment
    at: int
    looks: int = 0

    @contextmanager
    def coming(self) -> Iterator[None]:
        offsets = {driver.__code__: self.moment(driver) for driver in DRIVERS}
        before = sys.gettrace()

        def trace(frame: FrameType, event: str, _: object) -> Any:
            if frame.f_code not in offsets:
                return None
            frame.f_trace_opcodes = True
            if event == "opcode" and frame.f_lasti in offsets[frame.f_code]:
                self.looks += 1
                if self.looks == self.at:
                    raise KeyboardInterrupt
            return trace

        sys.settrace(trace)
        try:
            yield
        finally:
            sys.settrace(before)


@frozen
class Give:
    """An effect that gives a value, or raises it."""

    value: Any

    def perform(self, http: None) -> Any:
        if isinstance(self.value, Exception):
            raise self.value
        return self.value

    async def perform_async(self, http: None) -> Any:
        return self.perform(http)


def run_blocking(flow: Flow[Any]) -> Any:
    return drive(flow, None)


def run_awaited(flow: Flow[Any]) -> Any:
    return asyncio.run(drive_async(flow, None))


def telling(heard: list[Any]) -> Flow[str]:
    """Write down all that a flow hears, and undo something when interrupted."""
    try:
        heard.append((yield Give("a slot")))
        try:
            yield Give(LookupError())
        except LookupError:
            heard.append("a failure")
        heard.append((yield Give("an answer")))
    except KeyboardInterrupt:
        heard.append((yield Give("undone")))
        raise
    return "the end"


HEARD: list[tuple[Moment, int, list[str]]] = [
    (told, 1, ["undone"]),
    (not_told, 1, ["a slot", "undone"]),
    (told, 2, ["a slot", "undone"]),
    (not_told, 2, ["a slot", "undone"]),
    (told, 3, ["a slot", "a failure", "undone"]),
]


@pytest.mark.parametrize("run", [run_blocking, run_awaited])
@pytest.mark.parametrize(("moment", "at", "heard"), HEARD)
def test_the_flow_hears_of_both(
    run: Callable[[Flow[Any]], Any], moment: Moment, at: int, heard: list[str]
) -> None:
    told_so_far: list[str] = []
    with pytest.raises(KeyboardInterrupt), Signal(moment, at).coming():
        run(telling(told_so_far))
    assert told_so_far == heard


@pytest.mark.parametrize("run", [run_blocking, run_awaited])
def test_an_interruption_comes_out_of_a_flow_that_ends_with_the_last_answer(run: Callable[..., Any]) -> None:
    heard: list[str] = []
    with pytest.raises(KeyboardInterrupt), Signal(not_told, 3).coming():
        run(telling(heard))
    assert heard == ["a slot", "a failure", "an answer"]


def failing() -> Flow[None]:
    yield Give("an answer")
    raise LookupError


@pytest.mark.parametrize("run", [run_blocking, run_awaited])
def test_an_interruption_names_what_a_flow_has_ended_with(run: Callable[..., Any]) -> None:
    with pytest.raises(KeyboardInterrupt) as caught, Signal(not_told, 1).coming():
        run(failing())
    assert isinstance(caught.value.__cause__, LookupError)


@pytest.mark.parametrize("run", [run_blocking, run_awaited])
def test_a_flow_that_is_not_interrupted_ends_as_it_does(run: Callable[..., Any]) -> None:
    assert run(telling([])) == "the end"
    with pytest.raises(LookupError):
        run(failing())


@pytest.mark.parametrize("moment", MOMENTS)
def test_submitting_interrupted_wherever_it_looks(
    box: Sandbox, open_kie: Callable[..., Kie], tmp_path: Path, moment: Moment
) -> None:
    """No row is left as being sent, no task is missing that the ledger does not miss itself, no slot is lost."""
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    kie = open_kie(ledger=ledger, creates=(1, 0.001), deadline=5)
    at = 1
    while interrupted(box, kie, Signal(moment, at)):
        at += 1
    assert at > 3
    jobs = ledger.jobs()
    assert {job.state for job in jobs} <= {State.RUNNING, State.UNKNOWN, State.REFUSED}
    assert [job.owner for job in jobs if job.owner] == []
    known = {job.task_id for job in jobs}
    missing = [task.id for task in box.tasks if task.id not in known]
    assert len(missing) <= sum(job.state == State.UNKNOWN for job in jobs)


def interrupted(box: Sandbox, kie: Kie, signal: Signal) -> bool:
    """Submit; return whether that was interrupted, and check what is said of a task that came of it."""
    before = len(box.tasks)
    try:
        with signal.coming():
            kie.submit("nano-banana-pro", "a cat")
    except KeyboardInterrupt as error:
        notes = "".join(getattr(error, "__notes__", []))
        assert not box.tasks[before:] or box.tasks[before].id in notes
        return True
    except KieError as error:
        pytest.fail(str(error))
    return False
