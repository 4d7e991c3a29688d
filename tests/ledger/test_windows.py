"""Rate limits that several processes keep together."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from kie_registry.errors import LedgerError
from kie_registry.ledger.owners import Owners
from kie_registry.ledger.windows import SharedWindow

PATIENCE = 10.0
"""Seconds until a test that hangs fails."""

LONG = 1_000.0

_OTHER = """
import sys, time
from pathlib import Path
from kie_registry.ledger.owners import Owners
from kie_registry.ledger.windows import SharedWindow

def say(*what):
    print(*what, flush=True)

home = Path(sys.argv[1])
number, seconds = int(sys.argv[2]), float(sys.argv[3])
window = SharedWindow(home / "limits", Owners(home / "owners"), "create", "account", number, seconds)
for line in sys.stdin:
    match line.split():
        case ["take", timeout]:
            say(window.acquire(float(timeout), lambda: say("waiting")))
        case ["answer"]:
            window.release()
            say("answered")
        case ["use", times]:
            for _ in range(int(times)):
                window.acquire()
                moment = time.monotonic()
                window.release()
                say(moment)
"""


class Other:
    """Another process that uses the same limit."""

    def __init__(self, home: Path, number: int, seconds: float) -> None:
        command = [sys.executable, "-c", _OTHER, str(home), str(number), str(seconds)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def tell(self, order: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{order}\n")

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, order: str) -> str:
        self.tell(order)
        return self.said()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


class World:
    """This process and others, with one limit for all."""

    def __init__(self, home: Path, number: int, seconds: float) -> None:
        self.home, self.number, self.seconds = home, number, seconds
        self.others: list[Other] = []
        self.windows: list[SharedWindow] = []

    def window(
        self,
        kind: str = "create",
        account: str = "account",
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> SharedWindow:
        owners = Owners(self.home / "owners")
        path, seconds = self.home / "limits", self.seconds if seconds is None else seconds
        self.windows.append(SharedWindow(path, owners, kind, account, self.number, seconds, clock))
        return self.windows[-1]

    def other(self) -> Other:
        self.others.append(Other(self.home, self.number, self.seconds))
        return self.others[-1]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[[int, float], World]]:
    worlds: list[World] = []

    def make(number: int, seconds: float) -> World:
        worlds.append(World(tmp_path, number, seconds))
        return worlds[-1]

    yield make
    for each in worlds:
        for other in each.others:
            other.end()
        for window in each.windows:
            window.close()


Make = Callable[[int, float], World]


def test_a_slot_taken_by_one_process_is_not_there_for_another(world: Make) -> None:
    here = world(2, LONG)
    assert [here.other().ask("take 0"), here.window().acquire(timeout=0), here.other().ask("take 0")] == [
        "True",
        True,
        "waiting",
    ]


@pytest.mark.parametrize(
    ("kind", "account", "free"),
    [("create", "account", False), ("read", "account", True), ("create", "another", True)],
)
def test_each_kind_and_account_has_its_own_slots(world: Make, kind: str, account: str, free: bool) -> None:
    here = world(1, LONG)
    here.window().acquire()
    assert here.window(kind, account).acquire(timeout=0) is free


@pytest.mark.parametrize(("seconds", "free"), [(LONG, False), (0.05, True)])
def test_an_answered_slot_counts_on_when_its_process_has_ended(world: Make, seconds: float, free: bool) -> None:
    here = world(1, seconds)
    other = here.other()
    other.ask("take 0")
    other.ask("answer")
    other.end()
    assert here.window().acquire(timeout=0 if seconds == LONG else PATIENCE) is free


@pytest.mark.parametrize(("seconds", "free"), [(LONG, False), (0.05, True)])
def test_a_slot_of_a_killed_process_counts_as_answered_when_that_is_seen(
    world: Make, seconds: float, free: bool
) -> None:
    here = world(1, seconds)
    other = here.other()
    other.ask("take 0")
    other.end()
    assert here.window().acquire(timeout=0 if seconds == LONG else PATIENCE) is free


def test_a_process_that_was_killed_while_it_waited_holds_up_nobody(world: Make) -> None:
    here = world(1, LONG)
    window = here.window()
    window.acquire()
    other = here.other()
    other.ask("take 100")
    other.end()
    window.release(counted=False)
    assert window.acquire(timeout=0)


def test_processes_are_served_in_the_order_of_asking(world: Make) -> None:
    here = world(1, 0.05)
    window = here.window()
    window.acquire()
    first, second = here.other(), here.other()
    waited = [first.ask("take 100"), second.ask("take 100")]
    queued, third = threading.Event(), list[bool]()
    thread = threading.Thread(target=lambda: third.append(window.acquire(PATIENCE, queued.set)), daemon=True)
    thread.start()
    queued.wait(PATIENCE)
    window.release()
    turns = [(first.said(), list(third)), (first.ask("answer"), None), (second.said(), list(third))]
    second.ask("answer")
    thread.join(PATIENCE)
    assert (waited, turns, third) == (
        ["waiting", "waiting"],
        [("True", []), ("answered", None), ("True", [])],
        [True],
    )


def test_a_newcomer_of_another_process_does_not_pass_those_who_wait(world: Make) -> None:
    here = world(1, LONG)
    window = here.window()
    window.acquire()
    here.other().ask("take 100")
    window.release(counted=False)
    assert not window.acquire(timeout=0)


def test_what_is_left_beside_those_who_wait_is_for_the_newcomer(world: Make) -> None:
    here = world(2, LONG)
    window = here.window()
    window.acquire()
    window.acquire()
    here.other().ask("take 100")
    window.release(counted=False)
    window.release(counted=False)
    assert window.acquire(timeout=0)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped here")
@pytest.mark.parametrize(("later", "free"), [(0.0, False), (60.0, True)])
def test_a_stopped_process_that_waits_is_passed_by_after_a_while(world: Make, later: float, free: bool) -> None:
    here = world(1, LONG)
    window = here.window(clock=lambda: time.monotonic() + moved)
    moved = 0.0
    window.acquire()
    other = here.other()
    other.ask("take 100")
    os.kill(other.process.pid, signal.SIGSTOP)
    window.release(counted=False)
    moved = later
    assert window.acquire(timeout=0) is free


def test_no_more_than_the_number_are_sent_in_any_span_of_the_seconds(world: Make) -> None:
    number, seconds = 4, 0.2
    here = world(number, seconds)
    others = [here.other() for _ in range(3)]
    for other in others:
        other.tell("use 6")
    sent = sorted(float(other.said()) for other in others for _ in range(6))
    assert all(later >= earlier + seconds for earlier, later in zip(sent, sent[number:], strict=False))


@pytest.mark.parametrize("kept", ["answered", "in flight"])
def test_what_was_there_before_the_machine_was_started_again_is_gone(world: Make, kept: str) -> None:
    here = world(1, 10)
    moment = 1e6
    before = here.window(clock=lambda: moment)
    before.acquire()
    if kept == "answered":
        before.release()
    else:
        shutil.rmtree(here.home / "owners")
    moment = 5.0
    after = SharedWindow(
        here.home / "limits", Owners(here.home / "new"), "create", "account", 1, 10, lambda: moment
    )
    here.windows.append(after)
    seen = [after.acquire(timeout=0)]
    moment = 15.0
    seen.append(after.acquire(timeout=0))
    assert seen == ([True, False] if kept == "answered" else [False, True])


def test_the_key_of_an_account_would_not_be_needed(world: Make) -> None:
    here = world(1, LONG)
    here.window(account="0123abcd").acquire()
    with closing(sqlite3.connect(here.home / "limits")) as file:
        assert file.execute("SELECT DISTINCT line FROM slots").fetchall() == [("create 0123abcd",)]


def corrupt(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE recipes (name TEXT)")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (corrupt, "not a database"),
        (of_another_program, "another program"),
        (Path.mkdir, "directory"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(world: Make, spoil: Callable[[Path], None], said: str) -> None:
    here = world(1, LONG)
    spoil(here.home / "limits")
    with pytest.raises(LedgerError) as caught:
        here.window().acquire()
    told = str(caught.value)
    assert all(word in told for word in (str(here.home / "limits"), said, "KIE_HOME"))


_LITTLE_ROOM = """
import resource, signal, sys
from pathlib import Path
from kie_registry.ledger.owners import Owners
from kie_registry.ledger.windows import SharedWindow
home = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, resource.RLIM_INFINITY))
SharedWindow(home / "limits", Owners(home / "owners"), "create", "account", 1, 1.0).acquire()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="files have no limit here")
def test_a_disk_that_has_no_room_for_a_new_file_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LITTLE_ROOM, tmp_path], capture_output=True, text=True, check=False
    )
    said = done.stderr.splitlines()[-1]
    assert re.search(rf"LedgerError: {tmp_path}/limits, .* cannot be used: (disk I/O error|.* is full)\.", said)


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Hold the file, as a process does that was stopped while it wrote."""
    with closing(sqlite3.connect(home / "limits", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("COMMIT")


class TestAFileThatOthersHold:
    def test_is_named_after_a_while(self, world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kie_registry.ledger.slots._PATIENCE", 0.0)
        here = world(1, LONG)
        window = here.window()
        window.acquire(timeout=0)
        with held(here.home), pytest.raises(LedgerError, match=r"limits.* locked"):
            window.acquire()

    @pytest.mark.parametrize(
        ("looks", "patient"), [([0, 9], True), ([0, 1, 10], False), ([0, 100], True), ([0, 100, 101, 110], False)]
    )
    def test_counts_as_held_for_as_long_as_it_is_looked_at(
        self, world: Make, monkeypatch: pytest.MonkeyPatch, looks: list[float], patient: bool
    ) -> None:
        monkeypatch.setattr("kie_registry.ledger.slots.LOOK_AGAIN", 5.0)
        here = world(1, LONG)
        window = here.window()
        window.acquire(timeout=0)
        with held(here.home), nullcontext() if patient else pytest.raises(LedgerError):
            for moment in looks:
                clock = SimpleNamespace(monotonic=lambda moment=moment: moment)
                monkeypatch.setattr("kie_registry.ledger.slots.time", clock)
                assert window.acquire(timeout=0) is False

    def test_is_waited_for_without_blocking_the_event_loop(self, world: Make) -> None:
        here = world(2, LONG)
        window = here.window()
        window.acquire()

        async def main() -> bool:
            waits = asyncio.Event()
            with held(here.home):
                asking = asyncio.create_task(window.acquire_async(PATIENCE, waits.set))
                await waits.wait()
            return await asking

        assert asyncio.run(main())

    def test_is_looked_at_by_the_first_in_line_alone(self, world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        here = world(1, LONG)
        window = here.window()
        window.acquire()
        tries: list[object] = []
        database = window._slots._database
        write = database.write

        def counting(operation: Callable[[sqlite3.Connection], object]) -> object:
            tries.append(operation)
            return write(operation)

        async def main() -> int:
            with held(here.home):
                monkeypatch.setattr(database, "write", counting)
                asking = [asyncio.create_task(window.acquire_async()) for _ in range(100)]
                await asyncio.sleep(0)
                count = len(tries)
                for task in asking:
                    task.cancel()
                await asyncio.wait(asking)
            return count

        assert asyncio.run(main()) == 1

    def test_is_written_after_an_answer_when_it_is_free_again(
        self, world: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("kie_registry.ledger.windows.LOOK_AGAIN", 0.01)
        here = world(1, LONG)
        window = here.window()
        window.acquire()
        with held(here.home), caplog.at_level(logging.WARNING):
            window.release(counted=False)
        assert (here.window().acquire(PATIENCE), caplog.messages) == (True, [])

    def test_for_long_is_logged_and_written_next_time(
        self, world: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("kie_registry.ledger.slots._PATIENCE", 0.0)
        here = world(1, LONG)
        window = here.window()
        window.acquire()
        with held(here.home), caplog.at_level(logging.WARNING):
            window.release(counted=False)
        assert (window.acquire(timeout=0), ["locked" in line for line in caplog.messages]) == (True, [True])


def interrupt_after_commit(window: SharedWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Ctrl-C arrive while the next transaction ends."""
    database = window._slots._database
    write = database.write

    def interrupted(operation: Callable[[sqlite3.Connection], object]) -> object:
        monkeypatch.undo()
        write(operation)
        raise KeyboardInterrupt

    monkeypatch.setattr(database, "write", interrupted)


