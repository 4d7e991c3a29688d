"""Rate limits that several processes keep together."""

from __future__ import annotations

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
from contextlib import closing
from pathlib import Path

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
def test_a_file_that_cannot_be_used_is_named_before_anything_is_sent(
    world: Make, spoil: Callable[[Path], None], said: str
) -> None:
    here = world(1, LONG)
    spoil(here.home / "limits")
    with pytest.raises(LedgerError) as caught:
        here.window().acquire()
    told = str(caught.value)
    assert all(word in told for word in (str(here.home / "limits"), said, "KIE_HOME", "Nothing was sent."))


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


def test_a_file_that_another_program_holds_is_named(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.ledger.database._WAIT_FOR_OTHERS", 0.05)
    here = world(1, LONG)
    here.window().acquire()
    with closing(sqlite3.connect(here.home / "limits", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match=r"limits.* locked.* Nothing was sent"):
            here.window().acquire()


def test_what_cannot_be_written_after_the_answer_is_logged_and_written_later(
    world: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("kie_registry.ledger.database._WAIT_FOR_OTHERS", 0.05)
    here = world(1, LONG)
    window = here.window()
    window.acquire()
    with (
        closing(sqlite3.connect(here.home / "limits", isolation_level=None)) as holder,
        caplog.at_level(logging.WARNING),
    ):
        holder.execute("BEGIN IMMEDIATE")
        window.release(counted=False)
        holder.execute("COMMIT")
    assert (window.acquire(timeout=0), ["locked" in line for line in caplog.messages]) == (True, [True])
