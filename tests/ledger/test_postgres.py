"""A ledger in PostgreSQL does what one in a file does: the same tests, over the other database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from attrs import evolve
from hypothesis import settings
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from kie_registry.errors import LedgerError
from kie_registry.ledger import PostgresLedger, State
from tests.ledger.jobs import added, job
from tests.ledger.postgres import World
from tests.ledger.test_batches import (  # noqa: F401
    mixed,
    test_a_planned_job_is_as_it_was_given_and_nobodys,
    test_a_task_of_one_account_is_no_others_when_a_job_gets_its_account,
    test_how_many_jobs_stand_where_and_what_they_cost,
    test_jobs_are_taken_by_one_of_many_threads,
    test_jobs_are_taken_in_the_order_of_planning_and_once,
    test_only_refused_jobs_of_that_batch_are_planned_again,
    test_only_what_the_batch_has_not_is_planned,
    test_the_jobs_of_a_batch,
    test_the_numbers_of_jobs_are_their_order,
    test_what_came_of_a_job_is_written_whoever_has_it,
)
from tests.ledger.test_machine import LedgerMachine
from tests.ledger.test_sqlite import (  # noqa: F401
    test_a_job_comes_back_as_it_was,
    test_a_job_is_found_by_a_task_id_with_a_surrogate,
    test_a_move_says_what_stands_in_its_way,
    test_a_task_is_one_jobs_alone,
    test_an_id_does_not_change,
    test_find,
    test_jobs_by_state,
    test_nobody_lets_go_what_another_has,
    test_only_what_is_not_over_is_taken_on,
    test_the_latest_durations_of_a_model,
    test_the_newest_come_first_and_no_more_than_asked_for,
    test_two_accounts_may_have_a_task_of_the_same_id,
    test_what_is_not_sent_yet_stays_its_owners,
)

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture
def ledger(postgres: World) -> PostgresLedger:
    return postgres.ledger()


DAMAGE = ["state = 'dreaming'", "input = '{'", "files = 'x'", "files = '5'"]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_row_that_cannot_be_read_is_said_to_be_damaged(
    postgres: World, ledger: PostgresLedger, damage: str
) -> None:
    new = added(ledger)
    postgres.run(f"UPDATE jobs SET {damage}")
    with pytest.raises(LedgerError, match=rf"//.*{postgres.database}.* {new.id} cannot be read .* damaged"):
        ledger.get(new.id)


@pytest.mark.parametrize("text", ["\ufdd0", "\ufdd00000", "100 % sure?", "a\\b'c\"d"])
def test_text_that_looks_like_what_we_write_for_other_text(ledger: PostgresLedger, text: str) -> None:
    new = added(ledger, reason=text, input={"prompt": text})
    assert (new.reason, new.input) == (text, {"prompt": text})


def test_jobs_are_taken_by_one_of_many_processes(postgres: World, ledger: PostgresLedger) -> None:
    ledger.plan([job(state=State.PLANNED, batch="b", key=str(number)) for number in range(100)])
    others = [postgres.ledger() for _ in range(3)]

    def take(other: PostgresLedger) -> list[int]:
        parts = iter(lambda: other.take("b", 3), [])
        return [each.number for part in parts for each in part]

    with ThreadPoolExecutor(3) as pool:
        taken = [number for part in pool.map(take, others) for number in part]
    assert sorted(taken) == list(range(1, 101))


class PostgresMachine(LedgerMachine):
    """The same model of a ledger."""

    kept: PostgresLedger

    @initialize()
    def begin(self) -> None:
        self.known = {}
        self.ledger = self.kept  # type: ignore[assignment]
        self.kept._database.write(lambda base: base.execute("TRUNCATE jobs"))

    def teardown(self) -> None:
        """Keep it for the next example."""

    @rule()
    def open_again(self) -> None:
        self.ledger.close()

    @invariant()
    def it_holds_what_was_written_and_nothing_else(self) -> None:
        # The numbers of jobs that were not written are missing.
        held = [evolve(each, changed_at=0, number=0) for each in self.ledger.jobs()]
        assert held == [evolve(each, changed_at=0, number=0) for each in reversed(self.known.values())]


def test_in_any_order_of_calls(ledger: PostgresLedger) -> None:
    PostgresMachine.kept = ledger
    few = settings(max_examples=5, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(PostgresMachine, settings=few)
