"""Fetching one file: what breaks off is resumed, what is damaged or expired is fetched anew, and no further."""

from __future__ import annotations

import asyncio
import gzip
import io
import itertools
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from kie_registry import ApiError, Kie, KieError, Result, TransportError
from kie_registry.effects import Flow, drive, drive_async
from kie_registry.flows.download import Saving, save
from kie_registry.http import AsyncHttp, Http
from kie_registry.sandbox import Sandbox
from kie_registry.settings import Settings
from tests.canned import Canned, canned, http
from tests.dripping import DRIPS, dripping

TEXT = b"0123456789" * 10
TAG = '"edition-1"'


def png(size: int = 8) -> bytes:
    """Return a picture of noise, which does not become small."""
    file = io.BytesIO()
    Image.effect_noise((size, size), 80).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.flows.fetch._PAUSES", (0.01, 0.01, 0.01))


Save = Callable[..., bytes]


@pytest.fixture(params=["blocking", "asynchronous"])
def fetched(request: pytest.FixtureRequest, tmp_path: Path) -> Save:
    """Saves what a server has at /file.bin, with either driver, and returns the content."""

    def run(server: Canned | str, path: str = "/file.bin", *, http_timeout: float = 60, **options: Any) -> bytes:
        url = server if isinstance(server, str) else server.url
        settings = Settings.resolve("the-key", url, http_timeout=http_timeout)
        where: dict[str, Any] = {"sources": settings.file_sources, **options}
        flow = save(Saving([url + path], tmp_path, None, False, "task_1", None, **where))
        if request.param == "blocking":
            client = Http(settings)
            try:
                (saved,) = drive(flow, client)
            finally:
                client.close()
            return saved.read_bytes()
        return asyncio.run(_saved(flow, settings))

    return run


async def _saved(flow: Flow[list[Path]], settings: Settings) -> bytes:
    client = AsyncHttp(settings)
    try:
        (saved,) = await drive_async(flow, client)
    finally:
        await client.close()
    return saved.read_bytes()


def part(start: int, body: bytes, whole: object = len(TEXT)) -> bytes:
    """Return an answer with a part of the file."""
    return http(
        body, "206 Partial Content", content_range=f"bytes {start}-{start + len(body) - 1}/{whole}", etag=TAG
    )


def broken(body: bytes, **headers: str) -> bytes:
    """Return an answer that promises all of `TEXT`."""
    return http(body, content_length=str(len(TEXT)), **headers)


HALF = broken(TEXT[:50], etag=TAG)
RESUMED: dict[str, tuple[list[bytes], list[str]]] = {
    "by its tag": ([HALF, part(50, TEXT[50:])], ["", f"bytes=50- if {TAG}"]),
    "by its date": (
        [broken(TEXT[:50], last_modified="Mon, 01 Jun 2026 00:00:00 GMT"), part(50, TEXT[50:])],
        ["", "bytes=50- if Mon, 01 Jun 2026 00:00:00 GMT"],
    ),
    "twice": (
        [
            HALF,
            http(TEXT[50:70], "206 Partial Content", content_length="50", content_range="bytes 50-99/100"),
            part(70, TEXT[70:]),
        ],
        ["", f"bytes=50- if {TAG}", f"bytes=70- if {TAG}"],
    ),
    "busy meanwhile": (
        [HALF, http(b"", "503 Service Unavailable"), part(50, TEXT[50:])],
        ["", f"bytes=50- if {TAG}", f"bytes=50- if {TAG}"],
    ),
    "of a size that is not told": ([HALF, part(50, TEXT[50:], "*")], ["", f"bytes=50- if {TAG}"]),
    "a server that takes no ranges": ([HALF, http(TEXT)], ["", f"bytes=50- if {TAG}"]),
    "a server that says so": ([broken(TEXT[:50], etag=TAG, accept_ranges="none"), http(TEXT)], ["", ""]),
    "a weak tag": ([broken(TEXT[:50], etag="W/" + TAG), http(TEXT)], ["", ""]),
    "without a tag": ([broken(TEXT[:50]), http(TEXT)], ["", ""]),
    "another part": ([HALF, part(40, TEXT[40:]), http(TEXT)], ["", f"bytes=50- if {TAG}", ""]),
    "of another file": ([HALF, part(50, TEXT[50:], 777), http(TEXT)], ["", f"bytes=50- if {TAG}", ""]),
    "no such part": ([HALF, http(b"", "416 Range Not Satisfiable"), http(TEXT)], ["", f"bytes=50- if {TAG}", ""]),
    "another edition": ([HALF, http(TEXT, etag='"edition-2"')], ["", f"bytes=50- if {TAG}"]),
}


@pytest.mark.parametrize(("answers", "asked"), RESUMED.values(), ids=RESUMED.keys())
def test_what_broke_off_is_resumed_where_it_can_be(fetched: Save, answers: list[bytes], asked: list[str]) -> None:
    with canned(*answers) as server:
        assert (fetched(server), [_range(head) for head in server.requests]) == (TEXT, asked)


