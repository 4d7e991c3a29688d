"""What the processes of the chaos test do.

They are told what to do by lines on their standard input, and say by lines on their standard output what they are
about to do, so that they can be killed in the middle of that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kie_registry import AsyncKie, Kie, KieError
from kie_registry.events import Event
from tests.chaos.plan import AT_ONCE, CREATES, MODEL, prompt_of, wants_callback

_OPTIONS: dict[str, Any] = {"ledger": True, "creates": CREATES, "reads": None, "poll_interval": 0.1}


def play(role: str, *arguments: str) -> None:
    """Play a role until standard input ends."""
    match role, *arguments:
        case "threads", directory, callback_url:
            in_threads(Path(directory), callback_url)
        case "tasks", directory, callback_url:
            asyncio.run(in_tasks(Path(directory), callback_url))
        case "collector", directory:
            asyncio.run(collecting(Path(directory)))
        case "receiver", descriptor, key:
            asyncio.run(receiving(int(descriptor), key))


def say(*words: object) -> None:
    """Print a line at once and in one piece, whatever other threads print."""
    os.write(1, f"{' '.join(map(str, words))}\n".encode())


def in_threads(directory: Path, callback_url: str) -> None:
    """Do the jobs whose numbers come, with one `Kie` for several threads."""

    def do(number: int) -> None:
        with _saying_the_outcome(number):
            if _is_waited_for(number):
                kie.generate(MODEL, prompt_of(number), **_call(number, callback_url)).save(directory)
            else:
                kie.submit(MODEL, prompt_of(number), **_call(number, callback_url))

    with Kie(**_OPTIONS) as kie, ThreadPoolExecutor(AT_ONCE) as pool:
        for line in sys.stdin:
            say("took", int(line))
            pool.submit(do, int(line))


async def in_tasks(directory: Path, callback_url: str) -> None:
    """Do the jobs whose numbers come, with one `AsyncKie` for several tasks of asyncio."""

    async def do(number: int) -> None:
        with _saying_the_outcome(number):
            if _is_waited_for(number):
                result = await kie.generate(MODEL, prompt_of(number), **_call(number, callback_url))
                await result.save(directory)
            else:
                await kie.submit(MODEL, prompt_of(number), **_call(number, callback_url))

    async with AsyncKie(**_OPTIONS) as kie, asyncio.TaskGroup() as group:
        while line := await asyncio.to_thread(sys.stdin.readline):
            say("took", int(line))
            group.create_task(do(int(line)))


async def collecting(directory: Path) -> None:
    """Collect, once for each line that comes."""
    async with AsyncKie(**_OPTIONS) as kie:
        while line := await asyncio.to_thread(sys.stdin.readline):
            say("took", int(line))
            with _saying_the_outcome(int(line)):
                async for collected in kie.collect(directory, on_event=_listener(int(line))):
                    say("collected", collected.job.state)


async def receiving(descriptor: int, key: str) -> None:
    """Take callbacks at a socket that the harness listens on, so that they wait there while nobody takes them."""
    import uvicorn

    from kie_registry.webhooks import Receiver

    async with AsyncKie(**_OPTIONS) as kie:
        receiver = Receiver(kie, key=key)
        server = uvicorn.Server(uvicorn.Config(receiver, log_config=None, lifespan="off"))
        with socket.socket(fileno=descriptor) as listener:
            serving = asyncio.create_task(server.serve([listener]))
            while await asyncio.to_thread(sys.stdin.readline):
                pass
            server.should_exit = True
            await serving


def _call(number: int, callback_url: str) -> dict[str, Any]:
    return {"callback_url": callback_url if wants_callback(number) else None, "on_event": _listener(number)}


def _is_waited_for(number: int) -> bool:
    """Whether a job is seen to by the process that submits it; others are left to collectors."""
    return number % 3 > 0


def _listener(number: int) -> Callable[[Event], None]:
    return lambda event: say(event.kind, number)


@contextlib.contextmanager
def _saying_the_outcome(number: int) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not isinstance(error, KieError):
            traceback.print_exc()
        say("error", number, error)
        say("done", number, type(error).__name__)
    else:
        say("done", number, "well")
