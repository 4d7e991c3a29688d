"""A ledger against a model of it, in any order of calls."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from kie_registry.errors import IllegalMove
from kie_registry.ledger import Job, SqliteLedger, State
from kie_registry.ledger.states import INITIAL, MOVES
from tests.ledger.jobs import job

ACCOUNTS = ("a" * 32, "b" * 32)
TASKS = st.sampled_from([None, "task_1", "task_2", "task_3"])
# No process has ever held the lock of this one.
DEAD = "d" * 32
BATCHES = st.sampled_from(["one", "two"])
OVER = {State.REFUSED, State.FAILED, State.COLLECTED, State.LOST}


class LedgerMachine(RuleBasedStateMachine):
    """`known` is what the ledger must hold, in order."""

    jobs = Bundle("jobs")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "ledger.sqlite3"
        self.ledger = SqliteLedger(self.path)
        self.known: dict[str, Job] = {}

    def teardown(self) -> None:
        self.ledger.close()
        self.folder.cleanup()

    def taken(self, account: str, task_id: str | None, job_id: str) -> bool:
        others = (other for other in self.known.values() if other.id != job_id)
        return task_id is not None and any(
            (other.account, other.task_id) == (account, task_id) for other in others
        )

    @rule(
        target=jobs,
        account=st.sampled_from(ACCOUNTS),
        state=st.sampled_from(State),
        task_id=TASKS,
        owner=st.sampled_from([None, "mine", DEAD]),
        prompt=st.text(max_size=5),
    )
    def add(self, account: str, state: State, task_id: str | None, owner: str | None, prompt: str) -> str:
        owner = self.ledger.owner if owner == "mine" else owner
        new = job(account=account, state=state, task_id=task_id, owner=owner, input={"prompt": prompt})
        if state not in INITIAL or self.taken(account, task_id, new.id):
            with pytest.raises(IllegalMove):
                self.ledger.add(new)
        else:
            self.ledger.add(new)
            self.known[new.id] = evolve(new, number=len(self.known) + 1)
        return new.id

    @rule(target=jobs, batch=BATCHES, keys=st.lists(st.sampled_from("abcd"), min_size=1, max_size=3))
    def plan(self, batch: str, keys: list[str]) -> MultipleResults[str]:
        jobs = [job(account="", state=State.PLANNED, batch=batch, key=key) for key in keys]
        there = {each.key for each in self.known.values() if each.batch == batch}
        assert self.ledger.plan(jobs) == len({*keys} - there)
        for each in jobs:
            if each.key not in there:
                there.add(each.key)
                self.known[each.id] = evolve(each, number=len(self.known) + 1)
        return multiple(*(each.id for each in jobs))

    @rule(batch=BATCHES)
    def replan(self, batch: str) -> None:
        refused = self.of_batch(batch, State.REFUSED)
        assert self.ledger.replan(batch) == len(refused)
        for each in refused:
            self.known[each.id] = evolve(each, state=State.PLANNED, reason="")

    @rule(batch=BATCHES, limit=st.integers(0, 3))
    def take(self, batch: str, limit: int) -> None:
        free = [each for each in self.of_batch(batch, State.PLANNED) if each.owner is None][:limit]
        taken = [evolve(each, owner=self.ledger.owner) for each in free]
        assert [evolve(each, changed_at=0) for each in self.ledger.take(batch, limit)] == [
            evolve(each, changed_at=0) for each in taken
        ]
        self.known.update({each.id: each for each in taken})

    def of_batch(self, batch: str, *states: State) -> list[Job]:
        return [each for each in self.known.values() if each.batch == batch and each.state in states]

    @rule(job_id=jobs)
    def add_again(self, job_id: str) -> None:
        if job_id in self.known:
            with pytest.raises(IllegalMove):
                self.ledger.add(evolve(self.known[job_id], state=State.PLANNED, task_id=None))

    @rule(
        job_id=jobs,
        to=st.sampled_from(State),
        task_id=TASKS,
        changes=st.fixed_dictionaries(
            {},
            optional={
                "reason": st.text(st.characters(), max_size=5),
                "credits": st.floats(0, 100),
                "files": st.lists(st.text(max_size=3), max_size=2).map(tuple),
            },
        ),
        let_go=st.booleans(),
        seen=st.sampled_from([None, "as it is", "in another state", "at another attempt"]),
    )
    def move(
        self,
        job_id: str,
        to: State,
        task_id: str | None,
        changes: dict[str, Any],
        let_go: bool,
        seen: str | None,
    ) -> None:
        if task_id is not None:
            changes = {**changes, "task_id": task_id}
        before = self.known.get(job_id)
        legal = before is not None and to in MOVES[before.state] and self.may_move(before, seen)
        known = None if seen is None or before is None else self.as_seen(before, seen)
        if before is None or not legal or self.taken(before.account, task_id, job_id):
            with pytest.raises(IllegalMove):
                self.ledger.move(job_id, to, seen=known or (seen and job()) or None, let_go=let_go, **changes)
            return
        self.ledger.move(job_id, to, seen=known, let_go=let_go, **changes)
        owner = self.owner_after(before, to, let_go)
        self.known[job_id] = evolve(before, state=to, owner=owner, **changes)

    def may_move(self, before: Job, seen: str | None) -> bool:
        return seen is None or (seen == "as it is" and before.owner in (None, self.ledger.owner))

    def as_seen(self, before: Job, seen: str) -> Job:
        if seen == "in another state":
            return evolve(before, state=next(state for state in State if state != before.state))
        return evolve(before, attempt=before.attempt + (seen == "at another attempt"))

    def owner_after(self, before: Job, to: State, let_go: bool) -> str | None:
        if to in (State.PLANNED, State.SENDING):
            return self.ledger.owner
        if to not in (State.RUNNING, State.SUCCEEDED) or (let_go and before.owner == self.ledger.owner):
            return None
        return before.owner

    @rule(job_id=jobs)
    def claim(self, job_id: str) -> None:
        before, claimed = self.known.get(job_id), self.ledger.claim(job_id)
        free = before is not None and before.owner in (None, DEAD) and before.state not in OVER
        assert (claimed is not None) == free
        if before is not None and claimed is not None:
            self.known[job_id] = evolve(before, owner=self.ledger.owner)
            assert claimed.owner == self.ledger.owner

    @rule(job_id=jobs)
    def release(self, job_id: str) -> None:
        self.ledger.release(job_id)
        before = self.known.get(job_id)
        if before is None or before.owner != self.ledger.owner:
            return
        if before.state not in (State.PLANNED, State.SENDING) or (before.state == State.PLANNED and before.batch):
            self.known[job_id] = evolve(before, owner=None)

    @rule()
    def recover(self) -> None:
        freed = [each for each in self.known.values() if each.owner == DEAD and each.state not in OVER]
        assert self.ledger.recover() == len(freed)
        for each in freed:
            now = self.ledger.get(each.id)
            ends = {State.SENDING: State.UNKNOWN, State.PLANNED: State.PLANNED if each.batch else State.REFUSED}
            state = ends.get(each.state, each.state)
            reason = now.reason if now is not None and each.state != state else each.reason
            self.known[each.id] = evolve(each, state=state, owner=None, reason=reason)

    @rule()
    def open_again(self) -> None:
        self.ledger.close()
        self.ledger = SqliteLedger(self.path)

    @invariant()
    def it_holds_what_was_written_and_nothing_else(self) -> None:
        held = [evolve(each, changed_at=0) for each in self.ledger.jobs()]
        assert held == [evolve(each, changed_at=0) for each in reversed(self.known.values())]

    @invariant()
    def each_batch_has_its_jobs(self) -> None:
        for batch in ("one", "two"):
            ids = [each.id for each in self.of_batch(batch, *State)]
            assert [each.id for each in self.ledger.batch(batch)] == ids
            assert sum(number for number, _ in self.ledger.tally(batch).values()) == len(ids)

    @invariant()
    def each_is_found(self) -> None:
        for each in self.known.values():
            assert self.ledger.find(each.account, each.id) == self.ledger.get(each.id)
            if each.task_id is not None:
                found = self.ledger.find(each.account, each.task_id)
                assert found is not None
                assert found.id == each.id


LedgerMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
TestLedger = LedgerMachine.TestCase