def _range(head: str) -> str:
    fields = dict(line.split(": ", 1) for line in head.strip().splitlines()[1:])
    return f"{fields['Range']} if {fields['If-Range']}" if "Range" in fields else ""


WHOLE = {
    "in one piece": http(TEXT),
    "in chunks": http(b"64\r\n" + TEXT + b"\r\n0\r\n\r\n", content_length="", transfer_encoding="chunked"),
    "until the connection ends": http(TEXT, content_length=""),
    "compressed": http(gzip.compress(TEXT), content_encoding="gzip"),
}


@pytest.mark.parametrize("answer", WHOLE.values(), ids=WHOLE.keys())
def test_a_file_arrives(fetched: Save, answer: bytes) -> None:
    with canned(answer) as server:
        assert fetched(server) == TEXT


def test_it_is_asked_for_as_it_is(fetched: Save) -> None:
    with canned(http(TEXT)) as server:
        fetched(server)
        assert "Accept-Encoding: identity" in server.requests[0]


def test_nobody_gets_the_key(fetched: Save) -> None:
    with canned(http(TEXT)) as server:
        fetched(server)
        assert "the-key" not in server.requests[0]


REFUSED: dict[str, tuple[bytes, dict[str, Any], type[KieError], str]] = {
    "broken off for good": (HALF, {}, TransportError, "no answer from"),
    "cut in a chunk": (
        http(b"64\r\n" + TEXT[:50], content_length="", transfer_encoding="chunked"),
        {},
        TransportError,
        "incomplete chunked",
    ),
    "empty": (http(), {}, TransportError, "the file is empty"),
    "announced too large": (http(TEXT), {"max_bytes": 99}, KieError, "has 100 bytes, and max_bytes is 99"),
    "too large": (http(TEXT, content_length=""), {"max_bytes": 99}, KieError, "has more than 99 bytes"),
    "unpacked too large": (
        http(gzip.compress(bytes(1 << 20)), content_encoding="gzip"),
        {"max_bytes": 9999},
        KieError,
        "has more than 9,999 bytes",
    ),
    "compressed twice": (
        http(gzip.compress(gzip.compress(TEXT)), content_encoding="gzip, gzip"),
        {},
        KieError,
        "more than once",
    ),
    "badly compressed": (http(TEXT, content_encoding="gzip"), {}, TransportError, "incorrect header check"),
    "compressed in a way of its own": (http(TEXT, content_encoding="lzma"), {}, ApiError, "compressed as 'lzma'"),
    "forbidden": (http(b"no", "401 Unauthorized"), {}, ApiError, "HTTP 401"),
    "gone, without a key": (
        http(b"no", "404 Not Found"),
        {},
        ApiError,
        r"kie.download_url\(url\) makes a new one",
    ),
    "round and round": (http(b"", "302 Found", location="/file.bin"), {}, TransportError, "more than 5 times"),
    "to a file of this machine": (
        http(b"", "302 Found", location="file:///etc/hostname"),
        {},
        TransportError,
        "no http or https URL",
    ),
    "to nowhere": (http(b"", "302 Found", location="http://[::1"), {}, TransportError, "no URL"),
    "a redirection that does not say where": (http(b"", "302 Found"), {}, ApiError, "HTTP 302"),
    "no size": (http(TEXT), {"max_bytes": 0}, KieError, "max_bytes is 0; it takes a positive integer"),
}


