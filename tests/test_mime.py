"""MIME types: what the first bytes of a file tell, and which types are the same."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest
from PIL import Image

from kie_registry.media import inspect
from kie_registry.mime import same_type, sniff, suffix_of


def drawn(kind: str, mode: str = "RGB") -> bytes:
    """Return a real picture, encoded as `kind`."""
    buffer = io.BytesIO()
    Image.new(mode, (4, 4)).save(buffer, kind)
    return buffer.getvalue()


def sound() -> bytes:
    """Return a real, silent WAVE file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16))
    return buffer.getvalue()


PNG = drawn("PNG")
FILES: list[tuple[str, bytes, str | None]] = [
    ("a.png", PNG, "image/png"),
    ("a.jpg", drawn("JPEG"), "image/jpeg"),
    ("a.webp", drawn("WEBP"), "image/webp"),
    ("a.gif", drawn("GIF"), "image/gif"),
    ("a.bmp", drawn("BMP"), "image/bmp"),
    ("a.tiff", drawn("TIFF"), "image/tiff"),
    ("a.wav", sound(), "audio/wav"),
    ("a.mp4", b"\0\0\0\x20ftypisom\0\0\2\0", "video/mp4"),
    ("a.m4v", b"\0\0\0\x20ftypM4V \0\0\2\0", "video/mp4"),
    ("a.m4a", b"\0\0\0\x20ftypM4A \0\0\2\0", "audio/mp4"),
    ("isom.m4a", b"\0\0\0\x20ftypisom\0\0\2\0", "audio/mp4"),
    ("a.mov", b"\0\0\0\x14ftypqt  \0\0\2\0", "video/quicktime"),
    ("old.mov", b"\0\0\0\x08wide\0\0\0\0mdat", "video/quicktime"),
    ("a.webm", b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\xf7\x81\1B\xf2\x81\4B\xf3\x81\x08B\x82\x84webm", "video/webm"),
    ("a.mkv", b"\x1aE\xdf\xa3\xa3B\x86\x81\1B\xf7\x81\1B\xf2\x81\4B\x82\x88matroska", "video/x-matroska"),
    ("a.avi", b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
    ("a.mp3", b"ID3\4\0\0\0\0\0\0", "audio/mpeg"),
    ("frames.mp3", b"\xff\xfb\x90\x64\0\0", "audio/mpeg"),
    ("low.mp3", b"\xff\xe3\x18\xc4\0\0", "audio/mpeg"),
    ("a.aac", b"\xff\xf1\x50\x80\0\x1f\xfc", "audio/aac"),
    ("mpeg2.aac", b"\xff\xf9\x50\x80\0\x1f\xfc", "audio/aac"),
    ("a.ogg", b"OggS\0\2" + bytes(22) + b"\1vorbis", "audio/ogg"),
    ("a.ogv", b"OggS\0\2" + bytes(22) + b"\x80theora", "video/ogg"),
    ("a.flac", b"fLaC\0\0\0\x22", "audio/flac"),
    ("named-only.wav", b"no signature", "audio/wav"),
    ("lying.jpg", PNG, "image/png"),
    ("lying.txt", drawn("JPEG"), "image/jpeg"),
    ("no-suffix", drawn("WEBP"), "image/webp"),
    ("text.png", b"no image at all", None),
    ("text.txt", b"BMW is a maker of cars", "text/plain"),
    ("vector.svg", b"<svg/>", "image/svg+xml"),
    ("no-suffix", b"nobody knows", None),
]


@pytest.mark.parametrize(("name", "content", "kind"), FILES, ids=[f"{name} {kind}" for name, _, kind in FILES])
def test_the_content_tells_what_a_file_is(tmp_path: Path, name: str, content: bytes, kind: str | None) -> None:
    (tmp_path / name).write_bytes(content)
    assert inspect(tmp_path / name).mime_type == kind


@pytest.mark.parametrize("content", [b"", b"RIFF", b"\x89PN", b"....WEB", b"GIF8"], ids=repr)
def test_too_few_bytes_tell_nothing(content: bytes) -> None:
    assert sniff(content) is None


@pytest.mark.parametrize(
    ("mime_type", "suffix"),
    [
        ("image/png", ".png"),
        ("image/jpeg", ".jpg"),
        ("image/webp", ".webp"),
        ("video/mp4", ".mp4"),
        ("video/quicktime", ".mov"),
        ("video/webm", ".webm"),
        ("video/x-matroska", ".mkv"),
        ("video/x-msvideo", ".avi"),
        ("audio/mpeg", ".mp3"),
        ("audio/wav", ".wav"),
        ("audio/mp4", ".m4a"),
        ("audio/aac", ".aac"),
        ("audio/ogg", ".ogg"),
        ("audio/flac", ".flac"),
        ("unknown/kind", ""),
        (None, ""),
    ],
)
def test_each_kind_has_its_usual_suffix(mime_type: str | None, suffix: str) -> None:
    assert suffix_of(mime_type) == suffix


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("audio/wav", "audio/x-wav"),
        ("audio/wav", "audio/wave"),
        ("audio/mpeg", "audio/mp3"),
        ("audio/mp4", "audio/x-m4a"),
        ("audio/mp4", "audio/m4a"),
        ("image/jpeg", "image/jpg"),
        ("video/x-matroska", "video/matroska"),
        ("video/quicktime", "video/mov"),
        ("video/mp4", "Video/MP4; codecs=avc1"),
        ("video/mp4", "video/*"),
    ],
)
def test_types_are_the_same_however_they_are_spelled(one: str, other: str) -> None:
    assert same_type(one, other)


@pytest.mark.parametrize(("one", "other"), [("audio/mp4", "video/mp4"), ("image/png", "video/*"), ("a/b", "a/bc")])
def test_other_types_are_not_the_same(one: str, other: str) -> None:
    assert not same_type(one, other)
