"""Local files to be uploaded: what may be given, what it really is, and how it is read.

Everything here that touches a file is blocking; the flows run it where blocking is allowed.
"""

from __future__ import annotations

import hashlib
import io
import mimetypes
import os
import re
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias, runtime_checkable

from attrs import field, frozen

from kie_registry.wording import clip, either


@runtime_checkable
class PillowImage(Protocol):
    """The part of ``PIL.Image.Image`` that is used here; Pillow itself is not needed."""

    @property
    def mode(self) -> str:
        """The pixel format, such as RGB."""

    def save(self, fp: Any, format: str | None = None, **params: Any) -> None:  # noqa: A002
        """Write the image to a file object."""

    def convert(self, mode: str) -> Any:
        """Return the image in another mode."""


Image: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | PillowImage
"""An image: a URL, a path, the bytes of a file, an open binary file, or a Pillow image."""

Images: TypeAlias = Image | Sequence[Image]
"""Several images, or one."""

_WEB = ("http", "https")
_HEAD = 64
_PNG_MODES = frozenset({"1", "L", "LA", "I;16", "P", "RGB", "RGBA"})
_NEAREST_MODES = {"I": "I;16", "PA": "RGBA", "RGBa": "RGBA", "La": "LA"}

_SIGNATURES: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (kind, re.compile(pattern, re.DOTALL))
    for kind, pattern in (
        ("image/png", rb"\x89PNG\r\n\x1a\n"),
        ("image/jpeg", rb"\xff\xd8\xff"),
        ("image/webp", rb"RIFF.{4}WEBP"),
        ("image/gif", rb"GIF8[79]a"),
        ("image/bmp", rb"BM.{4}\0{4}"),
        ("image/tiff", rb"II\*\0|MM\0\*"),
        ("image/avif", rb".{4}ftypavi[fs]"),
        ("image/heic", rb".{4}ftyphe[iv]"),
        ("image/heif", rb".{4}ftyp(mif|msf)1"),
        ("video/quicktime", rb".{4}(ftypqt|moov|mdat|wide|free)"),
        ("audio/mp4", rb".{4}ftypM4[AB]"),
        ("video/3gpp", rb".{4}ftyp3g"),
        ("video/mp4", rb".{4}ftyp"),
        ("video/x-matroska", rb"\x1aE\xdf\xa3.{0,48}matroska"),
        ("video/webm", rb"\x1aE\xdf\xa3"),
        ("video/x-msvideo", rb"RIFF.{4}AVI "),
        ("video/mpeg", rb"\0\0\x01[\xb3\xba]"),
        ("audio/wav", rb"(RIFF|RF64).{4}WAVE"),
        ("audio/aac", rb"\xff[\xf0\xf1\xf8\xf9]|ADIF"),
        ("audio/mpeg", rb"ID3|\xff[\xfa\xfb\xf2\xf3\xe2\xe3]"),
        ("audio/flac", rb"fLaC"),
        ("video/ogg", rb"OggS.{24}\x80theora"),
        ("audio/ogg", rb"OggS"),
    )
)
_SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/avif": ".avif",
    "image/heic": ".heic",
    "video/quicktime": ".mov",
    "audio/mp4": ".m4a",
    "audio/wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/flac": ".flac",
    "audio/aac": ".aac",
    "audio/ogg": ".ogg",
    "audio/webm": ".weba",
    "video/x-matroska": ".mkv",
    "video/x-msvideo": ".avi",
}
_SPELLINGS = {
    spelling: usual
    for usual, spellings in {
        "image/jpeg": ("image/jpg", "image/pjpeg"),
        "audio/mpeg": ("audio/mp3", "audio/x-mp3", "audio/mpeg3", "audio/x-mpeg"),
        "audio/wav": ("audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/x-pn-wav"),
        "audio/mp4": ("audio/m4a", "audio/x-m4a", "audio/mp4a-latm"),
        "audio/aac": ("audio/x-aac", "audio/aacp", "audio/x-hx-aac-adts"),
        "audio/flac": ("audio/x-flac",),
        "audio/ogg": ("audio/x-ogg", "audio/opus", "application/ogg"),
        "video/mp4": ("video/x-mp4", "video/m4v", "video/x-m4v"),
        "video/quicktime": ("video/mov", "video/x-quicktime"),
        "video/x-matroska": ("video/matroska", "video/mkv", "video/x-mkv"),
        "video/x-msvideo": ("video/avi", "video/msvideo", "video/vnd.avi"),
    }.items()
    for spelling in spellings
}
# Containers that hold sound alone as well as pictures: which of them, only the name tells.
_CONTAINERS = {"video/mp4": "audio/mp4", "video/webm": "audio/webm", "video/3gpp": "audio/3gpp"}


class UnusableMedia(ValueError):
    """What was given as a file cannot be used; the message says why."""


@frozen
class LocalFile:
    """A file that exists here and not yet at kie.ai.

    Attributes:
        label: What to call it in messages.
        mime_type: What its content says that it is, else what its name says, else None.
        size: In bytes.
        digest: The SHA-256 of its content, in hexadecimal.
        open: Opens it for reading, any number of times.
    """

    label: str
    mime_type: str | None
    size: int
    digest: str
    open: Callable[[], BinaryIO] = field(repr=False)

    @property
    def suffix(self) -> str:
        """The suffix that tells the truth about the content, with its dot; empty where nothing is known."""
        return suffix_of(self.mime_type)


def suffix_of(mime_type: str | None) -> str:
    """Return the usual suffix for a MIME type, with its dot; empty where there is none."""
    if mime_type is None:
        return ""
    return _SUFFIXES.get(mime_type) or mimetypes.guess_extension(mime_type) or ""


