"""One request at a time, over threads and processes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import define

from kie_registry.turnstile import Turnstile


@define
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_waits_for_nobody() -> None:
    assert Turnstile("key", 1.0, Clock()).take() == 0


def test_each_waits_for_those_before() -> None:
    turnstile = Turnstile("key", 1.0, Clock())
    assert [turnstile.take() for _ in range(4)] == [0, 1, 2, 3]


def test_time_that_has_passed_is_not_waited_for_again() -> None:
    clock = Clock()
    turnstile = Turnstile("key", 1.0, clock)
    turnstile.take()
    clock.now += 0.75
    assert turnstile.take() == 0.25


def test_another_key_does_not_wait() -> None:
    clock = Clock()
    Turnstile("key", 1.0, clock).take()
    assert Turnstile("other", 1.0, clock).take() == 0


def test_a_clock_that_was_put_back_blocks_nobody() -> None:
    clock = Clock()
    turnstile = Turnstile("key", 1.0, clock)
    turnstile.take()
    clock.now -= 3600
    assert [turnstile.take(), turnstile.take()] == [0, 1]


def test_threads_share_it() -> None:
    clock = Clock()
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda _: Turnstile("key", 1.0, clock).take(), range(32)))
    assert sorted(taken) == list(range(32))


def test_processes_share_it() -> None:
    program = (
        "from kie_registry.turnstile import Turnstile\n"
        "for _ in range(5): print(Turnstile('key', 10.0, lambda: 1.8e9).take())"
    )
    running = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) for _ in range(3)]
    taken = sorted(float(line) for each in running for line in each.communicate()[0].split())
    assert taken == [10.0 * number for number in range(15)]


def test_the_key_is_not_kept() -> None:
    Turnstile("a-secret-key", 1.0).take()
    kept = (Path(os.environ["KIE_HOME"]) / "cache" / "turnstile.sqlite3").read_bytes()
    assert b"a-secret-key" not in kept


@pytest.mark.parametrize("account", ["without a home", "without a folder"])
def test_without_a_usable_home_the_pace_is_kept_in_this_process(
    account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    if account == "without a home":
        home.write_text("a file")
    else:
        (home / "cache" / "turnstile.sqlite3").mkdir(parents=True)
    monkeypatch.setenv("KIE_HOME", str(home))
    clock = Clock()
    assert [Turnstile(account, 1.0, clock).take() for _ in range(3)] == [0, 1, 2]


def test_a_damaged_file_does_not_stop_anyone() -> None:
    file = Path(os.environ["KIE_HOME"]) / "cache" / "turnstile.sqlite3"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no database" * 100)
    clock = Clock()
    assert [Turnstile("damaged", 1.0, clock).take() for _ in range(2)] == [0, 1]


def test_a_file_that_another_holds_for_long_does_not_stop_anyone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.turnstile._WAIT_FOR_OTHERS", 0.05)
    clock = Clock()
    Turnstile("held", 1.0, clock).take()
    holder = sqlite3.connect(Path(os.environ["KIE_HOME"]) / "cache" / "turnstile.sqlite3")
    holder.execute("BEGIN IMMEDIATE")
    try:
        assert Turnstile("held", 1.0, clock).take() == 0
    finally:
        holder.close()
