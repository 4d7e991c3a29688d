"""What the ledger holds after each answer to createTask, and after each interruption."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_registry import AsyncKie, Event, Job, Kie, KieError, LedgerError, SubmitOutcomeUnknown, TaskTimeout
from kie_registry.ledger import SqliteLedger, State
from kie_registry.ledger.connections import Connection
from kie_registry.sandbox import Sandbox
from kie_registry.testing.serving import client_options

MODEL = "nano-banana-pro"
Open = Callable[..., Kie]


@pytest.fixture
def ledger(tmp_path: Path) -> SqliteLedger:
    return SqliteLedger(tmp_path / "ledger.sqlite3")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.flows.create._LIMIT_PAUSES", (0.01,))
    monkeypatch.setattr("kie_registry.flows.create._CONNECT_PAUSES", (0.01, 0.01))


def the_job(ledger: SqliteLedger) -> Job:
    (job,) = ledger.jobs()
    return job


def creates(box: Sandbox) -> int:
    return sum("createTask" in request.path for request in box.requests)


def code(number: int) -> dict[str, Any]:
    return {"code": number, "message": f"words of {number}"}


REFUSED = (400, 401, 402, 404, 405, 409, 413, 422, 433, 451, 455, 505)
UNKNOWN: dict[str, tuple[dict[str, Any], int, str]] = {
    "408": (code(408), 0, "words of 408"),
    "500": (code(500), 0, "words of 500"),
    "501": (code(501), 0, "code 501"),
    "a code that nobody knows": (code(777), 0, "code 777"),
    "502 in HTML": ({"status": 502, "body": "<html>"}, 0, "HTTP 502"),
    "500 after acceptance": ({"code": 500, "accepted": True}, 1, "code 500"),
    "200 without a task id": ({"code": 200, "data": {}}, 0, "no task id"),
    "no envelope": ({"body": "hello"}, 0, "hello"),
    "cut before it was read": ({"cut": "before"}, 0, "no answer from"),
    "cut after acceptance": ({"cut": "after"}, 1, "no answer from"),
    "cut midway in the answer": ({"cut": "midway"}, 1, ""),
    "429 that names a task": ({"code": 429, "data": {"taskId": "t9"}}, 0, "it names task t9"),
}


@pytest.mark.parametrize("status", ["in HTTP 200", "as HTTP status"])
@pytest.mark.parametrize("number", REFUSED)
def test_what_is_refused_is_written_down_so(
    box: Sandbox, open_kie: Open, ledger: SqliteLedger, number: int, status: str
) -> None:
    box.answer_next("createTask", **code(number), status=number if status == "as HTTP status" else 200)
    with pytest.raises(KieError) as caught:
        open_kie(ledger=ledger).submit(MODEL, "a cat")
    job = the_job(ledger)
    assert (job.state, job.attempt, job.owner) == (State.REFUSED, 1, None)
    assert f"words of {number}" in job.reason
    assert (caught.value.job_id, caught.value.charged) == (job.id, "no")
    assert (len(box.tasks), creates(box)) == (0, 1)


@pytest.mark.parametrize(("answer", "tasks", "reason"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_is_not_known_is_written_down_so(
    box: Sandbox, open_kie: Open, ledger: SqliteLedger, answer: dict[str, Any], tasks: int, reason: str
) -> None:
    box.answer_next("createTask", **answer)
    with pytest.raises(SubmitOutcomeUnknown) as caught:
        open_kie(ledger=ledger).submit(MODEL, "a cat")
    job = the_job(ledger)
    assert (job.state, job.attempt, job.owner, job.task_id) == (State.UNKNOWN, 1, None, None)
    assert reason in job.reason
    assert (caught.value.job_id, caught.value.charged) == (job.id, "maybe")
    assert f"kie task settle {job.id}" in str(caught.value)
    assert (len(box.tasks), creates(box)) == (tasks, 1)


def test_a_timeout_is_not_known(box: Sandbox, open_kie: Open, ledger: SqliteLedger) -> None:
    box.answer_next("createTask", delay=5)
    with pytest.raises(SubmitOutcomeUnknown):
        open_kie(ledger=ledger, http_timeout=1).submit(MODEL, "a cat")
    assert (the_job(ledger).state, len(box.tasks), creates(box)) == (State.UNKNOWN, 1, 1)


@pytest.mark.parametrize("status", [200, 429])
def test_429_is_planned_again_and_counted(box: Sandbox, open_kie: Open, ledger: SqliteLedger, status: int) -> None:
    seen: list[tuple[str, State, int]] = []

    def look(event: Event) -> None:
        job = ledger.jobs()[0] if ledger.jobs() else None
        if job is not None:
            seen.append((event.kind, job.state, job.attempt))

    box.answer_next("createTask", code=429, status=status, times=2)
    open_kie(ledger=ledger).submit(MODEL, "a cat", on_event=look)
    assert seen == [
        ("submitting", State.SENDING, 1),
        ("limited", State.SENDING, 1),
        ("submitting", State.SENDING, 2),
        ("limited", State.SENDING, 2),
        ("submitting", State.SENDING, 3),
        ("submitted", State.RUNNING, 3),
    ]
    assert (len(box.tasks), creates(box)) == (1, 3)


@pytest.fixture
def stopped_in_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kie_registry.effects.time.sleep", stop)


def test_between_two_attempts_a_job_is_planned(
    box: Sandbox, open_kie: Open, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Job] = []
    monkeypatch.setattr("kie_registry.effects.time.sleep", lambda seconds: seen.extend(ledger.jobs()))
    box.answer_next("createTask", code=429)
    open_kie(ledger=ledger).submit(MODEL, "a cat")
    (job,) = seen
    assert (job.state, job.attempt, job.reason[:16]) == (State.PLANNED, 1, "kie.ai says 429;")


def test_429_until_the_deadline_is_refused(box: Sandbox, open_kie: Open, ledger: SqliteLedger) -> None:
    box.answer_next("createTask", code=429, times=999)
    with pytest.raises(KieError) as caught:
        open_kie(ledger=ledger, deadline=0.1).submit(MODEL, "a cat")
    job = the_job(ledger)
    assert (job.state, job.owner, len(box.tasks)) == (State.REFUSED, None, 0)
    assert (caught.value.job_id, caught.value.charged, creates(box)) == (job.id, "no", job.attempt)


def test_no_connection_is_tried_again_and_then_refused(
    open_kie: Open, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    # Where nobody listens on this very machine, nobody is waited for.
    kie = open_kie(ledger=ledger, transport=httpx.MockTransport(refuse), base_url="https://api.kie.example")
    with pytest.raises(KieError) as caught:
        kie.submit(MODEL, "a cat")
    job = the_job(ledger)
    assert (job.state, job.attempt, job.owner) == (State.REFUSED, 3, None)
    assert (caught.value.job_id, caught.value.charged) == (job.id, "no")


def test_what_is_wrong_is_not_written_down(open_kie: Open, ledger: SqliteLedger) -> None:
    with pytest.raises(KieError):
        open_kie(ledger=ledger).submit(MODEL, "a cat", resolution="9K")
    assert ledger.jobs() == []


def test_the_deadline_before_anything_was_sent_leaves_no_row(
    box: Sandbox, open_kie: Open, ledger: SqliteLedger, photo: Path
) -> None:
    box.answer_next("upload", delay=0.4)
    with pytest.raises(TaskTimeout):
        open_kie(ledger=ledger, deadline=0.2).generate("nano-banana-edit", "night", images=photo)
    assert (ledger.jobs(), creates(box)) == ([], 0)


def test_a_job_is_written_down_before_it_is_sent(box: Sandbox, open_kie: Open, ledger: SqliteLedger) -> None:
    found: list[State] = []

    def look(request: httpx.Request) -> httpx.Response:
        found.extend(job.state for job in ledger.jobs())
        return httpx.Response(200, json={"code": 200, "data": {"taskId": "t1"}})

    open_kie(ledger=ledger, transport=httpx.MockTransport(look)).submit(MODEL, "a cat", aspect_ratio="16:9")
    job = the_job(ledger)
    assert (found, job.task_id) == ([State.SENDING], "t1")
    assert (job.model, job.input) == (MODEL, {"prompt": "a cat", "aspect_ratio": "16:9"})


def test_a_result_is_written_down_until_it_is_saved(open_kie: Open, ledger: SqliteLedger, tmp_path: Path) -> None:
    result = open_kie(ledger=ledger).generate(MODEL, "a cat")
    succeeded = the_job(ledger)
    assert (succeeded.state, succeeded.owner, succeeded.credits) == (State.SUCCEEDED, None, 4.0)
    paths = result.save(tmp_path)
    collected = the_job(ledger)
    assert (collected.state, collected.files) == (State.COLLECTED, tuple(map(str, paths)))


def test_a_failure_is_written_down_with_its_reason(box: Sandbox, open_kie: Open, ledger: SqliteLedger) -> None:
    box.end_next(fail_code="501", fail_message="the model is tired")
    with pytest.raises(KieError):
        open_kie(ledger=ledger).generate(MODEL, "a cat")
    job = the_job(ledger)
    assert (job.state, job.reason, job.owner) == (State.FAILED, "the model is tired", None)


def test_words_of_the_server_with_half_a_character_are_written_down(
    box: Sandbox, open_kie: Open, ledger: SqliteLedger
) -> None:
    kie = open_kie(ledger=ledger)
    task = kie.submit(MODEL, "a cat")
    record = {"taskId": task.id, "state": "fail", "failMsg": "half \ud83d of it"}
    box.answer_next("recordInfo", code=200, data=record)
    with pytest.raises(KieError):
        task.wait()
    assert (the_job(ledger).state, the_job(ledger).reason[:5]) == (State.FAILED, "half ")


def test_a_wait_that_ends_early_leaves_the_task_to_whoever_collects(
    box: Sandbox, open_kie: Open, ledger: SqliteLedger
) -> None:
    box.end_next(latency=60)
    with pytest.raises(TaskTimeout):
        open_kie(ledger=ledger).generate(MODEL, "a cat", deadline=0.3)
    job = the_job(ledger)
    assert (job.state, job.owner, job.task_id) == (State.RUNNING, None, box.tasks[0].id)


@contextlib.contextmanager
def held(ledger: SqliteLedger) -> Iterator[None]:
    """Hold the ledger, as another program would that writes."""
    connection = sqlite3.connect(ledger.path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


TROUBLES = {"locked": "database is locked", "full": "database or disk is full"}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_ledger_that_fails_after_the_task_was_created(
    box: Sandbox, open_kie: Open, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr("kie_registry.ledger.database._WAIT_FOR_OTHERS", 0.05)
    with contextlib.ExitStack() as stack:

        def spoil(event: Event) -> None:
            if event.kind == "submitting":
                if trouble == "locked":
                    stack.enter_context(held(ledger))
                else:
                    stack.enter_context(full(ledger, monkeypatch))

        with pytest.raises(LedgerError) as caught:
            open_kie(ledger=ledger).generate(MODEL, "a cat", on_event=spoil)
    error, job, (task,) = caught.value, the_job(ledger), box.tasks
    assert TROUBLES[trouble] in str(error)
    assert f"kie task settle {job.id} --task-id {task.id}" in str(error)
    assert (error.task_id, error.job_id, error.charged) == (task.id, job.id, "yes")
    assert (job.state, creates(box)) == (State.SENDING, 1)


@contextlib.contextmanager
def full(ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the ledger's file find no room for another word."""

    def no_room(connection: Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        write = ledger._database.write
        patch.setattr(ledger._database, "write", lambda operation: write(no_room))
        yield


def interrupting(kind: str) -> Callable[[Event], None]:
    def interrupt(event: Event) -> None:
        if event.kind == kind:
            raise KeyboardInterrupt

    return interrupt


INTERRUPTED = {
    "submitting": State.REFUSED,
    "limited": State.REFUSED,
    "submitted": State.RUNNING,
    "status": State.RUNNING,
}


@pytest.mark.parametrize(("step", "state"), INTERRUPTED.items())
def test_an_interruption_at_each_step(
    box: Sandbox, open_kie: Open, ledger: SqliteLedger, step: str, state: State
) -> None:
    if step == "limited":
        box.answer_next("createTask", code=429)
    with pytest.raises(KeyboardInterrupt) as caught:
        open_kie(ledger=ledger).generate(MODEL, "a cat", on_event=interrupting(step))
    job = the_job(ledger)
    assert (job.state, job.owner) == (state, None)
    paid = any(
        "billed" in note or "goes on" in note or "paid" in note for note in getattr(caught.value, "__notes__", [])
    )
    assert (paid, len(box.tasks)) == ((True, 1) if state == State.RUNNING else (False, 0))


def test_an_interruption_in_a_pause_before_another_attempt(
    box: Sandbox, open_kie: Open, ledger: SqliteLedger, stopped_in_the_pause: None
) -> None:
    box.answer_next("createTask", code=429)
    with pytest.raises(KeyboardInterrupt) as caught:
        open_kie(ledger=ledger).submit(MODEL, "a cat")
    assert (the_job(ledger).state, the_job(ledger).owner) == (State.REFUSED, None)
    assert getattr(caught.value, "__notes__", []) == []


def test_an_interruption_while_sending(open_kie: Open, ledger: SqliteLedger) -> None:
    def interrupt(request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_kie(ledger=ledger, transport=httpx.MockTransport(interrupt)).submit(MODEL, "a cat")
    assert (the_job(ledger).state, the_job(ledger).owner) == (State.UNKNOWN, None)


class Interrupted(SqliteLedger):
    """A ledger whose next write of a kind is interrupted, before it is done or after it."""

    def __init__(self, path: Path, state: State, moment: str) -> None:
        super().__init__(path)
        self.state: State | None = state
        self.moment = moment

    def interrupt(self, write: Callable[[], None], state: State) -> None:
        due = self.state == state
        if due:
            self.state = None
        if due and self.moment == "before":
            raise KeyboardInterrupt
        write()
        if due:
            raise KeyboardInterrupt

    def add(self, job: Job) -> None:
        self.interrupt(lambda: super(Interrupted, self).add(job), job.state)

    def move(self, job_id: str, to: State, **changes: Any) -> None:
        self.interrupt(lambda: super(Interrupted, self).move(job_id, to, **changes), to)


WRITES: list[tuple[State, str, State | None]] = [
    (State.SENDING, "before", None),
    (State.SENDING, "after", State.REFUSED),
    (State.RUNNING, "before", State.RUNNING),
    (State.RUNNING, "after", State.RUNNING),
    (State.SUCCEEDED, "before", State.SUCCEEDED),
    (State.SUCCEEDED, "after", State.SUCCEEDED),
]


@pytest.mark.parametrize(("during", "moment", "left"), WRITES)
def test_an_interruption_while_it_is_written_down(
    box: Sandbox, open_kie: Open, tmp_path: Path, during: State, moment: str, left: State | None
) -> None:
    ledger = Interrupted(tmp_path / "ledger.sqlite3", during, moment)
    with pytest.raises(KeyboardInterrupt):
        open_kie(ledger=ledger).generate(MODEL, "a cat")
    assert [(job.state, job.owner) for job in ledger.jobs()] == ([] if left is None else [(left, None)])
    assert len(box.tasks) == (0 if during == State.SENDING else 1)


AT = ["submitting", "limited", "submitted", "status"]


@pytest.mark.parametrize("step", AT)
def test_a_cancellation_at_each_step(box: Sandbox, ledger: SqliteLedger, step: str) -> None:
    if step == "limited":
        box.answer_next("createTask", code=429)
    box.end_next(latency=60)

    async def main() -> None:
        async with AsyncKie(box.key, ledger=ledger, **client_options(box)) as kie:
            task: asyncio.Task[Any]

            def cancel(event: Event) -> None:
                if event.kind == step:
                    task.cancel()

            task = asyncio.create_task(kie.generate(MODEL, "a cat", on_event=cancel))
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    job = the_job(ledger)
    expected = {"submitting": State.UNKNOWN, "limited": State.REFUSED}.get(step, State.RUNNING)
    assert (job.state, job.owner) == (expected, None)


@pytest.mark.parametrize(("during", "left"), [("add", State.REFUSED), ("move", State.RUNNING)])
def test_a_cancellation_while_it_is_written_down(box: Sandbox, tmp_path: Path, during: str, left: State) -> None:
    cancel: list[Callable[[], object]] = []

    class Cancelling(SqliteLedger):
        def add(self, job: Job) -> None:
            super().add(job)
            if during == "add":
                cancel[0]()

        def move(self, job_id: str, to: State, **changes: Any) -> None:
            super().move(job_id, to, **changes)
            if during == "move" and to == State.RUNNING:
                cancel[0]()

    ledger = Cancelling(tmp_path / "ledger.sqlite3")

    async def main() -> None:
        async with AsyncKie(box.key, ledger=ledger, **client_options(box)) as kie:
            task = asyncio.create_task(kie.generate(MODEL, "a cat"))
            loop, cancelled = asyncio.get_running_loop(), asyncio.Event()

            def cancel_and_wait() -> None:
                asyncio.run_coroutine_threadsafe(_cancel(task), loop).result()
                loop.call_soon_threadsafe(cancelled.set)

            cancel.append(cancel_and_wait)
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert (the_job(ledger).state, the_job(ledger).owner) == (left, None)


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()


def test_neither_the_ledger_nor_what_lies_beside_it_holds_the_key(
    box: Sandbox, open_kie: Open, ledger: SqliteLedger, tmp_path: Path
) -> None:
    box.answer_next("createTask", code=401, message=f"bad key {box.key}")
    box.answer_next("createTask", code=500, message=f"oops: Bearer {box.key}")
    kie = open_kie(ledger=ledger, creates=(50, 10))
    for _ in range(2):
        with pytest.raises(KieError):
            kie.submit(MODEL, "a cat")
    kie.generate(MODEL, "a cat")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3.limits"} <= {path.name for path in files}
    assert [path.name for path in files if box.key.encode() in path.read_bytes()] == []
