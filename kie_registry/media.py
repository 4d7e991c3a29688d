"""Local files to be uploaded: what may be given, what it really is, and how it is read.

Everything here that touches a file is blocking; the flows run it where blocking is allowed.
"""

from __future__ import annotations

import hashlib
import io
import mimetypes
import os
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias, runtime_checkable

from attrs import field, frozen


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

_HEAD = 64
_PNG_MODES = frozenset({"1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA"})

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (8, b"WEBP", "image/webp"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
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
}


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
    return next((kind for at, mark, kind in _SIGNATURES if head[at:].startswith(mark)), None)


def is_address(value: Any) -> bool:
    """Whether `value` is text that is meant as a URL rather than as a path."""
    return isinstance(value, str) and "://" in value


def address_problem(address: str) -> str | None:
    """Say what is wrong with a URL that kie.ai shall fetch or call; None where it will do."""
    shown = address if len(address) <= 80 else f"{address[:79]}…"
    try:
        parts = urllib.parse.urlsplit(address)
        host = parts.hostname
    except ValueError as error:
        return f"{shown!r} is no URL: {error}"
    if parts.scheme not in ("http", "https"):
        return f"{shown!r} is no http or https URL"
    if not host or any(character.isspace() for character in address):
        return f"{shown!r} is no URL: it needs a host, and no white space"
    return None


def inspect(source: Any, label: str = "the data") -> LocalFile:
    """Read what is needed to know of a local file. Blocking.

    Args:
        source: A path, bytes, a binary file object or a Pillow image.
        label: What to call it in messages where it has no name of its own.

    Raises:
        UnusableMedia: It does not exist, cannot be read, is empty, or is nothing that can be uploaded.
    """
    if isinstance(source, (str, os.PathLike)):
        return _inspect_path(Path(source).expanduser())
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _inspect_bytes(bytes(source), label)
    if isinstance(source, PillowImage):
        return _inspect_bytes(_encode(source), label)
    if callable(getattr(source, "read", None)):
        content = source.read()
        if not isinstance(content, bytes):
            raise UnusableMedia(f"{label} is a text file object; open the file in binary mode, 'rb'")
        return _inspect_bytes(content, str(getattr(source, "name", label)))
    raise UnusableMedia(
        f"{label} is no file but {type(source).__name__}: give a URL, a path, bytes, a binary file object "
        "or a Pillow image"
    )


def _inspect_path(path: Path) -> LocalFile:
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            chunk = head
            while chunk:
                digest.update(chunk)
                size += len(chunk)
                chunk = file.read(1 << 20)
    except FileNotFoundError:
        raise UnusableMedia(f"{path} does not exist, and is no URL") from None
    except IsADirectoryError:
        raise UnusableMedia(f"{path} is a directory") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnusableMedia(f"{path} cannot be read: {reason}") from None
    return _local_file(str(path), head, size, digest.hexdigest(), lambda: path.open("rb"))


def _inspect_bytes(content: bytes, label: str) -> LocalFile:
    digest = hashlib.sha256(content).hexdigest()
    return _local_file(label, content[:_HEAD], len(content), digest, lambda: io.BytesIO(content))


def _local_file(label: str, head: bytes, size: int, digest: str, opener: Callable[[], BinaryIO]) -> LocalFile:
    if size == 0:
        raise UnusableMedia(f"{label} is empty")
    mime_type = sniff(head) or mimetypes.guess_type(label)[0]
    # A name proves nothing: what claims to be an image, and has no image's signature, is none.
    if mime_type and mime_type.startswith("image/") and sniff(head) is None and mime_type != "image/svg+xml":
        mime_type = None
    return LocalFile(label, mime_type, size, digest, opener)


def _encode(image: PillowImage) -> bytes:
    buffer = io.BytesIO()
    try:
        (image if image.mode in _PNG_MODES else image.convert("RGB")).save(buffer, format="PNG")
    except (OSError, ValueError) as error:
        raise UnusableMedia(f"the Pillow image cannot be encoded as PNG: {error}") from None
    return buffer.getvalue()
