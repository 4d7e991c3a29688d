"""What came of jobs in earlier runs, by what the ledger remembers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kie_registry import AsyncResult, KieError, ResultUnreadable, SubmitOutcomeUnknown, TaskFailed
from kie_registry.batches.running.remembered import remembered
from kie_registry.http import AsyncHttp
from kie_registry.ledger import Job, State

URL = "https://files/1.png"
RESULT = json.dumps({"resultUrls": [URL]})


def job(state: State, reason: str = "", result: str | None = None) -> Job:
    return Job(
        account="me",
        model="m",
        input={},
        state=state,
        reason=reason,
        task_id="task_1",
        result=result,
        credits=4.0,
        seconds=9.0,
        files=("/out/1.png",) if result else (),
        key="id:7",
        name="mia",
    )


def test_what_was_collected() -> None:
    outcome = remembered(job(State.COLLECTED, result=RESULT), AsyncResult, AsyncHttp.detached())
    assert (outcome.error, outcome.urls, outcome.paths) == (None, (URL,), [Path("/out/1.png")])
    assert (outcome.id, outcome.name, outcome.model, outcome.credits, outcome.seconds) == (
        "7",
        "mia",
        "m",
        4.0,
        9.0,
    )


@pytest.mark.parametrize(
    ("state", "reason", "kind", "words", "charged"),
    [
        (State.FAILED, "the model is tired", TaskFailed, "the model is tired", "yes"),
        (State.UNKNOWN, "the answer broke off", SubmitOutcomeUnknown, "kie task settle", "maybe"),
        (State.LOST, "gone", KieError, "kie.ai keeps them no more", "yes"),
    ],
)
def test_what_has_no_files(state: State, reason: str, kind: type[KieError], words: str, charged: str) -> None:
    outcome = remembered(job(state, reason), AsyncResult, AsyncHttp.detached())
    assert type(outcome.error) is kind
    assert outcome.error.charged == charged
    assert words in str(outcome.error)
    assert reason in str(outcome.error)
    assert (outcome.result, outcome.urls) == (None, ())


def test_a_result_that_nobody_can_read() -> None:
    outcome = remembered(job(State.COLLECTED, result="{"), AsyncResult, AsyncHttp.detached())
    assert type(outcome.error) is ResultUnreadable
