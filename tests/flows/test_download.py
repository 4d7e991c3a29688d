"""Saving: whole files under our own names, nothing replaced unless told, no key sent along."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kie_registry import ApiError, ConfigurationError, Kie, KieError, OutputExists, Result, TransportError
from kie_registry.sandbox import Sandbox


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
