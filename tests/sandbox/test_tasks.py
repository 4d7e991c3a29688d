"""How tasks pass from state to state, and what their records hold."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from tests.sandbox.conftest import PRO, Asker, Clock, Serve


@pytest.mark.parametrize(
    ("seconds", "state", "progress"),
    [
        (0, "waiting", 0),
        (1.9, "waiting", 19),
        (2, "queuing", 20),
        (4, "generating", 40),
        (9.99, "generating", 99),
        (10, "success", 100),
        (1000, "success", 100),
    ],
)
def test_the_state_follows_the_clock(serve: Serve, seconds: float, state: str, progress: int) -> None:
    clock = Clock()
    ask = serve(latency=10, clock=clock)
    task_id = ask.create()["data"]["taskId"]
    clock.now += seconds
    record = ask.record(task_id)["data"]
    assert (record["state"], record["progress"]) == (state, progress)
    assert ask.box.tasks[0].state == state


def test_a_running_task_shows_no_result(serve: Serve) -> None:
    ask = serve(latency=math.inf)
    record = ask.finished()
    shown = {name: record[name] for name in ("state", "resultJson", "completeTime", "creditsConsumed")}
    assert shown == {"state": "waiting", "resultJson": "", "completeTime": None, "creditsConsumed": None}


def test_the_record_of_a_success(serve: Serve) -> None:
    clock = Clock()
    ask = serve(latency=2.5, clock=clock)
    task_id = ask.create(resolution="2K")["data"]["taskId"]
    clock.now += 60
    record = ask.record(task_id)["data"]
    urls = json.loads(record.pop("resultJson"))["resultUrls"]
    assert [url.startswith(f"{ask.box.url}/files/results/{task_id}") for url in urls] == [True]
    param = json.loads(record.pop("param"))
    assert json.loads(param["input"]) == {"prompt": "a lighthouse", "resolution": "2K"}
    assert record == {
        "taskId": task_id,
        "model": PRO,
        "state": "success",
        "failCode": None,
        "failMsg": None,
        "costTime": 2500,
        "createTime": 1_800_000_000_000,
        "updateTime": 1_800_000_002_500,
        "completeTime": 1_800_000_002_500,
        "progress": 100,
        "creditsConsumed": 4.0,
    }


def test_the_record_of_a_failure(ask: Asker) -> None:
    ask.box.end_next(fail_code="501", fail_message="the model is tired")
    record = ask.finished()
    shown = [record[name] for name in ("state", "failCode", "failMsg", "resultJson", "creditsConsumed")]
    assert shown == ["fail", "501", "the model is tired", "", None]


def test_a_result_that_was_told(ask: Asker) -> None:
    ask.box.end_next(result={"resultObject": {"text": "hello"}})
    assert json.loads(ask.finished()["resultJson"]) == {"resultObject": {"text": "hello"}}


def test_as_many_results_as_asked_for(ask: Asker) -> None:
    assert len(ask.results(num_images="3")) == 3


@pytest.mark.parametrize("query", [{"taskId": "task_unknown"}, {"taskId": ""}, {}])
def test_an_unknown_task(ask: Asker, query: dict[str, str]) -> None:
    answer = ask.get("/api/v1/jobs/recordInfo", **query)
    assert answer == {"code": 422, "msg": "recordInfo is null", "data": None}


def test_a_fresh_task_is_unknown_for_a_while(serve: Serve) -> None:
    clock = Clock()
    ask = serve(visible_after=30, clock=clock)
    task_id = ask.create()["data"]["taskId"]
    codes = [ask.record(task_id)["code"]]
    clock.now += 30
    codes.append(ask.record(task_id)["code"])
    assert codes == [422, 200]


def _failures(serve: Serve, **options: Any) -> list[bool]:
    ask = serve(failure_rate=0.5, **options)
    return [ask.finished()["state"] == "fail" for _ in range(12)]


def test_the_seed_decides_which_tasks_fail(serve: Serve) -> None:
    first = _failures(serve, seed=1)
    assert _failures(serve, seed=1) == first
    assert _failures(serve, seed=2) != first
    assert set(first) == {True, False}
