"""Batches on this machine, from the jobs to the files: each job once, whatever was run before."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from kie_registry import ConfigurationError, InvalidRequest, Registry, TaskFailed, hookimpl
from kie_registry.batches.options import BatchOptions
from kie_registry.call import Call
from kie_registry.ledger import State
from tests.batches.manifests import EDIT
from tests.batches.running import Runs, iterating

# identity


def test_each_job_gives_its_files_and_its_outcome(runs: Runs) -> None:
    came = runs.run({"prompt": "a cat", "id": "1", "name": "mia"}, "a dog")
    assert sorted((each.id or "", each.name or "", len(each.paths), each.error) for each in came) == [
        ("", "", 1, None),
        ("1", "mia", 1, None),
    ]
    assert sorted(path.name for each in came for path in each.paths) == runs.pictures()
    assert "mia.png" in runs.pictures()


def test_run_again_it_pays_for_nothing_and_says_the_same(runs: Runs) -> None:
    first = runs.run("a", "b", "c")
    again = runs.run("a", "b", "c")
    assert sorted(runs.sent()) == ["a", "b", "c"]
    assert sorted((each.job.id, each.paths, each.urls) for each in again) == sorted(
        (each.job.id, each.paths, each.urls) for each in first
    )


def test_four_equal_jobs_are_four_pictures(runs: Runs) -> None:
    runs.run(*["a"] * 4)
    runs.run(*["a"] * 4)
    assert (runs.sent(), len(runs.pictures())) == (["a"] * 4, 4)


def test_of_an_edited_manifest_only_new_lines_are_sent(runs: Runs) -> None:
    manifest = runs.home / "jobs.jsonl"
    for texts in (["a", "b"], ["b", "c", "c"]):
        manifest.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts), "utf-8")
        runs.run(jobs=manifest)
    assert sorted(runs.sent()) == ["a", "b", "c", "c"]


def unsent(runs: Runs, *texts: str) -> None:
    """Leave jobs planned: the first is refused, as all the others would be."""
    runs.box.answer_next("createTask", code=402)
    runs.run(*texts, concurrency=1)
    assert runs.sent() == []


@pytest.mark.parametrize("add", [False, True])
def test_a_line_that_was_removed_is_never_sent(runs: Runs, add: bool) -> None:
    unsent(runs, "a", "b", "c")
    unsent(runs, "c", "d")
    runs.run("e", "c", add=add)
    # Those that are only not named among what is added are still wanted.
    assert sorted(runs.sent()) == (["c", "d", "e"] if add else ["c", "e"])


def test_the_total_leaves_out_what_was_withdrawn(runs: Runs) -> None:
    unsent(runs, "a", "b", "c")
    assert progress_of(runs, "b").total == 1


def progress_of(runs: Runs, *texts: str | dict[str, str], **options: Any) -> Any:
    async def run() -> Any:
        async with runs.batch(*texts, **options) as batch:
            async for _ in batch:
                pass
            return batch.progress

    return asyncio.run(run())


def test_what_was_refused_is_sent_again_and_what_failed_is_not(runs: Runs) -> None:
    runs.box.answer_next("createTask", code=422, message="no")
    runs.box.end_next(fail_code="501", fail_message="tired")
    first = runs.run("refused", "failed", "fine", concurrency=1)
    assert [type(each.error).__name__ for each in first] == ["RequestRejected", "TaskFailed", "NoneType"]
    again = runs.run("refused", "failed", "fine")
    assert runs.sent() == ["failed", "fine", "refused"]
    assert [type(each.error) for each in again if each.error] == [TaskFailed]


def test_a_wrong_job_keeps_all_from_being_sent(runs: Runs) -> None:
    with pytest.raises(InvalidRequest, match="job 2"):
        runs.run("fine", {"prompt": "a", "aspect_ratio": "17:3"})
    assert runs.creates() == 0


def test_wrong_jobs_can_be_left_out(runs: Runs) -> None:
    progress = progress_of(runs, "fine", {"prompt": "a", "aspect_ratio": "17:3"}, "good", skip_invalid=True)
    assert (progress.total, progress.done, progress.skipped) == (2, 2, 1)


# where jobs come from, and files go


def test_jobs_may_come_from_a_generator(runs: Runs) -> None:
    def jobs() -> Iterator[dict[str, str]]:
        for number in itertools.count():
            if number == 3:
                return
            yield {"prompt": f"cat {number}"}

    assert len(runs.run(jobs=jobs())) == 3


def test_an_error_of_a_generator_comes_out_and_nothing_is_sent(runs: Runs) -> None:
    def jobs() -> Iterator[dict[str, str]]:
        yield {"prompt": "a"}
        raise RuntimeError("a bug of the caller's")

    with pytest.raises(RuntimeError, match="the caller's"):
        runs.run(jobs=jobs())
    assert (runs.creates(), runs.jobs()) == (0, [])


def test_without_a_directory_nothing_is_saved_and_each_run_is_a_new_one(runs: Runs) -> None:
    first, second = (runs.run("a", directory=None) for _ in range(2))
    assert [len(each.urls) for each in (*first, *second)] == [1, 1]
    assert (runs.sent(), list(runs.home.glob("**/*.png")), runs.held()) == (["a", "a"], [], [])
    assert runs.states() == {State.SUCCEEDED: 2}


def test_without_a_directory_what_was_not_sent_is_given_up(runs: Runs) -> None:
    runs.box.answer_next("createTask", code=402)
    runs.run("a", "b", directory=None, concurrency=1)
    assert runs.states() == {State.REFUSED: 2}


def test_local_files_are_uploaded_once_each(runs: Runs, photo: Path) -> None:
    line = {"model": EDIT, "images": [str(photo)]}
    runs.run(*({**line, "prompt": text} for text in "abc"))
    uploads = [request for request in runs.box.requests if "upload" in request.path]
    assert (len(runs.sent()), len(uploads)) == (3, 1)


def test_what_stands_in_the_results_after_all_that(runs: Runs) -> None:
    runs.box.answer_next("createTask", cut="after")
    runs.box.end_next(times=1)
    runs.box.end_next(fail_code="501", fail_message="tired")
    texts = ["unknown", "failed", "fine"]
    runs.run(*texts, concurrency=1)
    for _ in range(2):
        assert [(each["line"], each["state"], len(each["paths"])) for each in runs.results()] == [
            (1, "unknown", 0),
            (2, "failed", 0),
            (3, "collected", 1),
        ]
        runs.run(*texts)
    assert (runs.out / runs.results()[2]["paths"][0]).is_file()


# options


@pytest.mark.parametrize(
    "wrong",
    [{"concurrency": 0}, {"concurrency": 1.5}, {"max_credits": 0}, {"deadline": -1}, {"callback_url": "nowhere"}],
    ids=str,
)
def test_options_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        BatchOptions(**wrong).check()


def test_a_batch_is_iterated_over_once(runs: Runs) -> None:
    async def twice() -> None:
        async with runs.batch("a") as batch:
            assert len([outcome async for outcome in batch]) == 1
            async with iterating(batch) as outcomes:
                await anext(outcomes)

    with pytest.raises(ConfigurationError, match="once"):
        asyncio.run(twice())
    assert runs.sent() == ["a"]


@pytest.mark.parametrize("most", [1, 3])
def test_never_more_run_at_once_than_allowed(runs: Runs, most: int) -> None:
    runs.box.latency = 0.2
    runs.run(*(f"cat {number}" for number in range(2 * most)), concurrency=most)
    moments = sorted(moment for task in runs.box.tasks for moment in ((task.created, 1), (task.ends, -1)))
    assert max(itertools.accumulate(change for _, change in moments)) == most


# plugins and models


class Plugin:
    """A plugin that vetoes what is called ``no``, and has a bug."""

    @hookimpl
    def before_submit(self, call: Call) -> None:
        if call.input["prompt"] == "no":
            raise ValueError("not that")

    @hookimpl
    def after_submit(self, call: Call, task_id: str) -> None:
        raise ValueError("a bug")

    @hookimpl
    def after_result(self, call: Call) -> None:
        raise ValueError("a bug")


def test_a_plugin_vetoes_one_job_and_its_bugs_stop_nothing(runs: Runs) -> None:
    registry = Registry()
    registry.register(Plugin())
    came = evolve(runs, client={"registry": registry}).run("yes", "no", "well")
    assert Counter(type(each.error).__name__ for each in came) == {"NoneType": 2, "PluginError": 1}
    assert (sorted(runs.sent()), runs.states()[State.REFUSED]) == (["well", "yes"], 1)


@pytest.mark.parametrize("max_credits", [None, 100])
def test_jobs_of_a_model_that_was_removed(runs: Runs, photo: Path, max_credits: float | None) -> None:
    runs.box.end_next(latency=0.7)
    runs.run("running", deadline=0.1)
    runs.box.answer_next("createTask", code=402)
    runs.run("unsent", "running", concurrency=1, deadline=0.1)
    registry = Registry(entry_points=False)
    registry.register(Registry().get(EDIT))
    left = evolve(runs, client={"registry": registry})
    new = {"model": EDIT, "prompt": "new", "images": [photo]}
    came = left.run(new, add=True, max_credits=max_credits)
    errors = {(each.job.input or {})["prompt"]: type(each.error).__name__ for each in came}
    assert errors == {"running": "NoneType", "unsent": "UnknownModel", "new": "NoneType"}
    assert (sorted(runs.sent()), runs.held()) == (["new", "running"], [])
