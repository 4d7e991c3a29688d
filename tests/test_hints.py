"""Hints: who is woken, and that none is missed."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from kie_registry import hints

LONG = 30.0


@pytest.fixture
def hint() -> hints.Hint:
    return hints.expect("account", "task")


def waiting(hint: hints.Hint, seconds: float = LONG) -> bool:
    return hint.wait(seconds)


def waiting_async(hint: hints.Hint, seconds: float = LONG) -> bool:
    return asyncio.run(hint.wait_async(seconds))


both = pytest.mark.parametrize("wait", [waiting, waiting_async])


@both
def test_a_hint_wakes_the_one_who_waits(hint: hints.Hint, wait: object) -> None:
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(wait(hint)))  # type: ignore[operator]
    thread.start()
    assert hints.give("account", "task")
    thread.join(LONG / 2)
    assert answers == [True]


@both
def test_a_hint_given_before_is_not_missed(hint: hints.Hint, wait: object) -> None:
    hints.give("account", "task")
    assert wait(hint)  # type: ignore[operator]


@both
def test_a_hint_is_taken_once(hint: hints.Hint, wait: object) -> None:
    hints.give("account", "task")
    assert [wait(hint, 0.001), wait(hint, 0.001)] == [True, False]  # type: ignore[operator]


@pytest.mark.parametrize(("account", "task_id"), [("other", "task"), ("account", "other")])
def test_a_hint_for_another_task_wakes_nobody(hint: hints.Hint, account: str, task_id: str) -> None:
    assert (hints.give(account, task_id), hint.wait(0.001)) == (False, False)


def test_all_who_wait_for_a_task_are_woken(hint: hints.Hint) -> None:
    other = hints.expect("account", "task")
    hints.give("account", "task")
    assert [hint.wait(0.001), other.wait(0.001)] == [True, True]


def test_nobody_waits_who_has_let_go() -> None:
    hint = hints.expect("account", "let go")
    assert hints.give("account", "let go")
    del hint
    gc.collect()
    assert not hints.give("account", "let go")


def test_a_hint_is_given_from_a_thread_to_a_loop_that_waits(hint: hints.Hint) -> None:
    async def wait() -> bool:
        waiter = asyncio.create_task(hint.wait_async(LONG))
        await asyncio.sleep(0)
        await asyncio.to_thread(hints.give, "account", "task")
        return await waiter

    assert asyncio.run(wait())


def test_a_loop_that_has_ended_hinders_nobody(hint: hints.Hint) -> None:
    async def leave() -> None:
        waiter = asyncio.create_task(hint.wait_async(LONG))
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)

    asyncio.run(leave())
    hints.give("account", "task")
    assert hint.wait(0.001)


def test_those_who_wait_are_counted_by_their_tasks() -> None:
    gc.collect()
    before = hints.expected()
    kept = [hints.expect("account", name) for name in ("a", "a", "b")]
    assert hints.expected() - before == 2
    kept.clear()
    gc.collect()
    assert hints.expected() == before
