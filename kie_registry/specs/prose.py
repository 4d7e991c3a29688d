"""Read limits that a page states only in its prose, as far as that is possible without understanding it."""

from __future__ import annotations

import re
from typing import Any

from kie_registry.specs.documents import Json

_BYTES = {"KB": 2**10, "MB": 2**20, "GB": 2**30}
_MIME = re.compile(r"(?:image|video|audio|application|text)/[\w.+-]+")
_LISTED = r"([^;)\n]+?)(?=[;)\n]|\.\s|\.?$)"
_TYPES = re.compile(rf"accepted (?:mime )?types?\s*:\s*{_LISTED}", re.IGNORECASE)
_FORMATS = re.compile(
    rf"\b(?:(?:supported|accepted|allowed|image|video|audio|file)\s+)?formats?\s*(?::|are|include)\s*{_LISTED}",
    re.IGNORECASE,
)
_SIZE = re.compile(
    r"(?:max(?:imum)?(?:\s+file)?(?:\s+size)?(?:\s+of)?\s*:?|up to|at most|less than|smaller than|under|within"
    r"|not exceed(?:ing)?|no (?:more|larger) than|≤|<=?)\s*(\d+(?:\.\d+)?)\s*(KB|MB|GB)\b",
    re.IGNORECASE,
)
_UPLOAD = re.compile(r"\b(urls?|upload(ed)?)\b", re.IGNORECASE)
_SCHEME = re.compile(r"(?<![\w+.-])([a-z][a-z0-9+.-]{1,20})://")
# The name of a format -> what it is called as a MIME type.
_FORMAT_TYPES: dict[str, str] = {
    **dict.fromkeys(("jpg", "jpeg", "jpe"), "image/jpeg"),
    **{name: f"image/{name}" for name in ("png", "webp", "gif", "bmp", "avif", "heic", "heif")},
    **dict.fromkeys(("tif", "tiff"), "image/tiff"),
    "svg": "image/svg+xml",
    **dict.fromkeys(("mp4", "m4v"), "video/mp4"),
    "mov": "video/quicktime",
    "webm": "video/webm",
    "avi": "video/x-msvideo",
    "mkv": "video/x-matroska",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
}
_MAX_LENGTH = re.compile(
    r"max(?:imum)?\.?\s+length\s*(?::|is|of)?\s*(\d[\d,]*)(?:\s*char|\s*[;,)\n.]|\s*$)", re.IGNORECASE
)
_MIN_LENGTH = re.compile(r"min(?:imum)?\.?\s+length\s*(?::|is|of)?\s*(\d[\d,]*)", re.IGNORECASE)
_LENGTHS = re.compile(r"between (\d[\d,]*) and (\d[\d,]*) characters", re.IGNORECASE)
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_MINIMUM = re.compile(rf"\(min(?:imum)?\s*:\s*{_NUMBER}\s*[,;)]", re.IGNORECASE)
_MAXIMUM = re.compile(rf"[(,;]\s*max(?:imum)?\s*:\s*{_NUMBER}\s*[,;)]", re.IGNORECASE)
# A limit of several texts together is none of one.
_TOGETHER = re.compile(r"\b(combined|in total|together|altogether|sum of)\b", re.IGNORECASE)


def said(schema: Json) -> str:
    """Return what the document says of a parameter in words, marks of emphasis left out."""
    text = schema.get("description", "")
    return re.sub(r"[`*]", "", text) if isinstance(text, str) else ""


def accepted_types(prose: str) -> list[str]:
    """Return the MIME types that a file may have; empty where the prose does not list them all."""
    for pattern in (_TYPES, _FORMATS):
        if match := pattern.search(prose):
            return list(dict.fromkeys(_MIME.findall(match[1]))) or _of_formats(match[1])
    return []


def tells_of_a_file(prose: str) -> bool:
    """Whether the prose says by itself that a parameter takes a file."""
    limited = bool(accepted_types(prose)) or max_bytes(prose) is not None
    return _TYPES.search(prose) is not None or (limited and _UPLOAD.search(prose) is not None)


def _of_formats(listed: str) -> list[str]:
    words = [word.lower().lstrip(".") for word in re.split(r"[\s,/|、]+", listed.strip().rstrip(".")) if word]
    found = [_FORMAT_TYPES.get(word) for word in words if word not in ("and", "or", "&")]
    # One word that is no format: then the sentence is not the list that it looks like.
    return list(dict.fromkeys(kind for kind in found if kind)) if all(found) else []


def max_bytes(prose: str) -> int | None:
    """Return the largest size of one file in bytes; None where none is stated.

    A megabyte is read as 1024 x 1024 bytes, and of several sizes the largest counts: what lies between two
    readings is left to the server to refuse.
    """
    sizes = [float(number) * _BYTES[unit.upper()] for number, unit in _SIZE.findall(prose)]
    return int(max(sizes)) if sizes else None


def schemes(prose: str) -> list[str]:
    """Return the schemes of addresses, beside http and https, that the prose speaks of (``asset://...``)."""
    return [name for name in dict.fromkeys(_SCHEME.findall(prose)) if name not in ("http", "https")]


def limits(schema: Json) -> Json:
    """Return the keywords that the prose of a parameter adds to its schema; none that the schema has."""
    prose = said(schema)
    if _TOGETHER.search(prose):
        return {}
    kinds = schema.get("type")
    found: dict[str, Any] = {}
    if kinds == "string" and "enum" not in schema:
        found = _lengths(prose)
    elif kinds in ("integer", "number") and "enum" not in schema:
        for keyword, pattern in (("minimum", _MINIMUM), ("maximum", _MAXIMUM)):
            if match := pattern.search(prose):
                found[keyword] = float(match[1]) if "." in match[1] else int(match[1])
    return {keyword: value for keyword, value in found.items() if keyword not in schema}


def _lengths(prose: str) -> dict[str, int]:
    found = {}
    if match := _LENGTHS.search(prose):
        found = {"minLength": _integer(match[1]), "maxLength": _integer(match[2])}
    if match := _MIN_LENGTH.search(prose):
        found["minLength"] = _integer(match[1])
    if match := _MAX_LENGTH.search(prose):
        found["maxLength"] = _integer(match[1])
    return found


def _integer(digits: str) -> int:
    return int(digits.replace(",", ""))
