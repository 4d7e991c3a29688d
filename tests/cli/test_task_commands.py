"""`kie task list`, `show` and `settle`: what was submitted, and what came of it when nobody knew."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kie_registry import Call, Job, Kie, KieError, PluginError
from kie_registry.cli.run import run as run_here
from kie_registry.ledger import SqliteLedger, State
from kie_registry.registry import default_registry
from kie_registry.sandbox import Sandbox
from kie_registry.settings import home

MODEL = "nano-banana-pro"


class Kied:
    """`kie` in this process: its exit status, and what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> int:
        self.status = run_here(arguments)
        self.out, self.err = self._capsys.readouterr()
        return self.status

    def json(self, *arguments: str) -> Any:
        assert self(*arguments, "--json") == 0
        return json.loads(self.out)


@pytest.fixture
def kie_here(environment: None, capsys: pytest.CaptureFixture[str]) -> Kied:
    return Kied(capsys)


@pytest.fixture
def ledger() -> SqliteLedger:
    return SqliteLedger(home() / "ledger.sqlite3")


@pytest.fixture
def client(open_kie: Callable[..., Kie]) -> Kie:
    """A client of the same ledger."""
    return open_kie(ledger=True)


@pytest.fixture
def lose(box: Sandbox, client: Kie, ledger: SqliteLedger) -> Callable[..., Job]:
    """Submit a job whose outcome is not known; by default the task was created."""

    def lose_answer(**answer: Any) -> Job:
        box.answer_next("createTask", **(answer or {"cut": "after"}))
        with pytest.raises(KieError):
            client.submit(MODEL, "a cat")
        return ledger.jobs(limit=1)[0]

    return lose_answer


Lose = Callable[..., Job]


def now(ledger: SqliteLedger, job: Job) -> tuple[State, str | None, str | None]:
    found = ledger.get(job.id)
    assert found is not None
    return found.state, found.task_id, found.owner


def creates(box: Sandbox) -> int:
    return sum("createTask" in request.path for request in box.requests)


# list and show


def test_list_is_a_table_with_the_latest_first(client: Kie, kie_here: Kied) -> None:
    first, second = client.submit(MODEL, "a cat"), client.submit(MODEL, "a\ndog")
    assert kie_here("task", "list") == 0
    lines = kie_here.out.splitlines()
    assert lines[0].split() == ["job", "state", "created", "model", "task", "credits", "prompt", "reason"]
    assert [re.findall(r"task_\w+", line) for line in lines[1:]] == [[second.id], [first.id]]
    assert [line.rstrip()[-5:] for line in lines[1:]] == ["a dog", "a cat"]


def test_list_of_nothing(kie_here: Kied) -> None:
    assert kie_here.json("task", "list") == []


WHICH: list[tuple[list[str], list[str]]] = [
    ([], ["running", "unknown", "failed", "refused", "collected"]),
    (["--pending"], ["running", "unknown"]),
    (["--unknown"], ["unknown"]),
    (["--limit", "2"], ["running", "unknown"]),
    (["--limit", "1", "--pending"], ["running"]),
]


@pytest.mark.parametrize(("options", "states"), WHICH)
def test_list_by_state(
    box: Sandbox, client: Kie, lose: Lose, kie_here: Kied, tmp_path: Path, options: list[str], states: list[str]
) -> None:
    client.generate(MODEL, "a cat").save(tmp_path)
    box.answer_next("createTask", code=402)
    with pytest.raises(KieError):
        client.submit(MODEL, "a cat")
    box.end_next(fail_code="501")
    with pytest.raises(KieError):
        client.generate(MODEL, "a cat")
    lose()
    client.submit(MODEL, "a cat")
    states = ["running", "unknown", "failed", "refused", "collected"] if not options else states
    assert [each["state"] for each in kie_here.json("task", "list", *options)] == states


def test_list_says_how_to_settle_what_is_not_known(lose: Lose, kie_here: Kied) -> None:
    lose()
    kie_here("task", "list")
    assert "kie task settle JOB --task-id" in kie_here.err


def test_list_has_no_job_of_another_account(client: Kie, kie_here: Kied, monkeypatch: pytest.MonkeyPatch) -> None:
    client.submit(MODEL, "a cat")
    monkeypatch.setenv("KIE_API_KEY", "another-key")
    assert kie_here.json("task", "list") == []


def test_an_error_as_json_names_the_job_to_be_shown(box: Sandbox, kie_here: Kied) -> None:
    box.answer_next("createTask", cut="after")
    assert kie_here("generate", MODEL, "a cat", "--json") == 3
    error = json.loads(kie_here.out)["error"]
    assert (error["type"], error["charged"]) == ("SubmitOutcomeUnknown", "maybe")
    assert kie_here.json("task", "show", error["job_id"])["state"] == "unknown"


