"""Checking all the jobs of a batch before one is sent, and what the plan then holds."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from kie_registry import InvalidRequest, Registry
from kie_registry.batches.manifests.lines import BrokenLine, Line, lines_of
from kie_registry.batches.manifests.manifest import read_manifest
from kie_registry.batches.plans.planning import check
from kie_registry.file_addresses import path_of
from kie_registry.ledger import State
from kie_registry.media import inspect
from tests.batches.manifests import EDIT, PRO, REGISTRY, plan_of, prompts
from tests.models import TEXT, adapter, flat


def keys(*jobs: Any, base: Path = Path()) -> list[str]:
    with plan_of(*jobs, base=base) as plan:
        return [job.key for job in plan]


def names(*jobs: Any) -> list[str | None]:
    with plan_of(*jobs) as plan:
        return [job.name for job in plan]


def problems(*jobs: Any, base: Path = Path()) -> list[str]:
    with pytest.raises(InvalidRequest) as raised:
        plan_of(*jobs, base=base)
    return [str(problem) for problem in raised.value.problems]


def test_a_job_stands_in_the_plan_as_it_is_sent() -> None:
    with plan_of({"prompt": "a cat", "aspect_ratio": "landscape_16_9", "id": "a"}) as plan:
        (job,) = plan
    assert (job.key, job.line, job.model, job.name) == ("id:a", 1, PRO, "a")
    assert job.native_input == {"prompt": "a cat", "aspect_ratio": "16:9"}


def test_the_jobs_of_a_ledger_are_made_in_order_and_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.batches.plans.planning.PORTION", 2)
    with plan_of(*prompts("a", "b", "c")) as plan:
        portions = list(plan.portions("batch", account="me", directory="/out"))
    assert ([len(portion) for portion in portions], len(plan)) == ([2, 1], 3)
    jobs = [job for portion in portions for job in portion]
    assert [(job.input or {})["prompt"] for job in jobs] == ["a", "b", "c"]
    assert {(job.batch, job.account, job.directory, job.state) for job in jobs} == {
        ("batch", "me", "/out", State.PLANNED)
    }


SAME = {"prompt": "a cat", "resolution": "2K"}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"resolution": "2K", "prompt": "a cat"}, True),
        ({"resolution": "2k", "prompt": "a cat"}, True),
        ({**SAME, "model": PRO, "name": "another"}, True),
        ({**SAME, "output_format": None}, True),
        ({**SAME, "prompt": "a Cat"}, False),
        ({**SAME, "resolution": "4K"}, False),
        ({**SAME, "output_format": "jpg"}, False),
    ],
    ids=str,
)
def test_what_a_line_says_is_its_identity_however_it_says_it(other: Any, same: bool) -> None:
    assert (keys(SAME) == keys(other)) == same


def test_equal_lines_are_counted() -> None:
    found = keys(SAME, *prompts("a"), SAME, SAME)
    content = found[0].removesuffix(":1")
    assert found == [f"{content}:1", found[1], f"{content}:2", f"{content}:3"]


def test_an_id_is_the_identity_whatever_the_line_says() -> None:
    assert keys({"id": "a", **SAME}, {"id": "b", **SAME}) == ["id:a", "id:b"]


def test_a_newer_default_makes_no_other_job_of_a_line() -> None:
    def key(default: str) -> str:
        seconds = {"type": "string", "enum": ["5", "10"], "default": default}
        registry = Registry()
        registry.register(adapter(flat({"prompt": TEXT, "duration": seconds}, "prompt", "duration")))
        with check(lines_of([{"model": "maker/model", "prompt": "a cat"}]), registry, base=Path()) as plan:
            (job,) = plan
        assert job.native_input["duration"] == default
        return job.key

    assert key("5") == key("10")


def test_a_photo_is_known_by_its_content_and_not_by_its_place(tmp_path: Path, photo: Path) -> None:
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(photo.read_bytes())
    before = [keys({"prompt": "a", "images": [path]}) for path in (photo, copy)]
    copy.write_bytes(photo.read_bytes() + b"more")
    assert (before[0] == before[1], keys({"prompt": "a", "images": [copy]}) == before[0]) == (True, False)


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([{"name": "x"}] * 3, ["x", "x-2", "x-3"]),
        ([{"name": "x"}, {}, {"name": "x"}, {"name": "y"}, {"name": "y"}], ["x", None, "x-2", "y", "y-2"]),
        ([{"id": "a"}, {"id": "b", "name": "c"}], ["a", "c"]),
        ([{"id": "a/b"}, {"id": "x" * 150}, {"id": ".."}], [None, None, None]),
        ([{"id": "a"}, {"id": "A"}], ["a", None]),
        ([{"name": "a"}, {"id": "a"}], ["a", None]),
    ],
    ids=str,
)
def test_files_are_called_after_the_name_or_else_the_id(jobs: Any, expected: Any) -> None:
    assert names(*({"prompt": "a", **job} for job in jobs)) == expected


def test_local_files_stand_in_the_plan_as_addresses(photo: Path) -> None:
    web = "https://example.com/b.png"
    with plan_of({"model": EDIT, "prompt": "a", "images": ["photo.jpg", web]}, base=photo.parent) as plan:
        (job,) = plan
    local, other = job.native_input["image_urls"]
    assert (path_of(local), other) == (photo, web)


@pytest.mark.parametrize("name", ["photo with spaces #1?.jpg", "фото.jpg", "100%.jpg", "bytes-\udcff.jpg"])
def test_an_address_leads_back_to_its_file_whatever_that_is_called(photo: Path, name: str) -> None:
    path = photo.rename(photo.with_name(name))
    with plan_of({"model": EDIT, "prompt": "a", "images": [path]}) as plan:
        (job,) = plan
    assert path_of(job.native_input["image_urls"][0]) == path


def test_a_file_that_many_lines_name_is_looked_into_once(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []

    def look(path: Path) -> Any:
        looked.append(path)
        return inspect(path)

    monkeypatch.setattr("kie_registry.batches.plans.planning.inspect", look)
    plan_of(*({"model": EDIT, "prompt": text, "images": [photo]} for text in "abc")).close()
    assert looked == [photo]


WRONG: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "all that is wrong with a line": (
        [{"aspect_ratio": "1:7", "colour": "red"}],
        ["line 1, colour: is no parameter of", "line 1, prompt: is missing", "line 1, aspect_ratio: "],
    ),
    "an empty prompt": ([{"prompt": " "}], ["line 1, prompt: is empty"]),
    "a parameter that bears another name": (
        [{"model": EDIT, "prompt": "a", "images": ["https://a.b/c"], "image_size": "17:3"}],
        ["line 1, aspect_ratio (image_size): "],
    ),
    "an unknown model": (
        [{"model": "nano-banana-pr"}],
        ["line 1, model: no model is called 'nano-banana-pr'. Did"],
    ),
    "several lines": ([{}, {"prompt": "a"}, {"model": "x"}], ["line 1, prompt: is missing", "line 3, model: no"]),
    "no file": (
        [{"prompt": "a", "images": "no.png"}],
        ["line 1, images (image_input): {base}/no.png does not exist"],
    ),
    "a folder": ([{"prompt": "a", "images": "."}], ["line 1, images (image_input): {base} is a directory"]),
    "an empty file": (
        [{"prompt": "a", "images": "empty"}],
        ["line 1, images (image_input): {base}/empty is empty"],
    ),
    "a file of the wrong kind": (
        [{"prompt": "a", "images": "text.txt"}],
        ["line 1, images (image_input): {base}/text.txt is text/plain; it takes image"],
    ),
    "nobody's home": (
        [{"prompt": "a", "images": "~nobody-x/a"}],
        ["line 1, images (image_input): '~nobody-x/a' cannot"],
    ),
    "half a character": (
        [{"prompt": "a", "images": "\ud800"}],
        ["line 1, images (image_input): '\\ud800' cannot be"],
    ),
    "bytes": (
        [{"prompt": "a", "images": b"abc"}],
        ["line 1, images (image_input): item 1 is bytes; a batch takes paths"],
    ),
    "a file object": (
        [{"prompt": "a", "images": io.BytesIO()}],
        ["line 1, images (image_input): item 1 is BytesIO; a"],
    ),
    "another file system": (
        [{"prompt": "a", "images": "s3://a/b"}],
        ["line 1, images (image_input): 's3://a/b' is no http"],
    ),
    "an id twice": (
        [{"prompt": "a", "id": "x"}, {"prompt": "b"}, {"prompt": "c", "id": "x"}],
        ["line 3, id: 'x' is the id of line 1 too"],
    ),
    "a name twice": (
        [{"prompt": "a", "name": "x"}, {"prompt": "b", "name": "X"}],
        ["line 2, name: 'X' is what the files of line 1 are called too"],
    ),
    "a name twice under two ids": (
        [{"prompt": "a", "name": "x", "id": "1"}, {"prompt": "a", "name": "x", "id": "2"}],
        ["line 2, name: 'x' is what the files of line 1 are called too"],
    ),
    "a name that equal lines have taken": (
        [*[{"prompt": "a", "name": "x"}] * 2, {"prompt": "b", "name": "x-2"}],
        ["line 3, name: 'x-2' is what the files of line 2 are called too"],
    ),
    "a name that is no file name": (
        [{"prompt": "a", "name": "../x"}],
        ["line 1, name: '../x' is no file name: it takes letters"],
    ),
    "a name that is too long": (
        [{"prompt": "a", "name": "é" * 61}],
        ["line 1, name: has 122 bytes; at most 120 are allowed"],
    ),
}


@pytest.mark.parametrize(("jobs", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, jobs: Any, told: list[str]) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "text.txt").write_text("hello")
    found = problems(*jobs, base=tmp_path)
    expected = [text.replace("{base}", str(tmp_path)) for text in told]
    assert [text[: len(start)] for text, start in zip(found, expected, strict=False)] == expected
    assert len(found) == len(expected)


def test_of_very_many_problems_the_first_are_told_and_the_others_counted() -> None:
    with pytest.raises(InvalidRequest) as raised:
        plan_of(*[{}] * 1234)
    told = str(raised.value).splitlines()
    assert told[0] == "Invalid request, 1,234 problems:"
    assert (told[100], told[101]) == ("  - line 100, prompt: is missing", "  - and 1,134 more")


def test_a_broken_line_far_down_is_found(tmp_path: Path) -> None:
    path = tmp_path / "jobs.jsonl"
    line = '{"model": "nano-banana-pro", "prompt": "a"}\n'
    path.write_text(line * 299 + "{\n" + line)
    with pytest.raises(InvalidRequest, match="line 300: is no JSON"):
        check(read_manifest(path), REGISTRY, base=tmp_path)


def test_wrong_lines_can_be_left_out() -> None:
    with plan_of({"prompt": "a"}, {"model": "x"}, {}, {"prompt": "b"}, skip_invalid=True) as plan:
        assert ([job.line for job in plan], len(plan)) == ([1, 4], 2)
    assert (plan.skipped.lines, [problem.parameter for problem in plan.skipped.problems]) == (
        2,
        ["line 2, model", "line 3, prompt"],
    )


def test_a_plugin_that_is_broken_is_told_with_its_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from kie_registry import PluginError

    def broken(name: str) -> Any:
        raise PluginError("theirs", "is broken")

    monkeypatch.setattr(REGISTRY, "get", broken)
    assert problems({"prompt": "a"}) == ["line 1, model: plugin theirs: is broken"]


def test_the_jobs_of_a_program_are_called_jobs() -> None:
    with pytest.raises(InvalidRequest, match="job 1, prompt: is missing"):
        plan_of({}, unit="job")


def test_no_jobs_are_an_empty_plan() -> None:
    with plan_of() as plan:
        assert (len(plan), list(plan)) == (0, [])


def test_a_job_is_found_by_its_key() -> None:
    with plan_of({"prompt": "a", "id": "x"}) as plan:
        found = plan.find("id:x")
        assert (found and found.line, plan.find("id:y")) == (1, None)


def test_what_interrupts_the_check_comes_out() -> None:
    def interrupted() -> Any:
        yield Line(1, PRO, {"prompt": "a"})
        yield BrokenLine.because(2, "is wrong")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(interrupted(), REGISTRY, base=Path())


def test_a_plan_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    for name in ("TMPDIR", "SQLITE_TMPDIR"):
        monkeypatch.setenv(name, str(folder))
    with plan_of(*prompts(*map(str, range(300)))):
        pass
    assert list(folder.iterdir()) == []