@pytest.mark.parametrize(("answer", "options", "kind", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_saved_says_why_and_leaves_nothing(
    fetched: Save, tmp_path: Path, answer: bytes, options: dict[str, Any], kind: type[KieError], words: str
) -> None:
    with canned(answer) as server, pytest.raises(kind, match=words) as caught:
        fetched(server, **options)
    assert (caught.value.task_id, caught.value.charged, list(tmp_path.iterdir())) == ("task_1", "yes", [])


def test_what_was_not_asked_for_is_not_unpacked(fetched: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    # As after the installation of a package that httpx unpacks other kinds with.
    monkeypatch.setitem(httpx._decoders.SUPPORTED_DECODERS, "br", httpx._decoders.GZipDecoder)
    bomb = http(gzip.compress(bytes(1 << 20)), content_encoding="br")
    with canned(bomb) as server, pytest.raises(ApiError, match="compressed as 'br'"):
        fetched(server, max_bytes=9999)


def test_redirections_are_followed(fetched: Save) -> None:
    with canned(http(b"", "302 Found", location="/other?a=1"), http(TEXT)) as server:
        assert fetched(server) == TEXT
        assert server.requests[1].startswith("GET /other?a=1 ")


def test_what_comes_in_megabytes_is_worth_going_on_with(fetched: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.flows.fetch._PROGRESS", 10)
    halves = [
        http(
            TEXT[at : at + 10],
            "206 Partial Content",
            content_length=str(100 - at),
            content_range=f"bytes {at}-99/100",
        )
        for at in range(10, 100, 10)
    ]
    with canned(broken(TEXT[:10], etag=TAG), *halves) as server:
        assert fetched(server) == TEXT


def test_but_only_what_was_not_there_before(fetched: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.flows.fetch._PROGRESS", 10)
    refused = http(b"", "416 Range Not Satisfiable")
    # A file at last, for who goes on without end.
    with canned(*[HALF, refused] * 5, http(TEXT)) as server, pytest.raises(TransportError):
        fetched(server)


HEAD = b"HTTP/1.1 200 OK\r\n"
DRIPPING = {
    "its bytes": (HEAD + b"\r\n", b"x", b""),
    "what is no part of it": (HEAD, b"X-Slow: x\r\n", b"\r\nx"),
    "the sizes of its chunks": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;",
        b"x" * 1024,
        b"\r\nx\r\n0\r\n\r\n",
    ),
}


@pytest.mark.parametrize("pieces", DRIPPING.values(), ids=DRIPPING.keys())
def test_a_file_that_drips_is_given_up(
    fetched: Save, monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, bytes, bytes]
) -> None:
    monkeypatch.setattr("kie_registry.flows.fetch._PAUSES", ())
    with dripping(*pieces) as url, pytest.raises(TransportError, match="Nothing is lost"):
        fetched(url, http_timeout=0.15)


def test_a_file_that_comes_slowly_is_not(fetched: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each look at the clock takes two seconds; there are two before a piece is read, and one after that.
    seconds = itertools.count(0, 2)
    monkeypatch.setattr("kie_registry.deadlines.monotonic", lambda: next(seconds))
    monkeypatch.setattr("kie_registry.flows.fetch._PAUSES", ())
    piece = b"x" * (8 << 10)
    with dripping(HEAD + b"\r\n", piece, pause=0.005) as url:
        assert fetched(url) == piece * DRIPS


DAMAGED = {
    "cut off": png(32)[:-200],
    "no picture": b"oops" * 30,
    "a wrong byte": png(32)[:300] + b"\0\0\0\0" + png(32)[304:],
}


@pytest.mark.parametrize("body", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_picture_is_fetched_again(fetched: Save, body: bytes) -> None:
    with canned(http(body, etag=TAG), http(png())) as server:
        assert (fetched(server, "/1.png")[:4], _range(server.requests[1])) == (b"\x89PNG", "")


def test_one_that_stays_damaged_says_where_it_is(fetched: Save, tmp_path: Path) -> None:
    with canned(http(DAMAGED["cut off"])) as server, pytest.raises(TransportError, match="damaged") as caught:
        fetched(server, "/1.png")
    assert f"{server.url}/1.png" in str(caught.value)
    assert "Nothing is lost" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def renewable(kie: Kie) -> Result:
    """A result whose client can renew its link."""
    return kie.generate("nano-banana-pro", "a cat")


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_expired_link_is_renewed(box: Sandbox, renewable: Result, tmp_path: Path, status: int) -> None:
    box.answer_next("/files/", status=status, body="expired")
    (path,) = renewable.save(tmp_path)
    assert (path.stat().st_size > 0, box.requests[-1].query.startswith("expires=")) == (True, True)


def test_but_only_once(box: Sandbox, renewable: Result, tmp_path: Path) -> None:
    box.answer_next("/files/", status=403, body="expired", times=9)
    with pytest.raises(ApiError, match="HTTP 403"):
        renewable.save(tmp_path)
    assert sum("download-url" in request.path for request in box.requests) == 1


NOT_RENEWED: dict[str, tuple[dict[str, Any], str, bool]] = {
    "gone": ({"code": 422, "message": "too old"}, "kie.ai no longer has the file", False),
    "busy": ({"code": 429, "message": "slow"}, "could not be renewed", True),
    "no answer": ({"cut": "before"}, "could not be renewed", True),
}


@pytest.mark.parametrize(("answer", "words", "retryable"), NOT_RENEWED.values(), ids=NOT_RENEWED.keys())
def test_a_link_that_cannot_be_renewed(
    box: Sandbox, renewable: Result, tmp_path: Path, answer: dict[str, Any], words: str, retryable: bool
) -> None:
    box.answer_next("/files/", status=403, body="expired")
    box.answer_next("download-url", times=9, **answer)
    with pytest.raises(KieError, match=words) as caught:
        renewable.save(tmp_path)
    assert (caught.value.retryable, caught.value.task_id) == (retryable, renewable.task_id)


def test_a_restored_result_has_no_key_to_renew_with(box: Sandbox, renewable: Result, tmp_path: Path) -> None:
    restored = pickle.loads(pickle.dumps(renewable))
    box.answer_next("/files/", status=403, body="expired")
    with pytest.raises(ApiError, match="no key here to renew it with"):
        restored.save(tmp_path)
