"""Saving: whole files under our own names, nothing replaced unless told, no key sent along."""

from __future__ import annotations

import errno
import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kie_registry import ApiError, ConfigurationError, Kie, KieError, OutputExists, Result, TransportError
from kie_registry.effects import Fetch, drive
from kie_registry.flows.download import Saving
from kie_registry.sandbox import Sandbox
from kie_registry.whole_files import place


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.flows.fetch._PAUSES", (0.01, 0.01, 0.01))


def png() -> bytes:
    """Return a small picture."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def result(kie: Kie) -> Result:
    return kie.generate("nano-banana-pro", "a cat", output_format="jpg")


def test_the_file_is_named_after_model_and_task(result: Result, tmp_path: Path) -> None:
    (path,) = result.save(tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / f"nano-banana-pro-{result.task_id}-1.jpg"
    with Image.open(path) as image:
        image.load()
        assert image.format == "JPEG"


TASK_IDS = {
    "as kie.ai makes them": ("task_" + "0f" * 16, "task_" + "0f" * 16),
    "long": ("x" * 3000, "x" * 60 + "-"),
    "long, of characters that take three bytes": ("竹" * 3000, "竹" * 20 + "-"),
    "with odd characters": ("a/b", "a-b-"),
    "with dots around": ("..a..", "a-"),
    "of odd characters only": ("//", "-"),
}


@pytest.mark.parametrize(("task_id", "start"), TASK_IDS.values(), ids=TASK_IDS.keys())
@pytest.mark.parametrize(
    "model", ["nano-banana-pro", "m" * 500, "竹" * 500], ids=["a model", "a long one", "a long one of bamboo"]
)
def test_a_file_name_has_room_for_any_task(tmp_path: Path, model: str, task_id: str, start: str) -> None:
    name = Saving(["https://a.example/1.png"], tmp_path, None, False, task_id, model).stem(1)
    (tmp_path / f"{name}.jpeg").touch()
    assert (f"-{start}" in name, len(f"{name}.jpeg".encode()) <= 143) == (True, True)


TWO_TASKS = {
    "odd characters": ("a/b", "a\\b"),
    "one as the other was changed": ("a/b", "a-b"),
    "a dot at the end": ("a.", "a"),
    "long": ("x" * 3000, "x" * 3001),
    "half a character": ("a\ud800", "a-"),
}


@pytest.mark.parametrize(("one", "other"), TWO_TASKS.values(), ids=TWO_TASKS.keys())
def test_two_tasks_have_two_names(tmp_path: Path, one: str, other: str) -> None:
    savings = [Saving([], tmp_path, None, False, task_id, "nano-banana-pro") for task_id in (one, other)]
    assert savings[0].stem(1) != savings[1].stem(1)


def test_a_name_of_ones_own(result: Result, tmp_path: Path) -> None:
    assert result.save(tmp_path, name="my cat") == [tmp_path / "my cat.jpg"]


def test_several_files_are_numbered(box: Sandbox, kie: Kie, result: Result, tmp_path: Path) -> None:
    box.end_next(result={"resultUrls": list(result.urls) * 2})
    twins = kie.generate("nano-banana-pro", "two cats")
    assert [path.name for path in twins.save(tmp_path, name="cat")] == ["cat-1.jpg", "cat-2.jpg"]


@pytest.mark.parametrize("name", ["", ".", "..", "../cat", "a/b", "a\\b", "a:b", "a\0b"])
def test_a_name_that_is_none(result: Result, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="no file name") as caught:
        result.save(tmp_path, name=name)
    assert caught.value.charged == "yes"


def test_nothing_is_replaced(result: Result, tmp_path: Path) -> None:
    (path,) = result.save(tmp_path)
    path.write_text("mine")
    with pytest.raises(OutputExists) as caught:
        result.save(tmp_path)
    assert path.read_text() == "mine"
    assert caught.value.path == str(path)


def test_unless_told(result: Result, tmp_path: Path) -> None:
    (path,) = result.save(tmp_path)
    path.write_text("old")
    result.save(tmp_path, overwrite=True)
    assert path.read_bytes()[:2] == b"\xff\xd8"


def test_the_key_does_not_go_along(box: Sandbox, result: Result, tmp_path: Path) -> None:
    result.save(tmp_path)
    fetched = [request for request in box.requests if request.path.startswith("/files/")]
    assert fetched
    assert all("authorization" not in {name.lower() for name in request.headers} for request in fetched)


@pytest.mark.parametrize("answer", [{"status": 503, "body": ""}, {"cut": "before"}, {"cut": "midway"}])
def test_what_breaks_off_is_fetched_again(
    box: Sandbox, result: Result, tmp_path: Path, answer: dict[str, Any]
) -> None:
    box.answer_next("/files/", times=2, **answer)
    (path,) = result.save(tmp_path)
    with Image.open(path) as image:
        image.load()


FINAL: dict[str, tuple[dict[str, Any], type[KieError]]] = {
    "gone": ({"status": 404, "body": "no"}, ApiError),
    "breaking off for good": ({"cut": "midway"}, TransportError),
    "empty": ({"body": ""}, TransportError),
}


@pytest.mark.parametrize(("answer", "kind"), FINAL.values(), ids=FINAL.keys())
def test_a_failed_download_leaves_nothing_behind(
    box: Sandbox, result: Result, tmp_path: Path, answer: dict[str, Any], kind: type[KieError]
) -> None:
    box.answer_next("/files/", times=9, **answer)
    with pytest.raises(kind) as caught:
        result.save(tmp_path)
    assert (caught.value.task_id, caught.value.charged) == (result.task_id, "yes")
    assert list(tmp_path.iterdir()) == []


def test_the_suffix_tells_the_truth(box: Sandbox, result: Result, tmp_path: Path) -> None:
    box.answer_next("/files/", body=png(), headers={"content-type": "image/jpeg"})
    assert result.save(tmp_path, name="x")[0].suffix == ".png"


def test_a_directory_that_cannot_be_written(result: Result, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KieError, match="cannot be written"):
        result.save(tmp_path / "file")


def test_after_the_client_was_closed(open_kie: Callable[..., Kie], tmp_path: Path) -> None:
    with open_kie() as kie:
        result = kie.generate("nano-banana-pro", "a cat")
    assert result.save(tmp_path)[0].stat().st_size > 0


def test_an_expired_link_can_be_renewed(kie: Kie, result: Result) -> None:
    assert kie.download_url(result.urls[0]).startswith("http://127.0.0.1")


def test_only_links_of_kie_can_be_renewed(kie: Kie) -> None:
    with pytest.raises(ApiError) as caught:
        kie.download_url("https://example.com/1.png")
    assert caught.value.code == 422


def test_a_pickled_result_can_be_saved_without_the_key(result: Result, tmp_path: Path) -> None:
    copy = pickle.loads(pickle.dumps(result))
    assert (copy.urls, copy.save(tmp_path)[0].exists()) == (result.urls, True)


def test_a_web_page_is_no_picture(box: Sandbox, result: Result, tmp_path: Path) -> None:
    box.answer_next("/files/", body="<html>log in</html>", times=4)
    with pytest.raises(ApiError, match="web page"):
        result.save(tmp_path)


def test_a_suffix_is_not_doubled(result: Result, tmp_path: Path) -> None:
    assert result.save(tmp_path, name="cat.jpg") == [tmp_path / "cat.jpg"]


@pytest.fixture
def half_saved(box: Sandbox, kie: Kie, result: Result, tmp_path: Path) -> Result:
    """A result of two files, the second of which could not be saved."""
    box.end_next(result={"resultUrls": [*result.urls, f"{box.url}/files/missing.jpg"]})
    twins = kie.generate("nano-banana-pro", "two cats")
    with pytest.raises(ApiError):
        twins.save(tmp_path, name="cat")
    box.answer_next("missing", body=png())
    return twins


def test_what_was_saved_before_an_error_is_not_in_the_way(
    half_saved: Result, box: Sandbox, tmp_path: Path
) -> None:
    fetched = len(box.requests)
    paths = half_saved.save(tmp_path, name="cat")
    assert ([path.name for path in paths], len(box.requests) - fetched) == (["cat-1.jpg", "cat-2.png"], 1)


def test_unless_it_was_changed_since(half_saved: Result, tmp_path: Path) -> None:
    (tmp_path / "cat-1.jpg").write_text("mine")
    with pytest.raises(OutputExists):
        half_saved.save(tmp_path, name="cat")


def test_once_all_is_saved_the_next_time_is_another(result: Result, tmp_path: Path) -> None:
    result.save(tmp_path)
    with pytest.raises(OutputExists):
        result.save(tmp_path)


def test_who_resumes_takes_what_is_there_already(result: Result, tmp_path: Path) -> None:
    (path,) = result.save(tmp_path)
    written = path.stat().st_mtime_ns
    assert drive(result.saving(tmp_path, resume=True), result._http) == [path]
    assert (path.stat().st_mtime_ns, list(tmp_path.iterdir())) == (written, [path])


@pytest.mark.parametrize("other", [b"", b"mine", None], ids=["empty", "shorter", "as long"])
def test_but_nothing_else(result: Result, tmp_path: Path, other: bytes | None) -> None:
    (path,) = result.save(tmp_path)
    path.write_bytes(bytes(path.stat().st_size) if other is None else other)
    before = path.read_bytes()
    with pytest.raises(OutputExists):
        drive(result.saving(tmp_path, resume=True), result._http)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])


def test_an_empty_file_is_not_replaced_where_there_are_hard_links(result: Result, tmp_path: Path) -> None:
    target = tmp_path / "cat.jpg"
    target.touch()
    with pytest.raises(OutputExists):
        result.save(tmp_path, name="cat")
    assert (target.stat().st_size, list(tmp_path.iterdir())) == (0, [target])


def test_a_file_that_came_meanwhile_is_not_replaced(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def after_another(partial: Path, path: Path, *, fresh: bool) -> None:
        path.write_text("theirs")
        place(partial, path, fresh=fresh)

    monkeypatch.setattr("kie_registry.flows.download.place", after_another)
    with pytest.raises(OutputExists):
        result.save(tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["theirs"]


class TestWithoutHardLinks:
    @pytest.fixture(autouse=True)
    def no_links(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def link(*_: object) -> None:
            raise PermissionError(errno.EPERM, "not supported here")

        monkeypatch.setattr(os, "link", link)

    def test_a_file_is_saved_all_the_same(self, result: Result, tmp_path: Path) -> None:
        (path,) = result.save(tmp_path)
        assert (path.stat().st_size > 0, list(tmp_path.iterdir())) == (True, [path])

    @pytest.mark.parametrize("resume", [False, True])
    def test_what_a_killed_process_left_is_not_in_the_way(
        self, result: Result, tmp_path: Path, resume: bool
    ) -> None:
        target = tmp_path / f"nano-banana-pro-{result.task_id}-1.jpg"
        target.touch()
        assert drive(result.saving(tmp_path, resume=resume), result._http) == [target]
        assert (target.stat().st_size > 0, list(tmp_path.iterdir())) == (True, [target])

    def test_a_folder_is(self, tmp_path: Path) -> None:
        (tmp_path / "cat.jpg").mkdir()
        (tmp_path / "part").write_text("ours")
        with pytest.raises(FileExistsError):
            place(tmp_path / "part", tmp_path / "cat.jpg", fresh=True)

    def test_nothing_is_replaced_either(self, result: Result, tmp_path: Path) -> None:
        target = tmp_path / f"nano-banana-pro-{result.task_id}-1.jpg"
        part = tmp_path / "part"
        target.write_text("theirs")
        part.write_text("ours")
        with pytest.raises(FileExistsError):
            place(part, target, fresh=True)
        assert target.read_text() == "theirs"


def test_the_sandbox_gives_the_rest_of_what_broke_off(box: Sandbox, result: Result, tmp_path: Path) -> None:
    box.answer_next("/files/", cut="midway")
    result.save(tmp_path)
    first, second = (request for request in box.requests if request.path.startswith("/files/"))
    assert ("range" in first.headers, second.headers["range"].startswith("bytes="), second.status) == (
        False,
        True,
        206,
    )


def test_who_is_stopped_in_the_middle_leaves_nothing_behind(result: Result, tmp_path: Path) -> None:
    flow = result.saving(tmp_path)
    effect = next(flow)
    while not isinstance(effect, Fetch):
        effect = flow.send(effect.perform(result._http))
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(KeyboardInterrupt):
        flow.throw(KeyboardInterrupt())
    assert list(tmp_path.iterdir()) == []


def test_saving_removes_what_a_killed_process_left(result: Result, tmp_path: Path) -> None:
    left = tmp_path / ".kie-0123.part"
    left.write_text("half")
    os.utime(left, (0, 0))
    assert result.save(tmp_path) == list(tmp_path.iterdir())
