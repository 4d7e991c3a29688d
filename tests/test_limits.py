"""Rate limits, of a process and of a machine: fair, exact, and shared by threads and event loops."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import pytest

from kie_registry.ledger.owners import Owners
from kie_registry.ledger.windows import SharedWindow
from kie_registry.limits import RateLimit, Window, shared_window
from kie_registry.waking import Line, Waiter
from tests.forks import in_child, needs_fork

PATIENCE = 10.0
"""Seconds until a test that hangs fails."""


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


Limits: TypeAlias = Callable[..., RateLimit]
"""Makes a rate limit from its number, its seconds, and a clock."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["of a process", "of a machine"])
def limit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Limits]:
    if request.param == "of a process":
        yield Window
        return
    opened: list[SharedWindow] = []

    def shared(number: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> RateLimit:
        owners = Owners(tmp_path / "owners")
        opened.append(SharedWindow(tmp_path / "limits", owners, "create", "account", number, seconds, clock))
        return opened[-1]

    yield shared
    for each in opened:
        each.close()


def free(window: RateLimit) -> bool:
    """Say whether there is a slot at once; leave it free."""
    granted = window.acquire(timeout=0)
    if granted:
        window.release(counted=False)
    return granted


@pytest.mark.parametrize("number", [1, 2, 20])
def test_as_many_slots_as_the_number(limit: Limits, clock: Clock, number: int) -> None:
    window = limit(number, 10, clock)
    assert [window.acquire(timeout=0) for _ in range(number + 2)] == [True] * number + [False] * 2


def test_a_slot_in_use_does_not_free_with_time(limit: Limits, clock: Clock) -> None:
    window = limit(1, 10, clock)
    window.acquire()
    clock.now += 1_000
    assert not free(window)


@pytest.mark.parametrize(("after", "expected"), [(0.0, False), (9.99, False), (10.0, True), (11.0, True)])
def test_a_slot_frees_its_seconds_after_the_answer(
    limit: Limits, clock: Clock, after: float, expected: bool
) -> None:
    window = limit(1, 10, clock)
    window.acquire()
    clock.now += 5
    window.release()
    clock.now += after
    assert free(window) is expected


def test_a_slot_that_the_server_never_counted_frees_at_once(limit: Limits, clock: Clock) -> None:
    window = limit(1, 10, clock)
    window.acquire()
    window.release(counted=False)
    assert free(window)


def test_each_slot_frees_by_itself(limit: Limits, clock: Clock) -> None:
    window = limit(2, 10, clock)
    window.acquire()
    window.acquire()
    window.release()
    clock.now += 6
    window.release()
    clock.now += 6
    assert [window.acquire(timeout=0), window.acquire(timeout=0)] == [True, False]


def test_the_one_who_waits_is_told_once(limit: Limits, clock: Clock) -> None:
    window = limit(1, 10, clock)
    window.acquire()
    told: list[float] = []

    def wait() -> None:
        told.append(clock.now)
        clock.now += 5

    granted = window.acquire(timeout=3, waiting=wait)
    assert (granted, told) == (False, [100.0])


def test_the_one_who_need_not_wait_is_not_told(limit: Limits, clock: Clock) -> None:
    told: list[str] = []
    limit(1, 10, clock).acquire(waiting=lambda: told.append("waiting"))
    assert told == []


def test_the_timeout_ends_the_wait_by_the_clock_alone(limit: Limits) -> None:
    window = limit(1, 10)
    window.acquire()
    assert window.acquire(timeout=0.01) is False


def test_a_slot_that_frees_within_the_timeout_is_given(limit: Limits) -> None:
    window = limit(1, 0.02)
    window.acquire()
    window.release()
    assert window.acquire(timeout=PATIENCE) is True


def test_whoever_gave_up_leaves_no_trace(limit: Limits, clock: Clock) -> None:
    window = limit(1, 10, clock)
    window.acquire()
    window.acquire(timeout=0)
    window.release(counted=False)
    assert [window.acquire(timeout=0), window.acquire(timeout=0)] == [True, False]


def test_an_error_while_waiting_leaves_no_trace(limit: Limits, clock: Clock) -> None:
    window = limit(1, 10, clock)
    window.acquire()
    with pytest.raises(ZeroDivisionError):
        window.acquire(waiting=lambda: 1 / 0)
    window.release(counted=False)
    assert free(window)


def in_turn(window: RateLimit, order: list[int], name: int) -> threading.Thread:
    """Start a thread that takes a slot, notes its name, and gives the slot back; return once it queues."""
    queued = threading.Event()

    def run() -> None:
        window.acquire(waiting=queued.set)
        order.append(name)
        window.release(counted=False)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    queued.wait(PATIENCE)
    return thread


def test_threads_are_served_in_the_order_of_asking(limit: Limits) -> None:
    window, order = limit(1, 10), list[int]()
    window.acquire()
    threads = [in_turn(window, order, name) for name in range(8)]
    window.release(counted=False)
    for thread in threads:
        thread.join(PATIENCE)
    assert order == list(range(8))


def test_a_newcomer_does_not_pass_those_who_wait(limit: Limits, clock: Clock) -> None:
    window, order = limit(1, 10, clock), list[int]()
    window.acquire()
    window.release()
    thread = in_turn(window, order, 1)
    clock.now += 10
    newcomer = window.acquire(timeout=0)
    thread.join(PATIENCE)
    assert (newcomer, order) == (False, [1])


def most_at_once(window: RateLimit, use: Callable[[Callable[[], None], Callable[[], None]], None]) -> int:
    """Return how many were inside at once while `use` ran; it is given what to call on entering and leaving."""
    lock, inside, most = threading.Lock(), 0, 0

    def enter() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)

    def leave() -> None:
        nonlocal inside
        with lock:
            inside -= 1
        window.release(counted=False)

    use(enter, leave)
    return most