def rows(home: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(home / "limits")) as file:
        return [
            (table, file.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
            for table in ("slots", "tickets", "looks")
        ]


NOTHING = [("slots", 0), ("tickets", 0), ("looks", 0)]


def test_an_interruption_while_a_slot_is_written_leaves_nothing(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world(1, LONG)
    window = here.window()
    interrupt_after_commit(window, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        window.acquire()
    assert rows(here.home) == NOTHING


def test_an_interruption_while_a_ticket_is_drawn_leaves_nothing(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world(1, LONG)
    window = here.window()
    window.acquire()
    interrupt_after_commit(window, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        window.acquire()
    window.release(counted=False)
    assert rows(here.home) == NOTHING


def test_an_interruption_while_an_answer_is_written_gives_the_slot_back(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world(1, LONG)
    window = here.window()
    window.acquire()
    interrupt_after_commit(window, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        window.release(counted=False)
    assert (window.acquire(timeout=0), here.window().acquire(timeout=0)) == (True, False)


def test_an_interruption_before_an_answer_is_written_gives_the_slot_back_next_time(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world(1, LONG)
    window = here.window()
    window.acquire()

    def interrupted(_: object) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(window._slots._database, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        window.release(counted=False)
    assert (window.acquire(timeout=0), here.window().acquire(timeout=0)) == (True, False)
