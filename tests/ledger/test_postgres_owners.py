"""Who lives, as a PostgreSQL database knows it."""

from __future__ import annotations

import os
import socket

import pytest

from kie_registry.errors import IllegalMove
from kie_registry.ledger import PostgresLedger, State
from tests.forks import in_child, needs_fork
from tests.ledger.jobs import added, planned
from tests.ledger.postgres import World

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture
def ledger(postgres: World) -> PostgresLedger:
    return postgres.ledger()


def silence(postgres: World, ledger: PostgresLedger, seconds: float = 60.0) -> None:
    """Let that much time have gone by since a process was heard of."""
    ago = f"clock_timestamp() - make_interval(secs => {seconds})"
    postgres.run(f"UPDATE owners SET seen_at = {ago} WHERE id = %(owner)s", owner=ledger.owner)


@pytest.mark.parametrize(("seconds", "alive"), [(0.0, True), (20.0, True), (31.0, False)])
def test_who_has_not_been_heard_of_for_long_is_dead(
    postgres: World, ledger: PostgresLedger, seconds: float, alive: bool
) -> None:
    other = postgres.ledger()
    new = added(other, owner=other.owner, state=State.RUNNING)
    silence(postgres, other, seconds)
    assert (ledger.claim(new.id) is None) == alive


@pytest.mark.parametrize("owner", ["0" * 32, "", "../../passwords", "x" * 5000, "a\0b"], ids="{:.20}".format)
def test_what_is_no_process_is_not_alive(ledger: PostgresLedger, owner: str) -> None:
    assert not ledger._owners.alive(owner)


def test_a_process_is_heard_of_again_and_again(postgres: World) -> None:
    ledger = postgres.ledger(every=0.01)
    silence(postgres, ledger)
    recent = "SELECT count(*) FROM owners WHERE seen_at > clock_timestamp() - interval '10 seconds'"
    while postgres.run(recent) == [(0,)]:
        pass


def test_one_lives_oneself(postgres: World, ledger: PostgresLedger) -> None:
    silence(postgres, ledger)
    assert ledger._owners.alive(ledger.owner)


def test_it_is_known_where_a_process_runs(postgres: World, ledger: PostgresLedger) -> None:
    expected = [(ledger.owner, socket.gethostname(), os.getpid())]
    assert postgres.run("SELECT id, host, pid FROM owners") == expected


def test_those_who_died_long_ago_are_forgotten(postgres: World, ledger: PostgresLedger) -> None:
    silence(postgres, ledger, 90_000.0)
    later = postgres.ledger()
    expected = [(later.owner,)]
    assert postgres.run("SELECT id FROM owners") == expected


def test_a_ledger_that_is_closed_gives_no_more_signs_of_life(postgres: World) -> None:
    ledger = postgres.ledger(every=0.001)
    assert ledger.owner
    heart = ledger._signs._heart
    assert heart is not None
    assert heart._thread is not None
    ledger.close()
    heart._thread.join(10)
    assert not heart._thread.is_alive()


def test_a_process_that_was_taken_for_dead_sends_nothing_that_another_has(
    postgres: World, ledger: PostgresLedger
) -> None:
    planned(ledger, "a")
    (seen,) = ledger.take("b", 1)
    silence(postgres, ledger)
    other = postgres.ledger()
    assert other.recover() == 1
    assert [each.id for each in other.take("b", 1)] == [seen.id]
    with pytest.raises(IllegalMove, match="another process sees to it"):
        ledger.move(seen.id, State.SENDING, seen=seen, attempt=1)


def test_a_process_that_was_taken_for_dead_keeps_what_it_paid_for(postgres: World, ledger: PostgresLedger) -> None:
    sent = added(ledger, owner=ledger.owner)
    silence(postgres, ledger)
    postgres.ledger().recover()
    ledger.move(sent.id, State.RUNNING, task_id="t")
    found = ledger.get(sent.id)
    assert found is not None
    assert (found.state, found.task_id) == (State.RUNNING, "t")


@needs_fork
def test_a_child_is_another_process(ledger: PostgresLedger) -> None:
    parent = ledger.owner
    assert in_child(lambda: (ledger.owner != parent, ledger._owners.alive(parent))) == "(True, True)"
