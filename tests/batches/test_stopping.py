"""What ends a batch early: what cannot get better, a limit, a person. What runs is collected, the rest planned."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import evolve

from kie_registry import Event, KieError, LedgerError, Outcome, TaskTimeout
from kie_registry.batches.running import runner as running
from kie_registry.batches.running.admission import Admission
from kie_registry.batches.running.poller import Poller
from kie_registry.batches.running.progress import Progress
from kie_registry.batches.running.saving import Saver
from kie_registry.flows.planned import send_planned
from kie_registry.ledger import Job, SqliteLedger, State
from kie_registry.parts import Part
from tests.batches.running import Runs, iterating

pytestmark = pytest.mark.timeout(30)
CATS = [f"cat {number}" for number in range(40)]


def ended(runs: Runs, *texts: str, **options: Any) -> tuple[list[Outcome], Progress]:
    """Run a batch to its end; return what came, and how far it says it has come."""

    async def run() -> tuple[list[Outcome], Progress]:
        async with runs.batch(*texts, **options) as batch:
            return [outcome async for outcome in batch], batch.progress

    return asyncio.run(run())


def stopping(runs: Runs, *texts: str, when: Callable[[Any], bool], **options: Any) -> Progress:
    """Run a batch, and stop it at the first event for which `when` holds."""

    async def run() -> Progress:
        def hear(event: Event) -> None:
            if when(event):
                batch.stop("enough")

        async with runs.batch(*texts, on_event=hear, **options) as batch:
            async for _ in batch:
                pass
            return batch.progress

    return asyncio.run(run())


# what would befall every other job as well

HOPELESS = {
    "a wrong key": 401,
    "no credits": 402,
    "the cap of the key": 433,
    "maintenance": 455,
}


@pytest.mark.parametrize("what", HOPELESS)
def test_what_is_hopeless_leaves_the_rest_planned(runs: Runs, what: str) -> None:
    runs.box.answer_next("createTask", code=HOPELESS[what])
    came, progress = ended(runs, "a", "b", "c", concurrency=1)
    assert (len(came), progress.left, runs.creates()) == (1, 2, 1)
    assert str(HOPELESS[what]) in progress.stopped
    runs.run("a", "b", "c")
    assert sorted(runs.sent()) == ["a", "b", "c"]


def test_a_server_that_is_not_there(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.flows.create._CONNECT_PAUSES", ())
    nowhere = evolve(runs, client={"base_url": "http://127.0.0.1:9"})
    _, progress = ended(nowhere, "a", "b", concurrency=1)
    assert (progress.failed, progress.left, runs.states()[State.PLANNED]) == (1, 1, 1)


def test_what_waits_for_the_rate_limit_when_all_is_hopeless_stays_planned(runs: Runs) -> None:
    runs.box.answer_next("createTask", code=402)
    came, progress = ended(evolve(runs, client={"creates": (1, 3600.0)}), *CATS)
    assert (len(came), progress.left, runs.creates()) == (1, 39, 1)
    assert (runs.states(), runs.held()) == ({State.REFUSED: 1, State.PLANNED: 39}, [])


def test_three_unknown_outcomes_in_a_row(runs: Runs) -> None:
    runs.box.answer_next("createTask", cut="after", times=3)
    came, progress = ended(runs, *CATS[:6], concurrency=1)
    assert (len(came), progress.unknown, progress.left) == (3, 3, 3)
    assert "nobody knows" in progress.stopped
    runs.run(*CATS[:6])
    assert sorted(runs.sent()) == CATS[:6]


def test_unknown_outcomes_now_and_then(runs: Runs) -> None:
    for _ in range(3):
        runs.box.answer_next("createTask", cut="after")
        runs.box.answer_next("createTask", delay=0.001)
    _, progress = ended(runs, *CATS[:6], concurrency=1)
    assert (progress.unknown, progress.done, progress.stopped) == (3, 3, "")


def test_a_full_disk(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Part) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Part, "open", full)
        _, progress = ended(runs, *CATS[:12], concurrency=1)
    assert "No space left" in progress.stopped
    # One more may be sent while the first is being saved.
    assert 1 <= runs.states()[State.SUCCEEDED] == 12 - runs.states()[State.PLANNED] <= 5
    assert {each.error for each in runs.run(*CATS[:12])} == {None}
    assert (sorted(runs.sent()), len(runs.pictures())) == (sorted(CATS[:12]), 12)


@pytest.mark.parametrize(("in_a_row", "sent"), [(4, 12), (5, 5)])
def test_storage_that_refuses_in_words_of_its_own(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, in_a_row: int, sent: int
) -> None:
    save, calls = Saver.save, itertools.count(1)

    def refuse(self: Saver, result: Any, job: Job) -> Any:
        if next(calls) % (in_a_row + 1):
            raise KieError("access denied") from RuntimeError("AccessDenied")
        return save(self, result, job)

    monkeypatch.setattr(Saver, "save", refuse)
    monkeypatch.setattr(running, "_DOWNLOADS", 1)
    _, progress = ended(runs, *CATS[:12], concurrency=1)
    assert progress.stopped == ("" if sent == 12 else "access denied")
    # A few more may be sent while the last is being saved.
    assert sent <= len(runs.sent()) <= min(sent + 4, 12)


class Gone(SqliteLedger):
    """A ledger in which one thing cannot be done from the second call on."""

    failing = ""
    calls = 0
    back_after = math.inf

    def take(self, batch: str, limit: int) -> list[Job]:
        self.fail("take")
        return super().take(batch, min(limit, 32))

    def move(self, job_id: str, to: State, **more: Any) -> None:
        self.fail(to.value)
        super().move(job_id, to, **more)

    def release(self, job_id: str) -> None:
        self.fail("release")
        super().release(job_id)

    def fail(self, name: str) -> None:
        if self.failing and name in (self.failing, "release"):
            self.calls += name == self.failing
            if 1 < self.calls < self.back_after:
                raise LedgerError("the ledger is gone")


@pytest.mark.parametrize("failing", ["take", "sending", "running"])
def test_a_ledger_that_is_gone(runs: Runs, failing: str) -> None:
    gone = Gone(runs.ledger.path)
    gone.failing = failing
    came: list[Outcome] = []

    async def run() -> None:
        async with evolve(runs, ledger=gone).batch(*CATS, concurrency=1) as batch:
            async for outcome in batch:
                came.append(outcome)
            assert "the ledger is gone" in batch.progress.stopped

    if failing == "take":
        with pytest.raises(LedgerError, match="gone"):
            asyncio.run(run())
    else:
        asyncio.run(run())
    assert sum(each.error is None for each in came) == 1
    # What is paid is saved all the same.
    assert len(runs.sent()) == len(runs.pictures()) == (2 if failing == "running" else 1)


def test_a_ledger_that_is_gone_is_not_asked_again_for_each_job(runs: Runs) -> None:
    class Asked(Gone):
        asked = 0

        def get(self, job_id: str) -> Job | None:
            self.asked += 1
            return super().get(job_id)

    gone = Asked(runs.ledger.path)
    gone.failing, gone.calls = "sending", 1
    came, progress = ended(evolve(runs, ledger=gone), *CATS)
    assert ({type(each.error) for each in came}, runs.creates(), gone.asked) == ({LedgerError}, 0, 0)
    gone.failing = ""
    assert (progress.left + progress.failed, runs.states()) == (40, {State.PLANNED: 40})


def test_what_was_written_although_it_seemed_not_is_sent_all_the_same(runs: Runs) -> None:
    class Unsure(SqliteLedger):
        sending = unsure = 0

        def move(self, job_id: str, to: State, **more: Any) -> None:
            super().move(job_id, to, **more)
            self.sending += to == State.SENDING

        @contextlib.contextmanager
        def together(self) -> Iterator[None]:
            before = self.sending
            with super().together():
                yield
            if self.sending > before:
                self.unsure += 1
                raise LedgerError("it is not known what came of it")

    unsure = Unsure(runs.ledger.path)
    came, _ = ended(evolve(runs, ledger=unsure), *CATS[:8])
    assert unsure.unsure
    assert ([each.error for each in came], sorted(runs.sent())) == ([None] * 8, CATS[:8])


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_the_id_of_a_paid_task_is_written_when_the_ledger_is_back(runs: Runs, looks: int) -> None:
    gone = Gone(runs.ledger.path)
    gone.failing, gone.back_after = "running", 2 + looks
    runs.box.latency = 0.2
    came, progress = ended(evolve(runs, ledger=gone), *CATS[:8], concurrency=1)
    assert ([each.error for each in came], progress.left, progress.unknown) == ([None] * 2, 6, 0)
    assert (runs.states(), runs.held()) == ({State.COLLECTED: 2, State.PLANNED: 6}, [])


def test_the_id_of_a_paid_task_is_written_at_the_end_at_the_latest(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Gone(runs.ledger.path)
    gone.failing, gone.calls = "running", 1
    close = running.Runner.close

    async def back_by_then(self: running.Runner) -> None:
        gone.failing = ""
        await close(self)

    monkeypatch.setattr(running.Runner, "close", back_by_then)
    (outcome,), progress = ended(evolve(runs, ledger=gone), "a")
    (task,) = runs.box.tasks
    assert f"kie task settle {outcome.job.id} --task-id {task.id}" in str(outcome.error)
    assert (outcome.job.task_id, progress.unknown, len(runs.pictures())) == (task.id, 1, 1)
    assert ([job.task_id for job in runs.jobs()], runs.states(), runs.held()) == (
        [task.id],
        {State.RUNNING: 1},
        [],
    )
    assert [each.error for each in runs.run("a")] == [None]
    assert (len(runs.pictures()), runs.sent()) == (1, ["a"])


# a person


def test_stopping_collects_what_runs(runs: Runs) -> None:
    runs.box.latency = 0.2
    progress = stopping(runs, *CATS, when=lambda event: event.kind == "submitted", concurrency=4)
    assert len(runs.sent()) == progress.done == len(runs.pictures()) < 6
    assert (progress.left, progress.running, progress.stopped) == (40 - progress.done, 0, "enough")
    assert (runs.states()[State.PLANNED], runs.held()) == (progress.left, [])


def test_stopping_sends_nothing_that_waits_for_its_turn(runs: Runs) -> None:
    limited = evolve(runs, client={"creates": (1, 3600.0)})
    progress = stopping(limited, *CATS, when=lambda event: event.kind == "submitted")
    assert (progress.done, progress.failed, progress.left) == (1, 0, 39)


def test_stopping_sends_nothing_again_that_was_not_accepted(runs: Runs) -> None:
    runs.box.answer_next("createTask", status=429, times=9)
    progress = stopping(runs, "a", "b", when=lambda event: event.kind == "limited")
    assert (progress.left, runs.states(), runs.held()) == (2, {State.PLANNED: 2}, [])


def test_a_batch_that_is_stopped_before_it_begins_collects_what_ran(runs: Runs) -> None:
    runs.box.end_next(latency=0.3)
    runs.run("a", deadline=0.1)

    async def run() -> list[Outcome]:
        async with runs.batch("a", "b") as batch:
            batch.stop()
            return [outcome async for outcome in batch]

    assert [(each.job.state, each.error) for each in asyncio.run(run())] == [(State.COLLECTED, None)]
    assert runs.by_prompt() == {"a": State.COLLECTED, "b": State.PLANNED}


def test_a_deadline_that_passes_leaves_the_task_to_the_next_run(runs: Runs) -> None:
    runs.box.end_next(latency=0.4)
    first, progress = ended(runs, "a", deadline=0.1)
    assert (type(first[0].error), first[0].job.state, progress.late) == (TaskTimeout, State.RUNNING, 1)
    (again,) = runs.run("a")
    assert (again.error, runs.sent(), len(runs.pictures())) == (None, ["a"], 1)


# leaving


async def leave_after_the_first(runs: Runs, *texts: str, **options: Any) -> None:
    async with runs.batch(*texts, **options) as batch, iterating(batch) as outcomes:
        await anext(outcomes)


def test_leaving_the_iteration_lets_everything_go(runs: Runs) -> None:
    runs.box.end_next(latency=0.0)
    runs.box.latency = 0.2

    async def run() -> set[asyncio.Task[Any]]:
        await leave_after_the_first(runs, *CATS[:15], concurrency=5)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(run()) == set()
    assert (runs.held(), runs.states()[State.UNKNOWN], runs.states()[State.REFUSED]) == ([], 0, 0)
    runs.run(*CATS[:15])
    assert (sorted(runs.sent()), len(runs.pictures())) == (sorted(CATS[:15]), 15)


def test_leaving_waits_for_the_answers_that_are_on_their_way(runs: Runs) -> None:
    runs.box.end_next(latency=0.0)
    runs.box.latency = math.inf
    runs.box.answer_next("createTask", delay=0.0)
    runs.box.answer_next("createTask", delay=0.5, times=9)
    asyncio.run(leave_after_the_first(runs, *CATS[:5]))
    assert (runs.states()[State.UNKNOWN], len(runs.sent())) == (0, runs.states()[State.RUNNING] + 1)


@pytest.mark.parametrize("how", ["break", "an error", "held"])
def test_closing_the_client_waits_for_the_answers_that_are_on_their_way(runs: Runs, how: str) -> None:
    runs.box.latency = math.inf
    runs.box.end_next(latency=0.0)
    runs.box.answer_next("createTask", delay=0.0)
    runs.box.answer_next("createTask", delay=0.4, times=9)

    async def run() -> None:
        async with runs.batch(*CATS, concurrency=5) as batch:
            if how == "held":
                outcomes = aiter(batch)
                await anext(outcomes)
                return
            async for _ in batch:
                if how == "break":
                    return
                raise ZeroDivisionError

    with contextlib.suppress(ZeroDivisionError):
        asyncio.run(run())
    assert (runs.states()[State.UNKNOWN], len(runs.sent())) == (0, runs.states()[State.RUNNING] + 1)


def test_what_is_never_answered_is_unknown_once_one_has_left(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.batches.running.feeding._ANSWERS", 0.05)
    runs.box.answer_next("createTask", delay=0.0)
    runs.box.answer_next("createTask", delay=20.0)
    asyncio.run(leave_after_the_first(runs, "a", "b"))
    assert runs.by_prompt() == {"a": State.COLLECTED, "b": State.UNKNOWN}


def test_the_folder_is_free_when_the_iteration_is_left(runs: Runs) -> None:
    runs.box.latency = 0.2
    runs.box.end_next(latency=0.0)

    async def run() -> None:
        await leave_after_the_first(runs, "a", "b")
        async with runs.batch("a", "b") as batch:
            assert len([outcome async for outcome in batch]) == 2

    asyncio.run(run())
    assert sorted(runs.sent()) == ["a", "b"]


@pytest.mark.parametrize("kept", [True, False], ids=["in a folder", "nowhere"])
def test_who_is_cancelled_while_all_is_prepared_lets_it_go(runs: Runs, kept: bool) -> None:
    directory = runs.out if kept else None
    cancel: list[Callable[[], object]] = []

    class Cancelling(SqliteLedger):
        def plan(self, jobs: Any) -> int:
            planned = super().plan(jobs)
            cancel[0]()
            return planned

    async def run() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.create_task(cancelled())
        cancel.append(lambda: loop.call_soon_threadsafe(task.cancel))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert runs.states() == {State.PLANNED if kept else State.REFUSED: 1}
        async with runs.batch("a", directory=directory) as batch:
            assert len([outcome async for outcome in batch]) == 1

    async def cancelled() -> None:
        async with evolve(runs, ledger=Cancelling(runs.ledger.path)).batch("a", directory=directory) as batch:
            async for _ in batch:
                pass

    asyncio.run(run())
    assert runs.sent() == ["a"]


# bugs


def bug(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a bug")


@pytest.mark.parametrize(
    ("where", "what"),
    [(Saver, "save"), (running, "send_planned"), (Poller, "add"), (SqliteLedger, "take")],
    ids=str,
)
def test_a_bug_comes_out_and_nothing_hangs(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, where: Any, what: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(where, what, bug)
        with pytest.raises(RuntimeError, match="a bug"):
            runs.run(*CATS[:5])
    assert runs.held() == []
    runs.run(*CATS[:5])
    assert (sorted(runs.sent()), len(runs.pictures())) == (CATS[:5], 5)


def test_a_bug_does_not_cut_off_what_others_are_sending(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(99))

    def broken(*arguments: Any, **more: Any) -> Any:
        return bug() if next(calls) == 3 else send_planned(*arguments, **more)

    runs.box.answer_next("createTask", delay=0.2, times=3)
    monkeypatch.setattr(running, "send_planned", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        runs.run(*CATS[:5])
    assert (runs.states()[State.UNKNOWN], runs.states()[State.COLLECTED]) == (0, len(runs.sent()))


@pytest.mark.parametrize(("where", "what"), [(running, "send_planned"), (Poller, "add")], ids=str)
def test_a_bug_keeps_no_place_of_others(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, where: Any, what: str
) -> None:
    admissions: list[Admission] = []
    let_out = Admission.let_out

    def seen(self: Admission, job: Job, *, charged: bool) -> None:
        let_out(self, job, charged=charged)
        admissions.append(self)

    monkeypatch.setattr(Admission, "let_out", seen)
    monkeypatch.setattr(where, what, bug)
    with pytest.raises(RuntimeError, match="a bug"):
        runs.run("a", concurrency=1)
    assert [each._running for each in admissions] == [{}]


def test_tasks_that_never_end_do_not_keep_the_others(runs: Runs) -> None:
    runs.box.end_next(latency=math.inf, times=3)
    came = runs.run(*CATS[:6], concurrency=3, deadline=0.3)
    assert sum(each.error is None for each in came) == 3