def test_threads_never_hold_more_slots_than_there_are(limit: Limits) -> None:
    window = limit(3, 10)

    def use(enter: Callable[[], None], leave: Callable[[], None]) -> None:
        def one(_: int) -> bool:
            granted = window.acquire(timeout=PATIENCE)
            enter()
            leave()
            return granted

        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(one, range(400)))

    assert most_at_once(window, use) <= 3


def test_threads_and_event_loops_share_the_slots(limit: Limits) -> None:
    window = limit(3, 10)

    def use(enter: Callable[[], None], leave: Callable[[], None]) -> None:
        async def one() -> bool:
            granted = await window.acquire_async(timeout=PATIENCE)
            enter()
            await asyncio.sleep(0)
            leave()
            return granted

        async def many() -> list[bool]:
            return await asyncio.gather(*(one() for _ in range(100)))

        def block(_: int) -> bool:
            granted = window.acquire(timeout=PATIENCE)
            enter()
            leave()
            return granted

        with ThreadPoolExecutor(8) as pool:
            loops = [pool.submit(asyncio.run, many()) for _ in range(2)]
            assert all(pool.map(block, range(100)))
            assert all(all(loop.result(PATIENCE)) for loop in loops)

    assert most_at_once(window, use) <= 3


def interrupted(*_: object) -> None:
    """Do what Ctrl-C does where it is noticed."""
    raise KeyboardInterrupt


