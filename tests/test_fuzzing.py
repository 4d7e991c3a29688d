"""What comes from outside, whatever it is, becomes an answer or a `KieError`: nothing else, and without delay."""

from __future__ import annotations

import datetime
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings, strategies as st

from kie_registry import Kie, KieError, LedgerError, SubmitOutcomeUnknown, TaskStatus
from kie_registry.answers import RATE_LIMITED, REFUSALS
from kie_registry.webhooks import sign, verify
from tests.json_texts import damaged, filled, texts

RECORD = (
    "taskId",
    "model",
    "state",
    "param",
    "resultJson",
    "failCode",
    "failMsg",
    "createTime",
    "completeTime",
    "progress",
    "creditsConsumed",
)
NAMES = ("code", "msg", "data", "resultUrls", "resultObject", "downloadUrl", *RECORD)

anything = texts(*NAMES)
statuses = st.sampled_from([200, 201, 204, 302, 400, 404, 429, 455, 500, 505, 599])
envelopes = filled(
    code=st.sampled_from(["200", "422", '"200"', "429", "501"]) | anything, msg=anything, data=anything
)
bodies = damaged(anything | envelopes)

fuzzed = settings(max_examples=30, deadline=None, database=None)


class Answering:
    """A client, and the one answer that it gets to whatever it sends."""

    def __init__(self, **options: Any) -> None:
        self.requests: list[httpx.Request] = []
        self.answer = httpx.Response(200)
        transport = httpx.MockTransport(self._answer)
        self.kie = Kie(
            "key", transport=transport, deadline=0.5, poll_interval=0, creates=None, reads=None, **options
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer

    def failure(self, call: Callable[[Kie], Any], body: bytes, status: int = 200) -> KieError | None:
        """Make a call that gets this answer; return what it raises, if that is a KieError."""
        self.requests.clear()
        self.answer = httpx.Response(status, content=body)
        try:
            call(self.kie)
        except KieError as error:
            return error
        return None


@pytest.fixture(scope="module")
def answering() -> Iterator[Answering]:
    """A client that does not sleep before it repeats a request."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda seconds: None)
        yield Answering()


@pytest.fixture(scope="module", params=[False, True], ids=["no-ledger", "ledger"])
def kept(
    request: pytest.FixtureRequest, answering: Answering, tmp_path_factory: pytest.TempPathFactory
) -> Answering:
    """Such a client, with and without a ledger."""
    return Answering(ledger=tmp_path_factory.mktemp("ledger") / "ledger.sqlite3") if request.param else answering


CALLS: dict[str, Callable[[Kie], Any]] = {
    "record": lambda kie: kie.task("task_1").status(),
    "balance": lambda kie: kie.credits(),
    "download-url": lambda kie: kie.download_url("https://a.b/c"),
    "upload": lambda kie: kie.upload(b"hello", name="a"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@fuzzed
@given(body=bodies, status=statuses)
def test_any_answer_is_read(call: Any, answering: Answering, body: bytes, status: int) -> None:
    answering.failure(call, body, status)


def charged(error: KieError) -> str:
    """Return what an error may say of the money."""
    if isinstance(error, SubmitOutcomeUnknown):
        return "maybe"
    # The ledger does not take the id of another task a second time.
    if isinstance(error, LedgerError):
        return "yes"
    assert error.code in REFUSALS | {RATE_LIMITED}
    return "no"


@fuzzed
@given(body=bodies, status=statuses)
def test_any_answer_to_createtask_leaves_no_doubt_about_the_money(
    kept: Answering, body: bytes, status: int
) -> None:
    error = kept.failure(lambda kie: kie.submit("nano-banana-pro", "a lighthouse"), body, status)
    assert error is None or error.charged == charged(error)
    assert len(kept.requests) == 1


numbers = itertools.count()


def envelope(data: str) -> bytes:
    return f'{{"code":200,"msg":"success","data":{data}}}'.encode("utf-8", "surrogatepass")


@fuzzed
@given(
    data=filled(
        state=st.sampled_from(['"success"', '"fail"']),
        resultJson=texts(*NAMES).map(json.dumps) | anything,
        failCode=anything,
        failMsg=anything,
        creditsConsumed=anything,
        createTime=anything,
        completeTime=anything,
    )
)
@example(data=json.dumps({"state": "success", "resultJson": "[" * 100_000}))
def test_any_end_of_a_task_is_a_result_or_an_error(kept: Answering, data: str) -> None:
    name = f"task_{next(numbers)}"
    kept.failure(lambda kie: kie.submit("nano-banana-pro", "a lighthouse"), envelope(f'{{"taskId":"{name}"}}'))
    kept.failure(lambda kie: kie.task(name).wait(deadline=0.01), envelope(data))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([10**400, "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@fuzzed
@given(record=st.dictionaries(st.sampled_from(RECORD), values))
@example(record={"failMsg": "\ud800"})
def test_any_record_is_a_status_that_can_be_written(record: dict[str, Any]) -> None:
    status = TaskStatus.from_record("task_1", record)
    words = (status.model, status.state, status.fail_code, status.fail_message, status.result_json)
    "".join(word or "" for word in words).encode()
    assert status.progress is None or 0 <= status.progress <= 1
    for moment in (status.created_at, status.completed_at):
        assert moment is None or moment.tzinfo is datetime.UTC


headers = st.none() | st.text(max_size=20) | st.integers(-(10**12), 10**13).map(str) | st.binary(max_size=8)


@fuzzed
@given(key=headers, task_id=headers, timestamp=headers | st.integers(), signature=headers)
def test_no_callback_that_is_made_up_is_verified(key: Any, task_id: Any, timestamp: Any, signature: Any) -> None:
    assert verify(key, task_id, timestamp, signature, now=1_800_000_000) is False


@fuzzed
@given(key=st.text(min_size=1), task_id=st.text(), timestamp=st.integers(0, 10**12 - 1))
def test_what_was_signed_is_verified(key: str, task_id: str, timestamp: int) -> None:
    assert verify(key, task_id, timestamp, sign(key, task_id, timestamp), now=timestamp)
