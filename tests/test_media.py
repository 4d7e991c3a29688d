"""Local files: what may be given, and what it really is."""

from __future__ import annotations

import hashlib
import io
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from kie_models.nano_banana_edit import NanoBananaEdit
from PIL import Image

from kie_registry.binding import check_file
from kie_registry.media import LocalFile, UnusableMedia, address_problem, inspect, is_address
from kie_registry.slots import MediaSlot
from tests.models import URLS, adapter, flat


def drawn(kind: str, mode: str = "RGB") -> bytes:
    """Return a real picture, encoded as `kind`."""
    buffer = io.BytesIO()
    Image.new(mode, (4, 4)).save(buffer, kind)
    return buffer.getvalue()


PNG = drawn("PNG")

SOURCES: dict[str, Callable[[Path], Any]] = {
    "path": lambda path: path,
    "text path": str,
    "bytes": lambda path: path.read_bytes(),
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "BytesIO": lambda path: io.BytesIO(path.read_bytes()),
}


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    return path


@pytest.mark.parametrize("given", SOURCES.values(), ids=SOURCES)
class TestEachSource:
    def test_is_recognised(self, png: Path, given: Callable[[Path], Any]) -> None:
        file = inspect(given(png))
        assert (file.mime_type, file.suffix, file.size) == ("image/png", ".png", len(PNG))

    def test_has_the_digest_of_its_content(self, png: Path, given: Callable[[Path], Any]) -> None:
        assert inspect(given(png)).digest == hashlib.sha256(PNG).hexdigest()

    def test_can_be_read_twice(self, png: Path, given: Callable[[Path], Any]) -> None:
        file = inspect(given(png))
        with file.open() as first, file.open() as second:
            assert (first.read(), second.read()) == (PNG, PNG)


def test_an_open_file_goes_by_its_name(png: Path) -> None:
    with png.open("rb") as opened:
        assert inspect(opened).label == str(png)


def test_the_same_file_object_may_be_given_twice(png: Path) -> None:
    with png.open("rb") as opened:
        assert [inspect(opened).size, inspect(opened).size] == [len(PNG)] * 2


def test_a_file_object_that_can_only_be_read_will_do() -> None:
    assert inspect(types.SimpleNamespace(read=lambda: PNG)).size == len(PNG)


def test_a_path_may_start_with_a_tilde(png: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(png.parent))
    monkeypatch.setenv("USERPROFILE", str(png.parent))
    assert inspect("~/a.png").size == len(PNG)


def test_a_large_file_is_read_to_its_end(tmp_path: Path) -> None:
    content = PNG + bytes(3 << 20)
    (tmp_path / "large.png").write_bytes(content)
    file = inspect(tmp_path / "large.png")
    assert (file.size, file.digest) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("mode", "encoded"),
    [
        ("1", "1"),
        ("L", "L"),
        ("LA", "LA"),
        ("P", "P"),
        ("RGB", "RGB"),
        ("RGBA", "RGBA"),
        ("I;16", "I;16"),
        ("I", "I;16"),
        ("CMYK", "RGB"),
        ("YCbCr", "RGB"),
        ("HSV", "RGB"),
        ("LAB", "RGB"),
        ("F", "RGB"),
        ("PA", "RGBA"),
        ("RGBa", "RGBA"),
    ],
)
def test_a_pillow_image_becomes_a_png_that_keeps_what_png_can_keep(mode: str, encoded: str) -> None:
    file = inspect(Image.new(mode, (4, 4)))
    with file.open() as opened:
        assert (file.mime_type, Image.open(opened).mode) == ("image/png", encoded)


def closed() -> BinaryIO:
    file = io.BytesIO(PNG)
    file.close()
    return file


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda folder: folder / "missing.png", "missing.png does not exist, and is no URL"),
        (lambda folder: "www.example.com/a.png", "does not exist, and is no URL"),
        (lambda folder: folder, "is a directory"),
        (lambda folder: "", "is a directory"),
        (lambda folder: folder / "text.txt" / "a.png", "cannot be read: Not a directory"),
        (lambda folder: "a\0b.png", "cannot be read"),
        (lambda folder: "~no-such-user-here/a.png", "no-such-user-here/a.png"),
        (lambda folder: folder / "empty.png", "empty.png is empty"),
        (lambda folder: b"", "is empty"),
        (lambda folder: closed(), "closed"),
        (lambda folder: io.StringIO("text"), "text file object; open the file in binary mode, 'rb'"),
        (lambda folder: Image.new("RGB", (0, 0)), "cannot be encoded as PNG"),
        (lambda folder: None, "is no file but NoneType: give a URL, a path, bytes"),
        (lambda folder: [PNG], "is no file but list"),
    ],
    ids=[
        "missing", "no scheme", "directory", "no path", "under a file", "nul", "no such user", "empty file",
        "no bytes", "closed", "text file", "no pixels", "None", "list",
    ],
)  # fmt: skip
def test_what_cannot_be_used_says_why(tmp_path: Path, make: Callable[[Path], Any], part: str) -> None:
    (tmp_path / "text.txt").write_text("text")
    (tmp_path / "empty.png").touch()
    with pytest.raises(UnusableMedia) as caught:
        inspect(make(tmp_path))
    assert part in str(caught.value)