class TestInterrupted:
    """Ctrl-C is noticed at the beginning of any function, and after any call."""

    @pytest.fixture
    def patch(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
        with monkeypatch.context() as patch:
            yield patch

    @staticmethod
    def acquire(window: RateLimit, patch: pytest.MonkeyPatch, *methods: str) -> None:
        """Ask, and be interrupted at the end of `_take`, or while waiting, or at the beginning of others."""
        assert isinstance(window, Line)
        take = window._take
        for method in methods:
            patch.setattr(window, method, interrupted)
        if "_take" in methods:
            patch.setattr(window, "_take", lambda waiter: interrupted(take(waiter)))
        with pytest.raises(KeyboardInterrupt):
            window.acquire(waiting=interrupted)
        patch.undo()

    @pytest.mark.parametrize("methods", [["_take"], ["_take", "_leave"], ["_take", "_drop"], ["_take", "_left"]])
    def test_one_who_has_a_slot(self, limit: Limits, patch: pytest.MonkeyPatch, methods: list[str]) -> None:
        window = limit(1, 10)
        self.acquire(window, patch, *methods)
        assert free(window)

    @pytest.mark.parametrize("method", ["_leave", "_drop", "_left"])
    def test_the_first_in_line(self, limit: Limits, patch: pytest.MonkeyPatch, method: str) -> None:
        window = limit(1, 10)
        window.acquire()
        self.acquire(window, patch, method)
        window.release(counted=False)
        assert free(window)

    @pytest.mark.parametrize("method", ["_leave", "_drop", "_left"])
    def test_one_in_the_middle(self, limit: Limits, patch: pytest.MonkeyPatch, method: str) -> None:
        window, order = limit(1, 10), list[int]()
        window.acquire()
        threads = [in_turn(window, order, 1)]
        self.acquire(window, patch, method)
        threads.append(in_turn(window, order, 2))
        window.release(counted=False)
        for thread in threads:
            thread.join(PATIENCE)
        assert order == [1, 2]


class TestInAnEventLoop:
    def test_coroutines_are_served_in_the_order_of_asking(self, limit: Limits) -> None:
        async def main() -> list[int]:
            window, order = limit(1, 10), list[int]()
            await window.acquire_async()

            async def one(name: int) -> None:
                await window.acquire_async()
                order.append(name)
                window.release(counted=False)

            async with asyncio.TaskGroup() as group:
                for name in range(8):
                    group.create_task(one(name))
                    await asyncio.sleep(0)
                window.release(counted=False)
            return order

        assert asyncio.run(asyncio.wait_for(main(), PATIENCE)) == list(range(8))

    def test_the_timeout_returns_false(self, limit: Limits) -> None:
        async def main() -> bool:
            window = limit(1, 10)
            await window.acquire_async()
            return await window.acquire_async(timeout=0.01)

        assert asyncio.run(main()) is False

    @pytest.mark.parametrize("woken", [False, True], ids=["while it waits", "just as its slot frees"])
    def test_a_cancelled_wait_leaves_no_trace(self, limit: Limits, woken: bool) -> None:
        async def main() -> list[bool]:
            window = limit(1, 10)
            await window.acquire_async()
            queued = asyncio.Event()
            first = asyncio.create_task(window.acquire_async(waiting=queued.set))
            await queued.wait()
            second = asyncio.create_task(window.acquire_async())
            await asyncio.sleep(0)
            if woken:
                window.release(counted=False)
            first.cancel()
            await asyncio.wait([first])
            if not woken:
                window.release(counted=False)
            granted = await asyncio.wait_for(second, PATIENCE)
            return [first.cancelled(), granted, await window.acquire_async(timeout=0)]

        assert asyncio.run(main()) == [True, True, False]

    def test_a_loop_that_is_gone_does_not_hold_up_the_others(self, limit: Limits) -> None:
        window = limit(1, 10)
        window.acquire()
        loop = asyncio.new_event_loop()
        task = loop.create_task(window.acquire_async())
        loop.run_until_complete(asyncio.sleep(0))
        task.cancel()
        loop.run_until_complete(asyncio.wait([task]))
        loop.close()
        window.release(counted=False)
        assert free(window)

    def test_a_loop_that_stopped_does_not_hold_up_the_others(self, limit: Limits) -> None:
        window = limit(1, 10)
        window.acquire()
        loop = asyncio.new_event_loop()
        task = loop.create_task(window.acquire_async())
        loop.run_until_complete(asyncio.sleep(0))
        window.release(counted=False)
        granted = free(window)
        task.cancel()
        loop.run_until_complete(asyncio.wait([task]))
        loop.close()
        assert granted

    def test_whoever_waits_behind_a_loop_that_stopped_is_woken(
        self, limit: Limits, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in ("waking", "limits", "ledger.slots"):
            monkeypatch.setattr(f"kie_registry.{module}.LOOK_AGAIN", 1_000.0)
        window = limit(1, 10)
        window.acquire()
        loop = asyncio.new_event_loop()
        task = loop.create_task(window.acquire_async())
        loop.run_until_complete(asyncio.sleep(0))
        order = list[int]()
        thread = in_turn(window, order, 1)
        window.release(counted=False)
        thread.join(PATIENCE)
        task.cancel()
        loop.run_until_complete(asyncio.wait([task]))
        loop.close()
        assert order == [1]

    def test_of_many_that_wait_only_the_first_looks(self, limit: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
        looks = 0

        async def main() -> None:
            nonlocal looks
            window = limit(1, 0.3)
            assert isinstance(window, Line)
            take = window._take

            def counting(waiter: Waiter) -> float | None:
                nonlocal looks
                looks += 1
                return take(waiter)

            monkeypatch.setattr(window, "_take", counting)
            await window.acquire_async()
            window.release()
            async with asyncio.TaskGroup() as group:
                waiting = [group.create_task(window.acquire_async()) for _ in range(300)]
                await waiting[0]
                for task in waiting[1:]:
                    task.cancel()

        asyncio.run(main())
        assert looks < 10


@needs_fork
def test_a_child_process_knows_of_the_slots_of_its_parent(limit: Limits) -> None:
    window = limit(2, 10)
    window.acquire()
    assert in_child(lambda: [window.acquire(timeout=0), window.acquire(timeout=0)]) == "[True, False]"


@needs_fork
def test_a_child_process_does_not_give_back_what_its_parent_holds(limit: Limits) -> None:
    window = limit(1, 10)
    window.acquire()

    def give_back() -> bool:
        window.release(counted=False)
        return window.acquire(timeout=0)

    assert in_child(give_back) == "False"


@needs_fork
def test_a_child_process_does_not_wait_for_the_threads_of_its_parent(limit: Limits) -> None:
    window = limit(1, 10)
    window.acquire()
    queued = threading.Event()
    thread = threading.Thread(target=window.acquire, args=(PATIENCE, queued.set), daemon=True)
    thread.start()
    queued.wait(PATIENCE)
    assert isinstance(window, Line)
    with window._lock:
        granted = in_child(lambda: window.acquire(timeout=0))
    window.release(counted=False)
    thread.join(PATIENCE)
    assert granted == "False"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (("create", "account", 20, 10.0), True),
        (("create", "another", 20, 10.0), False),
        (("read", "account", 20, 10.0), False),
    ],
)
def test_clients_of_one_account_share_one_window(other: tuple[str, str, int, float], same: bool) -> None:
    assert (shared_window("create", "account", 20, 10.0) is shared_window(*other)) is same
