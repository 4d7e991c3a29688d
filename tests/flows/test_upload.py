"""Uploads: what is sent under which name, once for each content, and again when it failed for a moment."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from kie_registry import ApiError, AsyncKie, InvalidRequest, Kie, KieError, LedgerError, TransportError
from kie_registry.sandbox import Sandbox
from kie_registry.testing.serving import client_options


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.flows.upload._PAUSES", (0.01, 0.01))


def uploads(box: Sandbox) -> int:
    return len([request for request in box.requests if "upload" in request.path])


def fetch(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False)


def jpeg(color: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), color).save(buffer, "JPEG")
    return buffer.getvalue()


SOURCES: dict[str, Any] = {
    "a path": lambda path: path,
    "a path as text": str,
    "bytes": lambda path: path.read_bytes(),
    "a file object": lambda path: io.BytesIO(path.read_bytes()),
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES.keys())
def test_every_form_of_a_file_arrives_whole(kie: Kie, photo: Path, make: Any) -> None:
    answer = fetch(kie.upload(make(photo)))
    assert answer.content == photo.read_bytes()
    assert answer.headers["content-type"] == "image/jpeg"


def test_a_pillow_image_arrives_as_png(kie: Kie) -> None:
    answer = fetch(kie.upload(Image.new("RGB", (8, 8), "red")))
    assert answer.headers["content-type"] == "image/png"


def test_a_lying_suffix_is_mended(kie: Kie, tmp_path: Path) -> None:
    liar = tmp_path / "photo.png"
    liar.write_bytes(jpeg())
    assert kie.upload(liar).endswith(".jpg")


def test_a_chosen_name_keeps_its_stem(kie: Kie, photo: Path) -> None:
    assert kie.upload(photo, name="holiday.png").endswith("/holiday.jpg")


def test_the_same_content_is_uploaded_once(box: Sandbox, kie: Kie, photo: Path) -> None:
    kie.generate("nano-banana-edit", "night", images=[photo, photo.read_bytes()])
    kie.generate("nano-banana-edit", "day", images=photo)
    assert uploads(box) == 1


def test_other_content_is_uploaded_under_another_name(kie: Kie) -> None:
    assert kie.upload(jpeg("teal")) != kie.upload(jpeg("red"))


def test_other_files_than_images_keep_their_type(kie: Kie, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    assert fetch(kie.upload(text)).headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("answer", [{"code": 500}, {"status": 503, "body": "busy"}, {"cut": "before"}])
def test_what_fails_for_a_moment_is_tried_again(
    box: Sandbox, kie: Kie, photo: Path, answer: dict[str, Any]
) -> None:
    box.answer_next("upload", times=2, **answer)
    assert fetch(kie.upload(photo)).content == photo.read_bytes()


def test_what_goes_on_failing_is_an_error(box: Sandbox, kie: Kie, photo: Path) -> None:
    box.answer_next("upload", code=500, times=9)
    with pytest.raises(ApiError, match="uploading"):
        kie.upload(photo)
    assert uploads(box) == 3


def test_a_connection_that_goes_on_breaking_is_an_error(box: Sandbox, kie: Kie, photo: Path) -> None:
    box.answer_next("upload", cut="before", times=9)
    with pytest.raises(TransportError):
        kie.upload(photo)


def test_a_refusal_is_not_tried_again(box: Sandbox, kie: Kie, photo: Path) -> None:
    box.answer_next("upload", code=400, message="bad path", times=9)
    with pytest.raises(ApiError, match="bad path"):
        kie.upload(photo)
    assert uploads(box) == 1


def test_fileUrl_in_place_of_downloadUrl(box: Sandbox, kie: Kie, photo: Path) -> None:
    box.answer_next("upload", code=200, data={"fileUrl": "https://files.example/1.jpg"})
    assert kie.upload(photo) == "https://files.example/1.jpg"


def test_an_answer_without_an_address(box: Sandbox, kie: Kie, photo: Path) -> None:
    box.answer_next("upload", code=200, data={"fileName": "x.jpg"})
    with pytest.raises(KieError, match="holds no URL"):
        kie.upload(photo)


@pytest.mark.parametrize(
    ("source", "message"),
    [("missing.jpg", "does not exist"), (b"", "is empty"), (5, "is no file"), (io.StringIO("x"), "binary mode")],
)
def test_what_is_no_file(box: Sandbox, kie: Kie, source: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        kie.upload(source)
    assert box.requests == []


def test_a_name_of_ones_own_is_not_taken_for_the_content(kie: Kie) -> None:
    teal, red = jpeg("teal"), jpeg("red")
    kie.upload(teal, name="x.jpg")
    kie.upload(red, name="x.jpg")
    assert fetch(kie.upload(teal)).content == teal


def test_a_file_object_that_was_read_to_its_end(kie: Kie, photo: Path) -> None:
    with photo.open("rb") as file:
        file.read()
        with pytest.raises(InvalidRequest, match="read to its end already"):
            kie.upload(file)


def test_nothing_is_uploaded_where_the_ledger_cannot_be_used(
    box: Sandbox, open_kie: Callable[..., Kie], photo: Path, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    ledger.write_text("no database, and long enough to be read as the head of one" * 10)
    with pytest.raises(LedgerError, match="no SQLite file"):
        open_kie(ledger=ledger).submit("nano-banana-edit", "night", images=photo)
    assert box.requests == []


def test_what_many_threads_need_at_once_is_uploaded_once(box: Sandbox, kie: Kie) -> None:
    content = jpeg()
    with ThreadPoolExecutor(8) as pool:
        addresses = set(pool.map(lambda _: kie.upload(content), range(8)))
    assert (len(addresses), uploads(box)) == (1, 1)


def test_what_many_coroutines_need_at_once_is_uploaded_once(box: Sandbox) -> None:
    async def run() -> set[str]:
        async with AsyncKie(box.key, **client_options(box)) as kie:
            return set(await asyncio.gather(*(kie.upload(jpeg()) for _ in range(8))))

    assert (len(asyncio.run(run())), uploads(box)) == (1, 1)


def test_where_an_upload_fails_another_who_needs_it_tries(box: Sandbox, kie: Kie) -> None:
    content = jpeg()
    box.answer_next("upload", status=400, code=400, message="no")

    def attempt(_: int) -> str:
        try:
            return kie.upload(content)
        except ApiError:
            return "failed"

    with ThreadPoolExecutor(4) as pool:
        came = sorted(pool.map(attempt, range(4)))
    assert (came.count("failed"), len(set(came)), uploads(box)) == (1, 2, 2)
