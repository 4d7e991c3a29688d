"""Uploads, hosted files, and links to them."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Asker, Clock, Serve

CONTENT = bytes(range(256)) * 8
STREAM, BASE64, URL = "/api/file-stream-upload", "/api/file-base64-upload", "/api/file-url-upload"


def plain(ask: Asker, url: str, **headers: str) -> httpx.Response:
    """Fetch without the key, as results are fetched."""
    return httpx.get(url, headers=headers, trust_env=False)


def test_a_stream_upload(ask: Asker) -> None:
    fields = {"uploadPath": "/images/", "fileName": "ä b.webp"}
    answer = ask.http.post(STREAM, data=fields, files={"file": ("x", CONTENT)}).json()
    url = f"{ask.box.url}/files/uploads/images/%C3%A4%20b.webp"
    assert (answer["success"], answer["code"]) == (True, 200)
    assert answer["data"].pop("uploadedAt").endswith("Z")
    assert answer["data"] == {
        "fileName": "ä b.webp",
        "filePath": "images/ä b.webp",
        "downloadUrl": url,
        "fileSize": 2048,
        "mimeType": "image/webp",
    }
    assert plain(ask, url).content == CONTENT


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "data:;base64,"])
def test_a_base64_upload(ask: Asker, prefix: str) -> None:
    text = prefix + base64.b64encode(CONTENT).decode()
    answer = ask.post(BASE64, base64Data=text, uploadPath="images", fileName="b.png")
    assert plain(ask, answer["data"]["downloadUrl"]).content == CONTENT


def test_an_upload_from_a_url(ask: Asker) -> None:
    answer = ask.post(URL, fileUrl=ask.upload(CONTENT, "source.jpg"), uploadPath="copies")
    assert plain(ask, answer["data"]["downloadUrl"]).content == CONTENT


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (BASE64, {"base64Data": "aGk="}, 422),
        (BASE64, {"base64Data": "aGk=", "uploadPath": "//"}, 422),
        (BASE64, {"base64Data": "aGk=", "uploadPath": "a/../b"}, 422),
        (BASE64, {"base64Data": "aGk=", "uploadPath": "a", "fileName": "../b.png"}, 422),
        (BASE64, {"base64Data": "aGk=", "uploadPath": "a", "fileName": ".."}, 422),
        (BASE64, {"base64Data": "!!!!", "uploadPath": "a"}, 422),
        (BASE64, {"base64Data": "ä", "uploadPath": "a"}, 422),
        (BASE64, {"uploadPath": "a"}, 422),
        (BASE64, {"base64Data": "A" * 14_000_000, "uploadPath": "a"}, 413),
        (URL, {"uploadPath": "a"}, 422),
        (URL, {"fileUrl": "http://example.com/a.png", "uploadPath": "a"}, 400),
        (URL, {"fileUrl": "http://127.0.0.1:1/a.png", "uploadPath": "a"}, 400),
        (URL, {"fileUrl": "http://[bad", "uploadPath": "a"}, 400),
        (STREAM, {"uploadPath": "a"}, 422),
    ],
)
def test_a_wrong_upload_is_refused(ask: Asker, path: str, body: dict[str, Any], code: int) -> None:
    answer = ask.post(path, **body)
    assert (answer["success"], answer["code"], answer["data"]) == (False, code, None)


@pytest.mark.parametrize(("name", "suffix"), [("x.JPG", ".JPG"), ("x", ".bin")])
def test_an_unnamed_upload_gets_a_name_of_its_own(ask: Asker, name: str, suffix: str) -> None:
    names = {
        ask.http.post(STREAM, data={"uploadPath": "a"}, files={"file": (name, b"x")}).json()["data"]["fileName"]
        for _ in range(2)
    }
    assert len(names) == 2
    assert all(name.endswith(suffix) for name in names)


def test_an_upload_of_the_same_name_replaces_the_first(ask: Asker) -> None:
    ask.upload(b"first", "same.png")
    assert plain(ask, ask.upload(b"second", "same.png")).content == b"second"


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-3", 206, CONTENT[:4]),
        ("bytes=2000-", 206, CONTENT[2000:]),
        ("bytes=-5", 206, CONTENT[-5:]),
        ("bytes=9999-", 416, b""),
    ],
)
def test_ranges_are_honoured(ask: Asker, asked: str, status: int, content: bytes) -> None:
    answer = plain(ask, ask.upload(CONTENT, "range.png"), Range=asked)
    assert (answer.status_code, answer.content) == (status, content)


def test_head_tells_type_and_length(ask: Asker) -> None:
    answer = ask.http.head(ask.upload(CONTENT, "head.jpg"))
    told = (answer.headers["content-type"], answer.headers["content-length"], answer.content)
    assert told == ("image/jpeg", "2048", b"")


@pytest.mark.parametrize("name", ["uploads/none.png", "results/none.png", "", "../app.py"])
def test_a_file_that_is_not_there_is_a_real_404(ask: Asker, name: str) -> None:
    assert plain(ask, f"{ask.box.url}/files/{name}").status_code == 404


def test_a_result_is_not_there_before_its_task_ends(serve: Serve) -> None:
    clock = Clock()
    ask = serve(latency=10, clock=clock)
    task_id = ask.create()["data"]["taskId"]
    url = f"{ask.box.url}/files/results/{task_id}-1.png"
    before = plain(ask, url).status_code
    clock.now += 10
    assert [before, plain(ask, url).status_code] == [404, 200]


def test_a_download_link_is_valid_for_twenty_minutes(serve: Serve) -> None:
    clock = Clock()
    ask = serve(clock=clock)
    link = ask.post("/api/v1/common/download-url", url=ask.upload(CONTENT))["data"]
    clock.now += 1199
    statuses = [plain(ask, link).status_code]
    clock.now += 1
    statuses.append(plain(ask, link).status_code)
    assert statuses == [200, 403]


@pytest.mark.parametrize("url", ["https://example.com/a.png", "nonsense", "", None, 5])
def test_a_download_link_is_given_for_hosted_files_only(ask: Asker, url: Any) -> None:
    assert ask.post("/api/v1/common/download-url", url=url)["code"] == 422
