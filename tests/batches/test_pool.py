"""Doing things a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from kie_registry.batches.running.pool import Pool


def in_a_pool(most: int, test: Callable[[Pool], Awaitable[None]]) -> None:
    async def run() -> None:
        pool = Pool(most)
        await test(pool)
        await pool.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def test_all_is_done_in_order_and_so_many_at_once() -> None:
    begun: list[int] = []
    running, highest = 0, 0
    over = asyncio.Event()

    async def work(number: int) -> None:
        nonlocal running, highest
        begun.append(number)
        running += 1
        highest = max(highest, running)
        await asyncio.sleep(0)
        running -= 1
        if len(begun) == 9 and not running:
            over.set()

    async def test(pool: Pool) -> None:
        for number in range(9):
            pool.add(lambda number=number: work(number))  # type: ignore[misc]
        await over.wait()

    in_a_pool(3, test)
    assert (begun, highest) == (list(range(9)), 3)


def test_what_is_added_while_others_end_is_done_too() -> None:
    done: list[int] = []
    over = asyncio.Event()

    async def test(pool: Pool) -> None:
        async def work(left: int) -> None:
            done.append(left)
            if left:
                pool.add(lambda: work(left - 1))
            else:
                over.set()

        pool.add(lambda: work(5))
        await over.wait()

    in_a_pool(1, test)
    assert done == [5, 4, 3, 2, 1, 0]


def test_closing_gives_up_what_is_under_way_and_does_not_begin_the_rest() -> None:
    said: list[str] = []
    begun = asyncio.Event()

    async def test(pool: Pool) -> None:
        async def endless() -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                said.append("cleaned up")

        async def never() -> None:
            said.append("begun")

        pool.add(endless)
        pool.add(never)
        await begun.wait()

    in_a_pool(1, test)
    assert said == ["cleaned up"]
