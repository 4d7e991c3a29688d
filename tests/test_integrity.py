"""Whether images are whole: every kind that can be told, cut off anywhere, with and without Pillow."""

from __future__ import annotations

import io
import random
import struct
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from kie_registry.integrity import damage

KINDS = {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}


def picture(kind: str, *, size: int = 48, **options: object) -> bytes:
    """Return a picture of noise."""
    file = io.BytesIO()
    noise(size).save(file, kind.upper(), **options)
    return file.getvalue()


def noise(size: int, seed: int = 0) -> Image.Image:
    """Return noise, the same each time."""
    return Image.frombytes("RGB", (size, size), random.Random(seed).randbytes(3 * size * size))


CONTENT = {kind: picture(kind) for kind in KINDS}


@pytest.fixture(params=["with Pillow", "without Pillow"])
def pillow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether Pillow can be imported."""
    if request.param == "without Pillow":
        monkeypatch.setitem(sys.modules, "PIL", None)
    return bool(request.param == "with Pillow")


def found(directory: Path, content: bytes, claimed: str = "") -> str | None:
    """Say what is wrong with a file of this content."""
    path = directory / "file"
    path.write_bytes(content)
    return damage(path, claimed)


def with_preview() -> bytes:
    """Return a JPEG with a whole little one in its head, as cameras write them."""
    preview = picture("jpeg", size=16)
    whole = CONTENT["jpeg"]
    return whole[:2] + b"\xff\xe1" + struct.pack(">H", len(preview) + 2) + preview + whole[2:]


def two_frames(kind: str) -> bytes:
    """Return a moving picture."""
    file = io.BytesIO()
    frames = [noise(32, seed) for seed in range(2)]
    frames[0].save(file, kind.upper(), save_all=True, append_images=frames[1:])
    return file.getvalue()


PREVIEW = with_preview()
WHOLE = {
    **CONTENT,
    "a preview": PREVIEW,
    "progressive": picture("jpeg", progressive=True),
    "fill bytes": CONTENT["jpeg"][:2] + b"\xff\xff" + CONTENT["jpeg"][2:],
    "moving gif": two_frames("gif"),
    "moving webp": two_frames("webp"),
    "lossless webp": picture("webp", lossless=True),
    "zeros after the end of a gif": CONTENT["gif"] + b"\0\0",
    "more after the end of a jpeg": CONTENT["jpeg"] + b"appended" * 100,
    "more after the end of a png": CONTENT["png"] + b"appended",
    "a video": b"\0\0\0\x18ftypmp42" + bytes(40),
    "text": b"hello",
    "nothing": b"",
}


@pytest.mark.parametrize("content", WHOLE.values(), ids=WHOLE.keys())
def test_what_is_whole(pillow: bool, tmp_path: Path, content: bytes) -> None:
    assert found(tmp_path, content) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("left", [0.2, 0.5, 0.99])
def test_what_is_cut_off(pillow: bool, tmp_path: Path, kind: str, left: float) -> None:
    content = CONTENT[kind]
    assert found(tmp_path, content[: int(len(content) * left)])


def test_a_preview_that_is_whole_does_not_stand_for_the_picture(pillow: bool, tmp_path: Path) -> None:
    assert found(tmp_path, PREVIEW[:-500])


@pytest.mark.parametrize("claimed", [*KINDS.values(), "image/jpg"])
@pytest.mark.parametrize("content", [b"", b"{}", b"\0" * 100])
def test_what_is_none_although_it_claims_to_be(tmp_path: Path, claimed: str, content: bytes) -> None:
    assert found(tmp_path, content, claimed) == f"it is no {claimed}, although it claims to be"


@pytest.mark.parametrize("claimed", ["image/svg+xml", "video/mp4", "application/octet-stream", ""])
def test_what_cannot_be_told(tmp_path: Path, claimed: str) -> None:
    assert found(tmp_path, b"<svg/>", claimed) is None


def test_another_kind_of_image_than_claimed_is_whole(tmp_path: Path) -> None:
    assert found(tmp_path, CONTENT["png"], "image/jpeg") is None


def test_a_wrong_byte_in_the_middle_is_found_by_decoding(tmp_path: Path) -> None:
    content = CONTENT["png"]
    assert "does not decode" in str(found(tmp_path, content[:400] + b"\0\0\0\0\0" + content[405:]))


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def test_a_picture_that_would_fill_the_memory_is_not_decoded(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 6, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(99)))
        + chunk(b"IEND", b"")
    )
    assert found(tmp_path, bomb) is None


def test_a_head_without_an_end_is_not_followed_for_ever(tmp_path: Path) -> None:
    assert found(tmp_path, b"\xff\xd8" + b"\xff\xe1\0\2" * 5000 + CONTENT["jpeg"][2:]) is not None


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(sorted(KINDS)), at=st.integers(8, 2000), other=st.binary(max_size=40))
def test_whatever_stands_in_it_there_is_an_answer(
    tmp_path_factory: pytest.TempPathFactory, kind: str, at: int, other: bytes
) -> None:
    content = CONTENT[kind]
    answer = found(tmp_path_factory.getbasetemp(), content[:at] + other + content[at + len(other) :])
    assert answer is None or isinstance(answer, str)