def sniff(head: bytes) -> str | None:
    """Return the MIME type that the first bytes of a file tell of; None where they tell nothing."""
    return next((kind for kind, pattern in _SIGNATURES if pattern.match(head)), None)


def same_type(one: str, other: str) -> bool:
    """Whether two MIME types are the same, however they are spelled; ``audio/*`` stands for all of its kind."""
    one, other = _usual(one), _usual(other)
    return one == other or (other.endswith("/*") and one.startswith(other[:-1]))


def _usual(mime_type: str) -> str:
    plain = mime_type.partition(";")[0].strip().lower()
    return _SPELLINGS.get(plain, plain)


def is_address(value: Any) -> bool:
    """Whether `value` is text that is meant as a URL rather than as a path."""
    return isinstance(value, str) and ("://" in value or value.startswith("data:"))


def address_problem(address: str, schemes: Sequence[str] = ()) -> str | None:
    """Say what is wrong with a URL that kie.ai shall fetch or call; None where it will do.

    Args:
        address: The URL.
        schemes: The schemes that are accepted beside http and https.
    """
    shown = clip(address)
    try:
        parts = urllib.parse.urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"{shown!r} is no URL: {error}"
    if address.partition(":")[0].lower() in schemes:
        named = address.partition(":")[2].strip("/")
        return None if named and _is_unbroken(address) else f"{shown!r} is no URL: it names nothing"
    if parts.scheme not in _WEB:
        return f"{shown!r} is no {either((*_WEB, *schemes))} URL"
    if not host or not _is_unbroken(address):
        return f"{shown!r} is no URL: it needs a host, and no white space"
    return None


def _is_unbroken(address: str) -> bool:
    return address.isprintable() and " " not in address


def inspect(source: Any, label: str = "the data", kind: str = "file") -> LocalFile:
    """Read what is needed to know of a local file. Blocking.

    Args:
        source: A path, bytes, a binary file object or a Pillow image.
        label: What to call it in messages where it has no name of its own.
        kind: What is asked for: image, video, audio, or a file of any kind.

    Raises:
        UnusableMedia: It does not exist, cannot be read, is empty, or is nothing that can be uploaded.
    """
    if isinstance(source, (str, os.PathLike)):
        return _inspect_path(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _inspect_bytes(bytes(source), label)
    if isinstance(source, PillowImage):
        return _inspect_bytes(_encode(source), label)
    if callable(getattr(source, "read", None)):
        name = str(getattr(source, "name", label))
        return _inspect_bytes(_read_file_object(source, name), name)
    raise UnusableMedia(
        f"{label} is no file but {type(source).__name__}: give a URL, a path, bytes, a binary file object"
        f"{' or a Pillow image' if kind in ('image', 'file') else ''}"
    )


def _inspect_path(given: str | os.PathLike[str]) -> LocalFile:
    digest = hashlib.sha256()
    size = 0
    shown = clip(str(given), 300)
    try:
        path = Path(given).expanduser()
        with path.open("rb") as file:
            head = file.read(_HEAD)
            chunk = head
            while chunk:
                digest.update(chunk)
                size += len(chunk)
                chunk = file.read(1 << 20)
    except FileNotFoundError:
        raise UnusableMedia(f"{shown} does not exist, and is no URL") from None
    except IsADirectoryError:
        raise UnusableMedia(f"{shown} is a directory") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnusableMedia(f"{shown} cannot be read: {reason}") from None
    return _local_file(str(path), head, size, digest.hexdigest(), lambda: path.open("rb"))


def _read_file_object(source: Any, name: str) -> bytes:
    """Read a file object from where it stands, and put it back there, so that it can be given twice."""
    try:
        can_seek = getattr(source, "seekable", None)
        at = source.tell() if can_seek is not None and can_seek() else None
        content = source.read()
        if at is not None:
            source.seek(at)
    except Exception as error:  # whatever somebody else's file object raises
        raise UnusableMedia(f"{name} cannot be read: {error}") from None
    if isinstance(content, (bytearray, memoryview)):
        content = bytes(content)
    if content == b"" and at:
        raise UnusableMedia(f"{name} gives no more data: it was read to its end already")
    if not isinstance(content, bytes):
        raise UnusableMedia(f"{name} is a text file object; open the file in binary mode, 'rb'")
    return content


def _inspect_bytes(content: bytes, label: str) -> LocalFile:
    digest = hashlib.sha256(content).hexdigest()
    return _local_file(label, content[:_HEAD], len(content), digest, lambda: io.BytesIO(content))


def _local_file(label: str, head: bytes, size: int, digest: str, opener: Callable[[], BinaryIO]) -> LocalFile:
    if size == 0:
        raise UnusableMedia(f"{label} is empty")
    named, found = mimetypes.guess_type(label)[0], sniff(head)
    # A name proves nothing: what claims to be an image, and has no image's signature, is none.
    if named and named.startswith("image/") and found is None and named != "image/svg+xml":
        named = None
    if found and named and named.startswith("audio/"):
        found = _CONTAINERS.get(found, found)
    best = found or named
    mime_type = _usual(best) if best else None
    return LocalFile(label, mime_type, size, digest, opener)


def _encode(image: PillowImage) -> bytes:
    """Encode an image as PNG, in the nearest mode that PNG has."""
    mode = _NEAREST_MODES.get(image.mode, image.mode if image.mode in _PNG_MODES else "RGB")
    buffer = io.BytesIO()
    try:
        (image if image.mode == mode else image.convert(mode)).save(buffer, format="PNG")
    except Exception as error:  # Pillow raises SyntaxError, among others, for broken files
        raise UnusableMedia(f"the Pillow image cannot be encoded as PNG: {error}") from None
    return buffer.getvalue()
