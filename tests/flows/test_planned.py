"""Sending a planned job: its files are looked into again and uploaded, and its row stays as it was planned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

from kie_registry import (
    IllegalMove,
    InvalidRequest,
    Kie,
    KieError,
    PluginError,
    Registry,
    TransportError,
    hookimpl,
)
from kie_registry.call import Call
from kie_registry.effects import Run, drive
from kie_registry.flows.journal import Journal
from kie_registry.flows.planned import send_planned
from kie_registry.ledger import Job, SqliteLedger, State
from kie_registry.media import LocalFile, UnusableMedia, inspect
from kie_registry.sandbox import Sandbox
from tests.batches.manifests import EDIT, PRO, plan_of


@frozen
class Desk:
    """A client with a ledger, and planned jobs that it sends."""

    kie: Kie
    box: Sandbox
    ledger: SqliteLedger

    def plan(self, *images: Any, model: str = EDIT) -> Job:
        """Plan a job with these images, and take it."""
        with plan_of({"model": model, "prompt": "a cat", "images": list(images) or None}) as plan:
            (portion,) = plan.portions("batch", account="", directory=None)
        return self.planned(portion[0])

    def planned(self, job: Job) -> Job:
        self.ledger.plan([job])
        (taken,) = self.ledger.take("batch", 1)
        return taken

    def flow(self, job: Job, **options: Any) -> Generator[Any, Any, Journal]:
        calls = self.kie._calls
        contract = calls.registry.get(job.model or "").contract
        deadline_at = calls.session.deadline_at(None)
        given: dict[str, Any] = {"deadline_at": deadline_at, "listener": None, **options}
        return send_planned(calls.session, self.ledger, job, contract, calls.registry.hooks, **given)

    def send(self, job: Job, **options: Any) -> Journal:
        return drive(self.flow(job, **options), self.kie._http)

    def now(self, job: Job) -> Job:
        found = self.ledger.get(job.id)
        assert found is not None
        return found

    @property
    def uploads(self) -> int:
        return sum("upload" in request.path for request in self.box.requests)


@pytest.fixture
def desk(box: Sandbox, open_kie: Callable[..., Kie], tmp_path: Path) -> Desk:
    ledger = SqliteLedger(tmp_path / "jobs.sqlite3")
    return Desk(open_kie(ledger=ledger), box, ledger)


def test_a_planned_job_is_sent_for_the_account_that_sends_it(desk: Desk) -> None:
    job = desk.plan(model=PRO)
    journal = desk.send(job)
    now = desk.now(job)
    assert (now.state, now.task_id, now.account) == (
        State.RUNNING,
        desk.box.tasks[0].id,
        desk.kie._calls.session.account,
    )
    assert (journal.job.task_id, now.owner) == (now.task_id, desk.ledger.owner)


def test_its_files_are_uploaded_and_its_row_keeps_their_places(desk: Desk, photo: Path) -> None:
    web = "https://example.com/b.png"
    job = desk.plan(photo, web, photo)
    desk.send(job)
    first, second, third = desk.box.tasks[0].input["image_urls"]
    assert (first.startswith(desk.box.url), second, third) == (True, web, first)
    assert (desk.now(job).input, desk.uploads) == (job.input, 1)


def test_text_that_looks_like_the_address_of_a_file_stays_text(desk: Desk, photo: Path) -> None:
    job = desk.plan(model=PRO)
    text = photo.as_uri()
    desk.send(evolve(job, input={"prompt": text}))
    assert (desk.box.tasks[0].input["prompt"], desk.uploads) == (text, 0)


def gone(photo: Path) -> None:
    photo.unlink()


def other_content(photo: Path) -> None:
    photo.write_bytes(photo.read_bytes() + b"more")


def other_kind(photo: Path) -> None:
    photo.write_text("hello")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (gone, "does not exist"),
        (other_content, "has changed since the job was planned"),
        (other_kind, "has changed"),
    ],
)
def test_a_file_that_is_another_by_now_refuses_the_job(
    desk: Desk, photo: Path, change: Callable[[Path], None], reason: str
) -> None:
    job = desk.plan(photo)
    change(photo)
    with pytest.raises(InvalidRequest, match=f"{reason}(?s:.*)nothing was spent") as raised:
        desk.send(job)
    now = desk.now(job)
    assert (now.state, reason in now.reason, now.owner, raised.value.job_id) == (State.REFUSED, True, None, job.id)
    assert (desk.box.tasks, desk.uploads) == ([], 0)


def test_a_file_that_breaks_the_limits_of_its_parameter_refuses_the_job(desk: Desk, tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("hello")
    job = Job(account="", model=EDIT, batch="batch", key="a", input={"prompt": "a", "image_urls": [text.as_uri()]})
    with pytest.raises(InvalidRequest, match=r"image_urls: .*a\.txt is text/plain; it takes"):
        desk.send(desk.planned(job))


def test_no_file_is_uploaded_for_a_job_one_of_whose_files_is_gone(desk: Desk, photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jpg"
    other.write_bytes(photo.read_bytes() + b"other")
    job = desk.plan(photo, other)
    other.unlink()
    with pytest.raises(InvalidRequest):
        desk.send(job)
    assert desk.uploads == 0


def test_files_of_other_systems_are_fetched_by_whoever_can(desk: Desk, photo: Path) -> None:
    asked: list[str] = []

    def fetch(address: str) -> LocalFile:
        asked.append(address)
        return inspect(photo)

    job = Job(
        account="", model=EDIT, batch="batch", key="a", input={"prompt": "a", "image_urls": ["s3://b/a.jpg"]}
    )
    desk.send(desk.planned(job), open_address=fetch)
    assert (asked, desk.box.tasks[0].input["image_urls"][0].startswith(desk.box.url)) == (["s3://b/a.jpg"], True)


def nobody(address: str) -> LocalFile:
    raise UnusableMedia(f"{address} is not there")


@pytest.mark.parametrize(
    ("fetch", "reason"), [(None, "file system that cannot be read from here"), (nobody, "is not there")]
)
def test_a_file_that_nobody_can_fetch_refuses_the_job(desk: Desk, fetch: Any, reason: str) -> None:
    job = Job(
        account="", model=EDIT, batch="batch", key="a", input={"prompt": "a", "image_urls": ["s3://b/a.jpg"]}
    )
    with pytest.raises(InvalidRequest, match=reason):
        desk.send(desk.planned(job), open_address=fetch)
    assert desk.now(job).state == State.REFUSED


def test_a_file_that_cannot_be_uploaded_refuses_the_job(
    desk: Desk, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.flows.upload._PAUSES", ())
    job = desk.plan(photo)
    desk.box.answer_next("upload", status=400, code=400, message="no more files")
    with pytest.raises(KieError, match="no more files"):
        desk.send(job)
    assert (desk.now(job).state, desk.box.tasks) == (State.REFUSED, [])


def test_a_veto_refuses_the_job(box: Sandbox, open_kie: Callable[..., Kie], tmp_path: Path) -> None:
    class Veto:
        @hookimpl
        def before_submit(self, call: Call) -> None:
            raise PluginError("theirs", f"no {call.input['prompt']}")

    registry = Registry()
    registry.register(Veto())
    ledger = SqliteLedger(tmp_path / "jobs.sqlite3")
    desk = Desk(open_kie(ledger=ledger, registry=registry), box, ledger)
    job = desk.plan(model=PRO)
    with pytest.raises(PluginError):
        desk.send(job)
    assert (desk.now(job).state, desk.now(job).reason) == (State.REFUSED, "plugin theirs: no a cat")


def test_plugins_are_told_of_the_input_that_is_sent(
    box: Sandbox, open_kie: Callable[..., Kie], tmp_path: Path, photo: Path
) -> None:
    told: list[Any] = []

    class Watch:
        @hookimpl
        def before_submit(self, call: Call) -> None:
            told.append(call.input["image_urls"][0])

    registry = Registry()
    registry.register(Watch())
    ledger = SqliteLedger(tmp_path / "jobs.sqlite3")
    desk = Desk(open_kie(ledger=ledger, registry=registry), box, ledger)
    desk.send(desk.plan(photo))
    assert told == [box.tasks[0].input["image_urls"][0]]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, asyncio.CancelledError])
def test_who_is_interrupted_before_sending_lets_the_job_go(
    desk: Desk, photo: Path, interruption: type[BaseException]
) -> None:
    job = desk.plan(photo)
    flow = desk.flow(job)
    assert isinstance(next(flow), Run)
    with pytest.raises(interruption):
        drive(flow, desk.kie._http, interruption())
    assert (desk.now(job).state, desk.now(job).owner) == (State.PLANNED, None)


def test_a_job_that_somebody_else_has_sent_is_not_sent_again(desk: Desk) -> None:
    job = desk.plan(model=PRO)
    desk.send(job)
    with pytest.raises(IllegalMove, match="Nothing was sent now"):
        desk.send(job)
    assert len(desk.box.tasks) == 1


def test_a_job_that_was_refused_before_can_be_planned_and_sent_again(desk: Desk, photo: Path) -> None:
    job = desk.plan(photo)
    moved = photo.rename(photo.with_name("moved.jpg"))
    with pytest.raises(InvalidRequest):
        desk.send(job)
    moved.rename(photo)
    desk.ledger.replan("batch")
    (again,) = desk.ledger.take("batch", 1)
    assert desk.send(again).job.state == State.RUNNING


def test_a_connection_that_does_not_come_about_spends_nothing(
    box: Sandbox, open_kie: Callable[..., Kie], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.flows.create._CONNECT_PAUSES", ())
    ledger = SqliteLedger(tmp_path / "jobs.sqlite3")
    desk = Desk(open_kie(ledger=ledger, base_url="http://127.0.0.1:9"), box, ledger)
    job = desk.plan(model=PRO)
    with pytest.raises(TransportError, match="Nothing was spent"):
        desk.send(job)
    assert desk.now(job).state == State.REFUSED
