"""Waiting for many tasks: each is read when it is due, and all that end are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from attrs import define, field, frozen

from kie_registry import TaskStatus, hints
from kie_registry.batches.running.poller import Poller
from kie_registry.effects import Flow, Sleep
from kie_registry.http import AsyncHttp
from kie_registry.ledger import Job, State

pytestmark = pytest.mark.timeout(20)
ACCOUNT = "me"


@frozen
class Notes:
    """What a look needs of a journal."""

    job: Job


@define(eq=False)
class Look:
    """A look at a task, which ends by being read so often; in place of a server."""

    task_id: str
    pauses: list[float]
    callback_url: str | None = None
    takes: float = 0.0
    reads: int = 0
    error: Exception | None = None
    journal: Notes = field(init=False)

    def __attrs_post_init__(self) -> None:
        job = Job(account=ACCOUNT, model=None, input=None, state=State.RUNNING, task_id=self.task_id)
        self.journal = Notes(job if self.callback_url is None else Job(**{**_fields(job), "callback_url": "x"}))

    def prepare(self) -> Flow[None]:
        yield Sleep(0.0)

    def pause(self) -> float:
        return self.pauses[self.reads]

    def read(self) -> Flow[TaskStatus | None]:
        yield Sleep(self.takes)
        self.reads += 1
        if self.error is not None:
            raise self.error
        ended = self.reads == len(self.pauses)
        return TaskStatus(self.task_id, None, "success" if ended else "generating")


def _fields(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in ("account", "model", "input", "state", "task_id")}


@define
class World:
    """A poller, and what it told."""

    poller: Poller
    told: dict[str, Any] = field(factory=dict)
    order: list[str] = field(factory=list)

    async def add(self, *looks: Look) -> None:
        for look in looks:
            await self.poller.add(look, lambda what, name=look.task_id: self.tell(name, what))  # type: ignore

    def tell(self, name: str, what: Any) -> None:
        self.told[name] = what
        self.order.append(name)

    async def until(self, number: int) -> None:
        while len(self.told) < number:
            await asyncio.sleep(0.001)


def polling(test: Callable[[World], Awaitable[None]]) -> World:
    async def run() -> World:
        world = World(Poller(AsyncHttp.detached(), ACCOUNT))
        await test(world)
        await world.poller.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return world

    return asyncio.run(run())


def test_each_is_read_until_it_has_ended() -> None:
    looks = [Look(f"task {number}", [0.0, 0.01, 0.0][: number % 3 + 1]) for number in range(200)]

    async def test(world: World) -> None:
        await world.add(*looks)
        await world.until(200)

    world = polling(test)
    assert {status.state for status in world.told.values()} == {"success"}
    assert all(look.reads == len(look.pauses) for look in looks)


def test_they_are_read_in_the_order_in_which_they_are_due() -> None:
    async def test(world: World) -> None:
        await world.add(Look("late", [0.06]), Look("early", [0.0]), Look("middle", [0.03]))
        await world.until(3)

    assert polling(test).order == ["early", "middle", "late"]


def test_a_slow_answer_keeps_no_other_from_being_read() -> None:
    async def test(world: World) -> None:
        await world.add(Look("slow", [0.0], takes=60.0), Look("quick", [0.01]))
        await world.until(1)

    assert polling(test).order == ["quick"]


def test_no_more_than_so_many_are_read_at_once() -> None:
    reading, highest = 0, 0

    class Counted(Look):
        def read(self) -> Flow[TaskStatus | None]:
            nonlocal reading, highest
            reading += 1
            highest = max(highest, reading)
            status = yield from super().read()
            reading -= 1
            return status

    async def test(world: World) -> None:
        await world.add(*(Counted(f"task {number}", [0.0], takes=0.01) for number in range(100)))
        await world.until(100)

    polling(test)
    assert highest == 32


def test_an_error_is_told_of_its_task_alone() -> None:
    error = ValueError("a bug")

    async def test(world: World) -> None:
        await world.add(Look("broken", [0.0], error=error), Look("fine", [0.0]))
        await world.until(2)

    told = polling(test).told
    assert (told["broken"], told["fine"].state) == (error, "success")


def test_word_of_an_end_has_it_read_at_once() -> None:
    async def test(world: World) -> None:
        await world.add(Look("task", [3600.0]), Look("other", [3600.0]))
        world.poller.hurry({"task"})
        await world.until(1)

    assert polling(test).order == ["task"]


@pytest.mark.parametrize("takes", [0.0, 0.05], ids=["while it waits", "while it is read"])
def test_a_hint_of_a_callback_has_it_read_at_once(takes: float) -> None:
    async def test(world: World) -> None:
        await world.add(Look("task", [0.0, 3600.0] if takes else [3600.0], callback_url="x", takes=takes))
        await asyncio.sleep(0.01)
        assert await asyncio.to_thread(hints.give, ACCOUNT, "task")
        await world.until(1)

    assert polling(test).order == ["task"]


def test_word_that_comes_when_all_is_over_has_nothing_read() -> None:
    look = Look("task", [3600.0], callback_url="x")

    async def test(world: World) -> None:
        await world.add(look)
        await world.poller.close()
        hints.give(ACCOUNT, "task")
        await asyncio.sleep(0.01)

    polling(test)
    assert look.reads == 0
