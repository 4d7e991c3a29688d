"""Local files to be uploaded: what may be given, what it really is, and how it is read.

Everything here that touches a file is blocking; the flows run it where blocking is allowed.
"""

from __future__ import annotations

import hashlib
import io
import os
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias, runtime_checkable

from attrs import field, frozen

from kie_registry.mime import of_file, suffix_of
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

WEB = ("http", "https")
"""The schemes of what kie.ai fetches by itself."""

_HEAD = 64
_PNG_MODES = frozenset({"1", "L", "LA", "I;16", "P", "RGB", "RGBA"})
_NEAREST_MODES = {"I": "I;16", "PA": "RGBA", "RGBa": "RGBA", "La": "LA"}


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
    if parts.scheme not in WEB:
        return f"{shown!r} is no {either((*WEB, *schemes))} URL"
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
    return LocalFile(label, of_file(head, label), size, digest, opener)


def _encode(image: PillowImage) -> bytes:
    """Encode an image as PNG, in the nearest mode that PNG has."""
    mode = _NEAREST_MODES.get(image.mode, image.mode if image.mode in _PNG_MODES else "RGB")
    buffer = io.BytesIO()
    try:
        (image if image.mode == mode else image.convert(mode)).save(buffer, format="PNG")
    except Exception as error:  # Pillow raises SyntaxError, among others, for broken files
        raise UnusableMedia(f"the Pillow image cannot be encoded as PNG: {error}") from None
    return buffer.getvalue()
