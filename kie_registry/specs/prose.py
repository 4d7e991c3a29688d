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
    rf"(?<!output )\b(?:(?:supported|accepted|allowed|image|video|audio|file) )?formats? ?"
    rf"(?::|are|include) ?{_LISTED}",
    re.IGNORECASE,
)
_SIZE = re.compile(
    r"(?:max(?:imum)?(?: file)?(?: size)?(?: of)? ?:?|up to|at most|within|not exceed(?:ing)?|≤|<=?"
    r"|no (?:more|larger) than|(?<!no )(?<!not )(?<!not be )(?:(?:less|smaller) than|under))"
    r" ?(\d{1,9}(?:\.\d{1,9})?) ?(KB|MB|GB)\b",
    re.IGNORECASE,
)
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
# A number of characters, in thousands as English has them; what may be a fraction elsewhere is left alone.
_COUNT = r"(\d{1,3}(?:,\d{3})+|\d{1,9})(?![\d,.]*\d)"
_MAX_LENGTH = re.compile(
    rf"max(?:imum)?\.? length ?(?::|is|of)? ?{_COUNT}(?: ?char| ?[;,)\n.]| ?$)", re.IGNORECASE
)
_MIN_LENGTH = re.compile(rf"min(?:imum)?\.? length ?(?::|is|of)? ?{_COUNT}", re.IGNORECASE)
_LENGTHS = re.compile(rf"between {_COUNT} and {_COUNT} characters", re.IGNORECASE)
_NUMBER = r"(-?\d{1,3}(?:,\d{3})+|-?\d{1,9}(?:\.\d{1,9})?)(?= ?[;)]|, )"
_MINIMUM = re.compile(rf"\(min(?:imum)? ?: ?{_NUMBER}", re.IGNORECASE)
_MAXIMUM = re.compile(rf"[(,;] ?max(?:imum)? ?: ?{_NUMBER}", re.IGNORECASE)
_CHARACTERS = re.compile(
    rf"(?:max(?:imum)?(?: of)?|up to|no more than|at most|not exceed(?:ing)?|within) {_COUNT} char", re.IGNORECASE
)
# Advice is no limit, and neither is what holds only under a condition.
_ADVICE = re.compile(r"\b(recommend|ideal|for best|suggest|prefer|if |when |mode\b|otherwise)", re.IGNORECASE)
_LONGEST = 20_000
# A limit of several texts together is none of one.
_TOGETHER = re.compile(r"\b(combined|in total|together|altogether|sum of)\b", re.IGNORECASE)


def said(schema: Json) -> str:
    """Return what the document says of a parameter in words, marks of emphasis and spare white space left out."""
    text = schema.get("description", "")
    plain = re.sub(r"[`*]", "", text[:_LONGEST]) if isinstance(text, str) else ""
    return "\n".join(" ".join(line.split()) for line in plain.splitlines())


def accepted_types(prose: str) -> list[str]:
    """Return the MIME types that a file may have; empty where the prose does not list them all."""
    for pattern in (_TYPES, _FORMATS):
        lists = [_MIME.findall(listed) or _of_formats(listed) for listed in pattern.findall(prose)]
        if lists:
            # One list that cannot be read: then the others are not all.
            return list(dict.fromkeys(kind for each in lists for kind in each)) if all(lists) else []
    return []


def tells_of_a_file(prose: str) -> bool:
    """Whether the prose says by itself that a parameter takes a file, and nothing but a file."""
    return _TYPES.search(prose) is not None and bool(accepted_types(prose))


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
        for keyword, pattern, widest in (("minimum", _MINIMUM, min), ("maximum", _MAXIMUM, max)):
            if bounds := [_number(digits) for digits in pattern.findall(prose)]:
                found[keyword] = widest(bounds)
    return {keyword: value for keyword, value in found.items() if keyword not in schema}


def _lengths(prose: str) -> dict[str, int]:
    stated = " \n".join(sentence for sentence in re.split(r"(?<=\.)\s|\n", prose) if not _ADVICE.search(sentence))
    least = [*_MIN_LENGTH.findall(stated), *(low for low, _ in _LENGTHS.findall(stated))]
    most = [
        *_MAX_LENGTH.findall(stated),
        *_CHARACTERS.findall(stated),
        *(high for _, high in _LENGTHS.findall(stated)),
    ]
    found = {}
    # Of several limits the widest counts; what lies between them is left to the server to refuse.
    if least:
        found["minLength"] = min(map(_integer, least))
    if most:
        found["maxLength"] = max(map(_integer, most))
    return found


def _number(digits: str) -> float:
    return float(digits) if "." in digits else _integer(digits)


def _integer(digits: str) -> int:
    return int(digits.replace(",", ""))