def test_a_file_that_is_open_for_writing_cannot_be_used(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as opened, pytest.raises(UnusableMedia, match=r"a\.png"):
        inspect(opened)


def test_the_message_about_a_data_url_is_short() -> None:
    with pytest.raises(UnusableMedia) as caught:
        inspect("data:image/png;base64," + "A" * 50_000)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://a.b/c.png", True),
        ("ftp://a.b/c.png", True),
        ("a.png", False),
        ("C:\\a.png", False),
        ("data:image/png;base64,AAAA", True),
        (b"https://a.b", False),
        (None, False),
    ],
    ids=repr,
)
def test_only_text_with_a_scheme_is_meant_as_a_url(value: Any, expected: bool) -> None:
    assert is_address(value) is expected


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("https://a.b/c.png", None),
        ("http://127.0.0.1:8000/c.png?x=1#y", None),
        ("HTTPS://A.B/ü.png", None),
        ("https://[::1]:8000/c.png", None),
        ("ftp://a.b/c.png", "is no http or https URL"),
        ("a.b/c.png", "is no http or https URL"),
        ("", "is no http or https URL"),
        ("https://", "it needs a host"),
        ("https://:443/c.png", "it needs a host"),
        ("https://a.b/c d.png", "no white space"),
        ("https://a.b/c.png\n", "no white space"),
        ("https://a.b/\x00", "is no URL"),
        ("https://[::1/c.png", "is no URL"),
        ("https://a.b:99999/", "is no URL"),
        ("https://a.b:x/", "is no URL"),
    ],
    ids=repr,
)
def test_a_url_is_checked(address: str, part: str | None) -> None:
    found = address_problem(address)
    assert found is None if part is None else part in (found or "no problem")


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("asset://asset-123", None),
        ("ASSET://asset-123", None),
        ("https://a.b/c.png", None),
        ("asset://", "it names nothing"),
        ("asset://a b", "is no URL"),
        ("ftp://a.b/c", "is no http, https or asset URL"),
    ],
)
def test_a_further_scheme_is_accepted_where_it_is_named(address: str, part: str | None) -> None:
    found = address_problem(address, ["asset"])
    assert found is None if part is None else part in (found or "no problem")


@pytest.mark.parametrize(
    ("kind", "mime_type", "problem"),
    [
        ("video", "video/mp4", None),
        ("video", None, None),
        ("video", "image/png", "video: a is image/png; it takes a video"),
        ("audio", "video/mp4", "audio: a is video/mp4; it takes audio"),
        ("image", "text/plain", "image: a is text/plain; it takes an image"),
        ("file", "text/plain", None),
    ],
)
def test_a_file_is_checked_for_its_kind_where_no_types_are_documented(
    kind: str, mime_type: str | None, problem: str | None
) -> None:
    built = adapter(flat({kind: URLS}, media={kind: {"kind": kind}}))
    found = check_file(built, MediaSlot(kind, (kind, 0), "a"), LocalFile("a", mime_type, 1, "", io.BytesIO))
    assert [problem.message for problem in found] == ([problem.partition(": ")[2]] if problem else [])


@pytest.mark.parametrize(
    ("kind", "part"),
    [("image", "a binary file object or a Pillow image"), ("video", "a path, bytes, a binary file object")],
)
def test_what_is_no_file_names_what_would_be_one(kind: str, part: str) -> None:
    with pytest.raises(UnusableMedia) as caught:
        inspect(5, f"the {kind}", kind)
    assert str(caught.value).endswith(part)


def test_a_long_url_is_shown_in_short() -> None:
    assert len(address_problem("ftp://a.b/" + "c" * 5_000) or "") < 200


KINDS = "image/jpeg, image/png or image/webp"


@pytest.mark.parametrize(
    ("mime_type", "size", "problem"),
    [
        ("image/png", 10 * 2**20, None),
        ("image/png", 10 * 2**20 + 2**18, "a has 10,747,904 bytes; at most 10,485,760 (10 MB) are allowed"),
        ("image/gif", 1, f"a is image/gif; it takes {KINDS}"),
        (
            None,
            1,
            f"a is no image: its content has no known signature; it takes {KINDS}",
        ),
    ],
    ids=["within", "too large", "another kind", "no kind"],
)
def test_a_file_is_checked_against_the_limits(mime_type: str | None, size: int, problem: str | None) -> None:
    file = LocalFile("a", mime_type, size, "", io.BytesIO)
    found = check_file(NanoBananaEdit, MediaSlot("image_urls", ("image_urls", 0), "a"), file)
    assert [str(each) for each in found] == ([f"images (image_urls): {problem}"] if problem else [])


def test_a_file_that_is_a_byte_too_large_is_not_shown_as_large_as_the_limit() -> None:
    file = LocalFile("a", "image/png", 10 * 2**20 + 1, "", io.BytesIO)
    (problem,) = check_file(NanoBananaEdit, MediaSlot("image_urls", ("image_urls", 0), "a"), file)
    assert "a has 10,485,761 bytes; at most 10,485,760" in problem.message
