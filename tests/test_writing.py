"""What coroutines write to a ledger at the same moment is written together, and each hears of its own."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from kie_registry.effects import Keep
from kie_registry.errors import IllegalMove, LedgerError
from kie_registry.ledger import SqliteLedger, State
from tests.forks import in_child, needs_fork
from tests.ledger.jobs import added, job

MANY = 40


@define(eq=False)
class Slow:
    """A ledger whose first write waits until it may go on, and whose transactions are told."""

    path: Path
    go_on: threading.Event = field(factory=threading.Event)
    begun: threading.Event = field(factory=threading.Event)
    told: list[str] = field(factory=list)
    fails: bool = False
    ledger: SqliteLedger = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ledger = SqliteLedger(self.path)

    @contextmanager
    def together(self) -> Iterator[None]:
        self.told.append("begun")
        with self.ledger.together():
            yield
            if self.fails:
                raise LedgerError("the disk is full")
        self.told.append("ended")

    def first(self) -> str:
        self.begun.set()
        self.go_on.wait()
        return "first"

    def add(self) -> str:
        """Add a job."""
        self.told.append("added")
        return added(self.ledger).id


@pytest.fixture
def slow(tmp_path: Path) -> Slow:
    return Slow(tmp_path / "ledger.sqlite3")


def keep(function: Callable[[], Any], ledger: Any) -> Coroutine[Any, Any, Any]:
    return Keep(function, ledger).perform_async(None)


def group(slow: Slow, *functions: Callable[[], Any]) -> list[Any]:
    """Have functions carried out that have gathered while a first one was; return results or errors."""

    async def main() -> list[Any]:
        first = asyncio.ensure_future(keep(slow.first, slow))
        await asyncio.to_thread(slow.begun.wait)
        others = [asyncio.ensure_future(keep(function, slow)) for function in functions]
        await asyncio.sleep(0)
        slow.go_on.set()
        assert await first == "first"
        return await asyncio.gather(*others, return_exceptions=True)

    return asyncio.run(main())


def refuse() -> None:
    raise IllegalMove("no")


def break_down() -> None:
    raise RuntimeError("a bug")


def be_damaged() -> None:
    raise LedgerError("a row is damaged")


def test_what_has_gathered_is_written_together_and_each_has_its_own(slow: Slow) -> None:
    ids = group(slow, *[slow.add] * MANY)
    assert slow.told == ["begun", *["added"] * MANY, "ended"]
    assert [each.id for each in slow.ledger.jobs()][::-1] == ids


def test_what_has_returned_is_written(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")

    async def write_and_look() -> bool:
        new = job()
        await keep(lambda: ledger.add(new), ledger)
        # Another connection sees only what is committed.
        return SqliteLedger(ledger.path).get(new.id) is not None

    async def main() -> list[bool]:
        return await asyncio.gather(*(write_and_look() for _ in range(MANY)))

    assert asyncio.run(main()) == [True] * MANY


@pytest.mark.parametrize(("bad", "kind"), [(refuse, IllegalMove), (break_down, RuntimeError)])
def test_who_is_refused_is_refused_alone(slow: Slow, bad: Callable[[], None], kind: type[Exception]) -> None:
    outcomes = group(slow, slow.add, bad, slow.add, bad)
    assert [type(outcome) for outcome in outcomes] == [str, kind, str, kind]
    assert [each.id for each in slow.ledger.jobs()][::-1] == outcomes[::2]


def test_a_group_that_cannot_be_written_is_written_one_by_one(slow: Slow) -> None:
    slow.fails = True
    outcomes = group(slow, *[slow.add] * 3)
    assert [each.id for each in slow.ledger.jobs()][::-1] == outcomes
    assert slow.told == ["begun", *["added"] * 6]


def test_what_is_damaged_is_the_trouble_of_whoever_reads_it(slow: Slow) -> None:
    slow.fails = True
    outcomes = group(slow, be_damaged, slow.add, slow.add)
    assert [type(outcome) for outcome in outcomes] == [LedgerError, str, str]
    assert len(slow.ledger.jobs()) == 2


def test_where_one_by_one_fails_too_the_rest_is_not_tried_and_each_has_an_error_of_its_own(slow: Slow) -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(len(calls))
        raise LedgerError("the disk is full")

    slow.fails = True
    outcomes = group(slow, *[fail] * 5)
    assert {(type(outcome), str(outcome)) for outcome in outcomes} == {(LedgerError, "the disk is full")}
    assert len({id(outcome) for outcome in outcomes}) == 5
    assert len(calls) == 5 + 1


def test_a_real_failure_is_everybodys(slow: Slow) -> None:
    new = job()
    slow.ledger.add(new)
    slow.ledger.close()
    slow.path.unlink()
    slow.path.mkdir()
    outcomes = group(slow, lambda: slow.ledger.move(new.id, State.RUNNING), slow.add, slow.add)
    assert [type(outcome) for outcome in outcomes] == [LedgerError] * 3
    assert str(slow.path) in str(outcomes[0])


@pytest.mark.parametrize("waiting", [False, True])
def test_who_is_cancelled_waits_until_it_is_written(slow: Slow, waiting: bool) -> None:
    """Whether it is being written, or waits for its turn."""
    over: list[str] = []

    def write() -> None:
        slow.first()
        over.append(slow.add())

    async def main() -> None:
        first = asyncio.ensure_future(keep(write, slow))
        await asyncio.to_thread(slow.begun.wait)
        mine = asyncio.ensure_future(keep(lambda: over.append(slow.add()), slow)) if waiting else first
        await asyncio.sleep(0)
        mine.cancel()
        await asyncio.sleep(0)
        assert (mine.done(), over) == (False, [])
        slow.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await mine
        assert len(slow.ledger.jobs()) == len(over) == 1 + waiting

    asyncio.run(main())


def test_who_is_cancelled_twice_goes_and_it_is_written_all_the_same(slow: Slow) -> None:
    def write() -> None:
        slow.first()
        slow.add()

    async def main() -> None:
        mine = asyncio.ensure_future(keep(write, slow))
        await asyncio.to_thread(slow.begun.wait)
        for _ in range(2):
            mine.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await mine
        slow.go_on.set()

    asyncio.run(main())
    assert len(slow.ledger.jobs()) == 1


def test_a_refusal_that_nobody_waits_for_is_not_complained_of(slow: Slow) -> None:
    complaints: list[dict[str, Any]] = []

    def write() -> None:
        slow.first()
        refuse()

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        mine = asyncio.ensure_future(keep(write, slow))
        await asyncio.to_thread(slow.begun.wait)
        mine.cancel()
        slow.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await mine
        del mine
        gc.collect()

    asyncio.run(main())
    assert complaints == []


def test_what_was_handed_over_is_written_though_its_loop_is_closed(slow: Slow) -> None:
    loop = asyncio.new_event_loop()
    waiting = [loop.create_task(keep(function, slow)) for function in (slow.first, slow.add, slow.add)]
    while not slow.begun.is_set():
        loop.run_until_complete(asyncio.sleep(0))
    executor = loop._default_executor  # type: ignore[attr-defined]
    for each in waiting:
        each._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    slow.go_on.set()
    executor.shutdown(wait=True)
    assert len(slow.ledger.jobs()) == 2


def test_no_loop_that_ends_its_threads_is_written_from(slow: Slow) -> None:
    async def main() -> None:
        await asyncio.get_running_loop().shutdown_default_executor()
        for _ in range(2):
            with pytest.raises(RuntimeError, match="shutdown"):
                await keep(slow.add, slow)

    asyncio.run(main())
    assert slow.ledger.jobs() == []


def test_loops_of_many_threads_write_to_one_ledger(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")

    async def main() -> None:
        await asyncio.gather(*(keep(lambda: added(ledger), ledger) for _ in range(MANY)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: asyncio.run(main()), range(4)))
    assert len(ledger.jobs()) == 4 * MANY


def test_one_loop_writes_to_many_ledgers(tmp_path: Path) -> None:
    ledgers = [SqliteLedger(tmp_path / f"{number}.sqlite3") for number in range(3)]

    async def main() -> None:
        each = [keep(lambda ledger=ledger: added(ledger), ledger) for ledger in ledgers * 5]  # type: ignore[misc]
        await asyncio.gather(*each)

    asyncio.run(main())
    assert [len(ledger.jobs()) for ledger in ledgers] == [5, 5, 5]


@needs_fork
def test_a_child_process_writes_while_its_parent_does(slow: Slow) -> None:
    child = SqliteLedger(slow.path.with_name("childs.sqlite3"))
    loop = asyncio.new_event_loop()
    first = loop.create_task(keep(slow.first, child))
    while not slow.begun.is_set():
        loop.run_until_complete(asyncio.sleep(0))

    def write() -> str:
        added_there = loop.run_until_complete(keep(lambda: added(child).number, child))
        return f"{added_there}"

    assert in_child(write) == "1"
    slow.go_on.set()
    assert loop.run_until_complete(first) == "first"
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_neither_threads_nor_ledgers_are_left(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    threads = set(threading.enumerate())
    kept = weakref.ref(ledger)

    async def main(ledger: SqliteLedger) -> None:
        await asyncio.gather(*(keep(lambda: added(ledger), ledger) for _ in range(MANY)))

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main(ledger))
    loop.run_until_complete(loop.shutdown_default_executor())
    del ledger
    gc.collect()
    assert (kept(), set(threading.enumerate())) == (None, threads)
    loop.close()
