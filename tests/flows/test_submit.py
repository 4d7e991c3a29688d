"""What each answer to createTask leads to: an id, an error that cost nothing, or an unknown outcome."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_registry import (
    AuthenticationError,
    ConfigurationError,
    Event,
    InsufficientCredits,
    InvalidRequest,
    Kie,
    KieError,
    Maintenance,
    NotFound,
    RateLimited,
    RequestRejected,
    SubmitOutcomeUnknown,
    TaskTimeout,
    TransportError,
)
from kie_registry.flows.submit import Destination
from kie_registry.sandbox import Sandbox
from kie_registry.task import Task

MODEL = "nano-banana-pro"


def submit_error(kie: Kie) -> KieError:
    with pytest.raises(KieError) as caught:
        kie.submit(MODEL, "a cat")
    return caught.value


REFUSALS: list[tuple[int, type[KieError]]] = [
    (400, RequestRejected),
    (401, AuthenticationError),
    (402, InsufficientCredits),
    (404, NotFound),
    (405, RequestRejected),
    (409, RequestRejected),
    (413, RequestRejected),
    (422, RequestRejected),
    (433, RateLimited),
    (451, RequestRejected),
    (455, Maintenance),
    (505, Maintenance),
]


@pytest.mark.parametrize("status", ["in HTTP 200", "as HTTP status"])
@pytest.mark.parametrize(("code", "kind"), REFUSALS)
def test_a_refusal_costs_nothing(box: Sandbox, kie: Kie, code: int, kind: type[KieError], status: str) -> None:
    box.answer_next("createTask", code=code, message="no", status=code if status == "as HTTP status" else 200)
    error = submit_error(kie)
    assert (type(error), error.code, error.charged, error.model) == (kind, code, "no", MODEL)
    assert "Nothing was spent" in str(error)


LOST: dict[str, dict[str, Any]] = {
    "code 408": {"code": 408},
    "code 500": {"code": 500, "message": "This field is required"},
    "HTTP 500": {"code": 500, "status": 500},
    "HTTP 503 without an envelope": {"status": 503, "body": "<html>Bad gateway</html>"},
    "code 501": {"code": 501},
    "code 550": {"code": 550},
    "an unknown code": {"code": 777},
    "HTTP 599": {"status": 599, "body": ""},
    "200 without a task id": {"code": 200, "data": {}},
    "200 with data null": {"code": 200, "data": None},
    "200 with an empty task id": {"code": 200, "data": {"taskId": ""}},
    "200 with a list as data": {"code": 200, "data": [1]},
    "an empty body": {"body": ""},
    "HTML": {"body": "<html>hello</html>"},
    "JSON that is no object": {"json": [1, 2]},
    "a connection cut after acceptance": {"cut": "after"},
    "a connection cut in the answer": {"cut": "midway"},
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST.keys())
def test_a_lost_answer_is_unknown_and_not_sent_again(box: Sandbox, kie: Kie, answer: dict[str, Any]) -> None:
    box.answer_next("createTask", **answer)
    error = submit_error(kie)
    assert isinstance(error, SubmitOutcomeUnknown)
    assert (error.charged, error.retryable, error.model) == ("maybe", False, MODEL)
    assert len([request for request in box.requests if "createTask" in request.path]) == 1


NAMED: dict[str, dict[str, Any]] = {
    "429": {"code": 429, "data": {"taskId": "task_9"}},
    "500": {"code": 500, "data": {"taskId": "task_9"}},
    "0": {"code": 0, "data": {"taskId": "task_9"}},
}


@pytest.mark.parametrize("answer", NAMED.values(), ids=NAMED.keys())
def test_an_error_that_names_a_task_is_unknown_and_keeps_its_id(
    box: Sandbox, kie: Kie, answer: dict[str, Any]
) -> None:
    box.answer_next("createTask", **answer)
    error = submit_error(kie)
    assert (type(error), error.task_id) == (SubmitOutcomeUnknown, "task_9")
    assert len(box.requests) == 1


@pytest.mark.parametrize("charset", ["hex", "idna", "utf-16", "punycode", "rot13"])
def test_no_charset_of_an_answer_hides_that_the_outcome_is_unknown(box: Sandbox, kie: Kie, charset: str) -> None:
    box.answer_next(
        "createTask", status=502, body="oops", headers={"content-type": f"text/html; charset={charset}"}
    )
    assert isinstance(submit_error(kie), SubmitOutcomeUnknown)


def test_what_nobody_expects_after_sending_is_unknown_too(
    box: Sandbox, kie: Kie, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("kie_registry.flows.create.parse_created", broken)
    assert isinstance(submit_error(kie), SubmitOutcomeUnknown)


def test_a_key_that_the_server_repeats_is_cut_out(box: Sandbox, kie: Kie) -> None:
    box.answer_next("createTask", code=401, message=f"bad key {box.key}!")
    assert box.key not in str(vars(submit_error(kie)))


class Interrupted(httpx.BaseTransport):
    """Ctrl-C, while the answer is awaited."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt


def test_an_interruption_while_submitting_says_what_may_have_been_spent(open_kie: Callable[..., Kie]) -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        open_kie(transport=Interrupted()).submit(MODEL, "a cat")
    assert "may have been billed" in caught.value.__notes__[0]


def test_an_interruption_before_submitting_says_nothing_of_money(box: Sandbox, kie: Kie) -> None:
    def interrupt(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        kie.submit(MODEL, "a cat", on_event=interrupt)
    assert (getattr(caught.value, "__notes__", []), box.tasks) == ([], [])


def test_an_interruption_gives_its_slot_back(box: Sandbox, open_kie: Callable[..., Kie]) -> None:
    kie = open_kie(creates=(1, 0.01), deadline=5)

    def interrupt(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kie.submit(MODEL, "a cat", on_event=interrupt)
    assert kie.submit(MODEL, "a cat").id == box.tasks[0].id


def test_nothing_is_submitted_after_the_deadline(box: Sandbox, open_kie: Callable[..., Kie], photo: Path) -> None:
    box.answer_next("upload", delay=0.5)
    with pytest.raises(TaskTimeout, match="Nothing was spent") as caught:
        open_kie(deadline=0.3).generate("nano-banana-edit", "night", images=photo)
    assert (caught.value.charged, caught.value.task_id, box.tasks) == ("no", None, [])


def test_an_unknown_outcome_carries_the_servers_words(box: Sandbox, kie: Kie) -> None:
    box.answer_next("createTask", code=500, message="This field is required")
    error = submit_error(kie)
    assert isinstance(error, SubmitOutcomeUnknown)
    assert (error.code, error.status, error.server_message) == (500, 200, "This field is required")


def test_a_read_timeout_is_unknown(box: Sandbox, open_kie: Callable[..., Kie]) -> None:
    box.answer_next("createTask", delay=5)
    assert isinstance(submit_error(open_kie(http_timeout=0.2)), SubmitOutcomeUnknown)


def test_a_task_id_may_be_a_number(box: Sandbox, kie: Kie) -> None:
    box.answer_next("createTask", code=200, data={"taskId": 123})
    assert kie.submit(MODEL, "a cat").id == "123"


def test_a_task_id_counts_even_under_an_http_error(box: Sandbox, kie: Kie) -> None:
    box.answer_next("createTask", code=200, status=500, data={"taskId": "task_9"})
    assert kie.submit(MODEL, "a cat").id == "task_9"


@pytest.mark.parametrize("status", [200, 429])
def test_429_waits_and_goes_on(box: Sandbox, kie: Kie, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setattr("kie_registry.flows.create._LIMIT_PAUSES", (0.01,))
    box.answer_next("createTask", code=429, status=status, times=2)
    events: list[Event] = []
    kie.submit(MODEL, "a cat", on_event=events.append)
    assert [event.kind for event in events].count("limited") == 2
    assert len(box.tasks) == 1


def test_429_until_the_deadline_costs_nothing(box: Sandbox, open_kie: Callable[..., Kie]) -> None:
    box.answer_next("createTask", code=429, times=9)
    error = submit_error(open_kie(deadline=0.5))
    assert (type(error), error.charged, error.retryable) == (RateLimited, "no", True)


def test_no_connection_is_tried_again_and_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, open_kie: Callable[..., Kie]
) -> None:
    monkeypatch.setattr("kie_registry.flows.create._CONNECT_PAUSES", (0.01, 0.01))
    monkeypatch.setattr("kie_registry.connections.is_loopback", lambda host: False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        kie = open_kie(base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        events: list[Event] = []
        with pytest.raises(TransportError, match=r"Nothing was spent") as caught:
            kie.submit(MODEL, "a cat", on_event=events.append)
    assert (caught.value.charged, caught.value.sent) == ("no", False)
    assert [event.kind for event in events].count("retry") == 2


def test_our_own_limit_holds_creates_back(box: Sandbox, open_kie: Callable[..., Kie]) -> None:
    kie = open_kie(creates=(2, 0.4), deadline=5)
    events: list[Event] = []
    for _ in range(3):
        kie.submit(MODEL, "a cat", on_event=events.append)
    assert [event.kind for event in events].count("limited") == 1
    third, second = box.tasks[2], box.tasks[1]
    assert third.created - second.created >= 0.3


def test_a_deadline_in_the_queue_costs_nothing(box: Sandbox, open_kie: Callable[..., Kie]) -> None:
    kie = open_kie(creates=(1, 60), deadline=0.2)
    kie.submit(MODEL, "a cat")
    error = submit_error(kie)
    assert (type(error), error.charged) == (RateLimited, "no")
    assert len(box.tasks) == 1


def test_the_input_arrives_in_native_names_and_nothing_else(box: Sandbox, kie: Kie, photo: Path) -> None:
    kie.submit("nano-banana-edit", "night", images=photo, aspect_ratio="16:9", output_format="jpg")
    (task,) = box.tasks
    assert task.model == "google/nano-banana-edit"
    assert set(task.input) == {"prompt", "image_urls", "image_size", "output_format"}
    assert (task.input["image_size"], task.input["output_format"]) == ("16:9", "jpeg")
    assert task.input["image_urls"][0].startswith(box.url)


def test_optional_parameters_left_unset_are_not_sent(box: Sandbox, kie: Kie) -> None:
    kie.submit(MODEL, "a cat")
    assert box.tasks[0].input == {"prompt": "a cat"}


@pytest.mark.parametrize("model", ["nano-banana-edit", "nano-banana-pro"])
def test_the_documented_example_arrives_unchanged(box: Sandbox, kie: Kie, model: str) -> None:
    example = dict(kie.models.describe(model).example or {})
    kie.submit(model, **example)
    assert box.tasks[0].input == example


def test_nothing_is_sent_for_a_wrong_request(box: Sandbox, kie: Kie, photo: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        kie.submit("nano-banana-edit", "x" * 5001, images=[photo, "missing.png"], resolution="2K")
    assert [problem.parameter for problem in caught.value.problems] == ["resolution", "prompt", "images"]
    assert box.requests == []


def test_a_callback_url_must_be_one(box: Sandbox, kie: Kie) -> None:
    with pytest.raises(InvalidRequest, match="callback_url"):
        kie.submit(MODEL, "a cat", callback_url="not a url")
    assert box.requests == []


def test_an_adapter_instance_takes_no_parameters_beside_it(kie: Kie) -> None:
    from kie_models.nano_banana_pro import NanoBananaPro

    with pytest.raises(InvalidRequest, match="holds its parameters already"):
        kie.submit(NanoBananaPro(prompt="a cat"), resolution="2K")


def test_a_listener_that_fails_loses_no_task(box: Sandbox, kie: Kie, caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("a bug in the listener")

    assert kie.submit(MODEL, "a cat", on_event=broken).id == box.tasks[0].id
    assert "the listener for events failed" in caplog.text


def submit_to(kie: Kie, directory: str) -> Task:
    destination, deadline_at = Destination(Path(directory)), kie._calls.session.deadline_at(None)
    return kie._submit(
        MODEL, {"prompt": "a cat"}, None, deadline_at, None, until="submitted", destination=destination
    )


def test_the_ledger_says_where_files_go_wherever_it_is_read(
    open_kie: Callable[..., Kie], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.chdir(tmp_path)
    kie = open_kie(ledger=tmp_path / "ledger.sqlite3")
    for directory in ("pictures", "~/pictures"):
        submit_to(kie, directory)
    assert kie.ledger is not None
    assert [job.directory for job in kie.ledger.jobs()] == [
        str(tmp_path / "me" / "pictures"),
        str(tmp_path / "pictures"),
    ]


def test_a_directory_that_is_nowhere_costs_nothing(box: Sandbox, kie: Kie) -> None:
    with pytest.raises(ConfigurationError, match=r"nobody-of-this-name.*Nothing was sent"):
        submit_to(kie, "~nobody-of-this-name/pictures")
    assert box.requests == []
