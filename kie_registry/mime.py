"""MIME types: which one a file's first bytes tell of, which are the same, and the suffix of each."""

from __future__ import annotations

import mimetypes
import re

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
    one, other = usual(one), usual(other)
    return one == other or (other.endswith("/*") and one.startswith(other[:-1]))


def usual(mime_type: str) -> str:
    """Return the usual spelling of a MIME type, without parameters."""
    plain = mime_type.partition(";")[0].strip().lower()
    return _SPELLINGS.get(plain, plain)


def of_name(name: str) -> str:
    """Return the MIME type that a file's name tells of; empty where it tells none."""
    return usual(mimetypes.guess_type(name)[0] or "")


def of_file(head: bytes, name: str) -> str | None:
    """Return the MIME type of a file from its first bytes, or else from its name; None where neither tells."""
    named, found = mimetypes.guess_type(name)[0], sniff(head)
    # A name proves nothing: what claims to be an image, and has no image's signature, is none.
    if named and named.startswith("image/") and found is None and named != "image/svg+xml":
        named = None
    if found and named and named.startswith("audio/"):
        found = _CONTAINERS.get(found, found)
    best = found or named
    return usual(best) if best else None