def test_list_as_json_tells_neither_account_nor_key(box: Sandbox, client: Kie, kie_here: Kied) -> None:
    task = client.submit(MODEL, "a cat")
    (job,) = kie_here.json("task", "list")
    assert (job["task_id"], job["input"], job["attempt"]) == (task.id, {"prompt": "a cat"}, 1)
    assert {"account", "owner"}.isdisjoint(job)
    assert box.key not in kie_here.out


def test_show_of_a_job_that_has_no_task(lose: Lose, kie_here: Kied) -> None:
    job = lose()
    assert kie_here("task", "show", job.id[:8]) == 0
    assert {"id:", "state:", "reason:"} <= set(re.findall(r"^\w+:", kie_here.out, re.MULTILINE))
    assert kie_here.json("task", "show", job.id)["state"] == "unknown"


def test_show_of_a_job_that_has_one(client: Kie, ledger: SqliteLedger, kie_here: Kied) -> None:
    task = client.submit(MODEL, "a cat")
    assert kie_here.json("task", "show", ledger.jobs()[0].id)["task_id"] == task.id


# settle --task-id


def test_settle_with_the_right_task(box: Sandbox, lose: Lose, ledger: SqliteLedger, kie_here: Kied) -> None:
    job = lose()
    task_id = box.tasks[0].id
    settled = kie_here.json("task", "settle", job.id, "--task-id", task_id)
    assert (settled["state"], settled["task_id"]) == ("running", task_id)
    assert now(ledger, job) == (State.RUNNING, task_id, None)
    assert creates(box) == 1


def test_what_is_settled_can_be_collected(
    box: Sandbox, lose: Lose, ledger: SqliteLedger, kie_here: Kied, tmp_path: Path
) -> None:
    job = lose()
    assert kie_here("task", "settle", job.id, "--task-id", box.tasks[0].id) == 0
    assert "kie collect" in kie_here.err
    assert kie_here("collect", "--out", str(tmp_path)) == 0
    assert now(ledger, job)[0] == State.COLLECTED


def test_settle_with_a_task_of_another_model(
    box: Sandbox, client: Kie, lose: Lose, ledger: SqliteLedger, kie_here: Kied
) -> None:
    job = lose()
    box.answer_next("recordInfo", code=200, data={"taskId": "t", "model": "maker/other", "state": "waiting"})
    assert kie_here("task", "settle", job.id, "--task-id", "t") == 2
    assert f"t is a task of maker/other, and job {job.id} is one of {MODEL}" in kie_here.err
    assert now(ledger, job) == (State.UNKNOWN, None, None)


def test_settle_with_a_task_that_kie_ai_does_not_know(lose: Lose, ledger: SqliteLedger, kie_here: Kied) -> None:
    job = lose()
    assert kie_here("task", "settle", job.id, "--task-id", "task_mistyped") == 1
    assert "kie.ai does not know task task_mistyped" in kie_here.err
    assert now(ledger, job)[0] == State.UNKNOWN


def test_settle_with_the_task_of_another_job(
    client: Kie, lose: Lose, ledger: SqliteLedger, kie_here: Kied
) -> None:
    other = client.submit(MODEL, "a dog")
    job = lose()
    assert kie_here("task", "settle", job.id, "--task-id", other.id) == 1
    assert f"task {other.id} belongs to another job" in kie_here.err
    assert now(ledger, job)[0] == State.UNKNOWN


@pytest.mark.parametrize("options", [["--task-id", "TASK"], ["--not-created"], ["--retry"]])
def test_a_job_that_has_a_task_is_settled(
    box: Sandbox, client: Kie, ledger: SqliteLedger, kie_here: Kied, options: list[str]
) -> None:
    client.submit(MODEL, "a cat")
    spare = client.submit(MODEL, "a dog")
    job = ledger.jobs()[1]
    before = now(ledger, job)
    assert kie_here("task", "settle", job.id, *[spare.id if each == "TASK" else each for each in options]) == 1
    assert f"Job {job.id}" in kie_here.err
    assert (now(ledger, job), creates(box)) == (before, 2)


# settle --not-created, --retry


def test_settle_as_not_created(box: Sandbox, lose: Lose, ledger: SqliteLedger, kie_here: Kied) -> None:
    job = lose(cut="before")
    assert kie_here.json("task", "settle", job.id, "--not-created")["state"] == "refused"
    assert (now(ledger, job), creates(box)) == ((State.REFUSED, None, None), 1)


def test_settle_by_sending_it_once_more(box: Sandbox, lose: Lose, ledger: SqliteLedger, kie_here: Kied) -> None:
    job = lose(cut="before")
    settled = kie_here.json("task", "settle", job.id, "--retry")
    (task,) = box.tasks
    assert (settled["state"], settled["task_id"], settled["attempt"]) == ("running", task.id, 2)
    assert (now(ledger, job), creates(box)) == ((State.RUNNING, task.id, None), 2)
    assert task.input == {"prompt": "a cat"}


