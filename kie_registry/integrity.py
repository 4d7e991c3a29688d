"""Whether an image file is whole: its signature, its end, and, where Pillow is installed, that it decodes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from kie_registry.mime import sniff, usual

# An end may be followed by what cameras and servers append; this much of the file is searched for it.
_TAIL = 1 << 16
# Larger pictures would take gigabytes to decode. Their ends are checked all the same.
_MOST_PIXELS = 100_000_000
_MOST_SEGMENTS = 4096
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_JPEG_END = b"\xff\xd9"
_JPEG_SCAN = 0xDA
_BROKEN = (OSError, SyntaxError, EOFError, struct.error, zlib.error)


def damage(path: Path, claimed: str = "") -> str | None:
    """Return what is wrong with a file; None for one that is whole, or of a kind that cannot be checked.

    Args:
        path: The file.
        claimed: The MIME type that its server or its name claims; empty where neither does.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        kind = sniff(file.read(64))
        if kind is None:
            return f"it is no {claimed}, although it claims to be" if usual(claimed) in _ENDS else None
        if kind not in _ENDS:
            return None
        if not _ENDS[kind](file):
            return f"the end of the {kind} is missing"
        return _undecodable(file, kind)


def _png_ends(file: BinaryIO) -> bool:
    return _PNG_END in _tail(file, 0)


def _gif_ends(file: BinaryIO) -> bool:
    return _tail(file, 0).rstrip(b"\0\r\n").endswith(b";")


def _webp_ends(file: BinaryIO) -> bool:
    file.seek(4)
    (length,) = struct.unpack("<I", file.read(4))
    return file.seek(0, 2) >= int(length) + 8


def _jpeg_ends(file: BinaryIO) -> bool:
    """Look for the end behind the start of the picture itself: the preview in its head has an end of its own."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        file.seek(at)
        segment = file.read(4)
        if len(segment) < 4 or segment[0] != 0xFF:
            return False
        if segment[1] == _JPEG_SCAN:
            return _JPEG_END in _tail(file, at)
        # A marker may be preceded by any number of FF.
        at += 1 if segment[1] == 0xFF else 2 + int.from_bytes(segment[2:], "big")
    return False


def _tail(file: BinaryIO, start: int) -> bytes:
    """Return the last bytes of a file, and none before `start`."""
    file.seek(max(start, file.seek(0, 2) - _TAIL))
    return file.read()


_ENDS: dict[str, Callable[[BinaryIO], bool]] = {
    "image/png": _png_ends,
    "image/jpeg": _jpeg_ends,
    "image/gif": _gif_ends,
    "image/webp": _webp_ends,
}


def _undecodable(file: BinaryIO, kind: str) -> str | None:
    """Decode an image, of a moving one the first frame, and return what breaks."""
    try:
        from PIL import Image
    except ImportError:
        return None
    Image.init()
    factory = Image.OPEN.get(kind.partition("/")[2].upper(), (None,))[0]
    if factory is None:
        return None
    file.seek(0)
    try:
        # Not Image.open, which warns of large pictures: those are left alone here.
        with factory(file, "") as image:
            if image.width * image.height <= _MOST_PIXELS:
                image.load()
    except _BROKEN as error:
        return f"the {kind} does not decode: {error}"
    except Exception:
        return None  # Pillow does not want to decode it, which says nothing against the file
    return None