def test_sending_once_more_waits_for_429(
    box: Sandbox, lose: Lose, ledger: SqliteLedger, kie_here: Kied, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.flows.create._LIMIT_PAUSES", (0.01,))
    job = lose(cut="before")
    box.answer_next("createTask", code=429, times=2)
    assert kie_here.json("task", "settle", job.id, "--retry")["attempt"] == 4
    assert (len(box.tasks), kie_here.err.count("429")) == (1, 2)


AGAIN: dict[str, tuple[dict[str, Any], int, State]] = {
    "refused, which leaves the earlier attempt": ({"code": 402}, 1, State.UNKNOWN),
    "not known again": ({"code": 500}, 3, State.UNKNOWN),
}


@pytest.mark.parametrize(("answer", "status", "state"), AGAIN.values(), ids=AGAIN.keys())
def test_what_is_sent_once_more_may_be(
    box: Sandbox,
    lose: Lose,
    ledger: SqliteLedger,
    kie_here: Kied,
    answer: dict[str, Any],
    status: int,
    state: State,
) -> None:
    job = lose(cut="before")
    box.answer_next("createTask", **answer)
    assert kie_here("task", "settle", job.id, "--retry") == status
    assert (now(ledger, job), creates(box)) == ((state, None, None), 2)


def test_a_plugin_may_veto_what_is_sent_once_more(
    box: Sandbox, lose: Lose, ledger: SqliteLedger, kie_here: Kied, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = lose(cut="before")

    def veto(call: Call) -> None:
        raise PluginError("miser", "no more money")

    monkeypatch.setattr(default_registry().hooks, "before_submit", veto)
    assert kie_here("task", "settle", job.id, "--retry") == 1
    assert "no more money" in kie_here.err
    assert (now(ledger, job), creates(box)) == ((State.UNKNOWN, None, None), 1)


# what is settled, and how


@pytest.mark.parametrize("options", [["--not-created"], ["--retry"]])
def test_what_is_known_is_not_settled(
    box: Sandbox, client: Kie, ledger: SqliteLedger, kie_here: Kied, options: list[str]
) -> None:
    box.answer_next("createTask", code=402)
    with pytest.raises(KieError):
        client.submit(MODEL, "a cat")
    job = ledger.jobs()[0]
    assert kie_here("task", "settle", job.id, *options) == 1
    assert f"Job {job.id} is refused: what came of it is known" in kie_here.err
    assert creates(box) == 1


def test_a_job_that_was_given_up_may_have_a_task_after_all(
    box: Sandbox, lose: Lose, ledger: SqliteLedger, kie_here: Kied
) -> None:
    job = lose()
    assert kie_here("task", "settle", job.id, "--not-created") == 0
    assert kie_here("task", "settle", job.id, "--task-id", box.tasks[0].id) == 0
    assert now(ledger, job)[0] == State.RUNNING


@pytest.mark.parametrize("options", [[], ["--not-created", "--retry"], ["--task-id", "t", "--retry"]])
def test_settle_takes_one_way(lose: Lose, kie_here: Kied, options: list[str]) -> None:
    assert kie_here("task", "settle", lose().id, *options) == 2
    assert "give one of --task-id ID, --not-created and --retry" in kie_here.err


def test_settle_by_the_beginning_of_the_id(lose: Lose, ledger: SqliteLedger, kie_here: Kied) -> None:
    job = lose()
    assert kie_here("task", "settle", job.id[:6], "--not-created") == 0
    assert now(ledger, job)[0] == State.REFUSED


@pytest.mark.parametrize("name", ["", "f" * 31, "task_9", "no such job"])
def test_settle_what_is_no_job(client: Kie, ledger: SqliteLedger, kie_here: Kied, name: str) -> None:
    for end in "01":
        ledger.add(Job(id="f" * 31 + end, account=client.account, model=MODEL, input={}))
    assert kie_here("task", "settle", name, "--not-created") == 2
    assert f"no job {name!r} of this account, or several that begin like that" in kie_here.err


def test_an_error_of_settling_is_one_json_document(lose: Lose, kie_here: Kied) -> None:
    job = lose()
    assert kie_here("task", "settle", job.id, "--task-id", "task_mistyped", "--json") == 1
    assert json.loads(kie_here.out)["error"]["type"] == "NotFound"


def test_wait_saves_where_the_job_was_to_be_saved(box: Sandbox, kie_here: Kied, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    task_id = kie_here.json("generate", MODEL, "a cat", "--no-wait", "--out", str(place), "--name", "fancy")[
        "task_id"
    ]
    assert kie_here("task", "wait", task_id) == 0
    assert [path.stem for path in place.iterdir()] == ["fancy"]
