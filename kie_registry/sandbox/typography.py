"""Text in pictures: fonts that have the characters, and lines that fit."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from operator import itemgetter

from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont

_FALLBACKS = (
    "NotoSansCJK-Regular.ttc",
    "NotoSans-Regular.ttf",
    "DejaVuSans.ttf",
    "Arial Unicode.ttf",
    "PingFang.ttc",
    "msyh.ttc",
    "segoeui.ttf",
    "arial.ttf",
)
_LINE_HEIGHT = 1.25
_NARROWEST = 0.15
_NO_CHARACTER = "\U0010ffff"
_PROBE_SIZE = 20


@cache
def _font(name: str | None, size: int) -> FreeTypeFont:
    """Open a font of the system, or Pillow's own if `name` is None. OSError if there is none."""
    font = ImageFont.load_default(size) if name is None else ImageFont.truetype(name, size)
    if not isinstance(font, FreeTypeFont):
        raise OSError("Pillow was built without FreeType")
    return font


@cache
def _has(name: str | None, character: str) -> bool:
    """Tell whether a font can show a character; False if there is no such font."""
    try:
        font = _font(name, _PROBE_SIZE)
    except OSError:
        return False
    glyph, box = font.getmask(character), font.getmask(_NO_CHARACTER)
    return character.isspace() or (glyph.size, bytes(glyph)) != (box.size, bytes(box))


class Typeface:
    """The font that can show most of a text."""

    def __init__(self, text: str) -> None:
        characters = set(text)
        self._name: str | None = None
        missing = self._missing(None, characters)
        for name in _FALLBACKS if missing else ():
            if len(fewer := self._missing(name, characters)) < len(missing):
                self._name, missing = name, fewer
        simpler = "".join(self._simpler(character) if character in missing else character for character in text)
        self.text = "".join(_describe(run) if absent else run for absent, run in _runs(simpler, missing))

    @staticmethod
    def _missing(name: str | None, characters: set[str]) -> set[str]:
        return {character for character in characters if not _has(name, character)}

    def _simpler(self, character: str) -> str:
        """Return a letter without its accent, if the font has that."""
        letter = unicodedata.normalize("NFKD", character)[0]
        return letter if _has(self._name, letter) else character

    def at(self, size: int) -> FreeTypeFont:
        """Return the font at a size in pixels."""
        return _font(self._name, size)


def _runs(text: str, missing: set[str]) -> Iterator[tuple[bool, str]]:
    """Split a text into what can be shown and what cannot; marks go with the letter before them."""
    absences: list[bool] = []
    for character in text:
        is_mark = unicodedata.category(character).startswith("M")
        absences.append(absences[-1] if is_mark and absences else character in missing)
    for absent, run in groupby(zip(absences, text, strict=True), itemgetter(0)):
        yield absent, "".join(character for _, character in run)


def _describe(run: str) -> str:
    """Say in words what no font can show: the names of symbols, the number of letters."""
    shown = [character for character in run if unicodedata.category(character)[0] not in "MC"]
    if not shown:
        return ""
    if all(unicodedata.category(character) == "So" for character in shown):
        return "".join(f"[{unicodedata.name(character, 'symbol').lower()}]" for character in shown)
    script = unicodedata.name(shown[0], "UNKNOWN").partition(" ")[0]
    name = script if script == "CJK" else script.capitalize()
    return f"[{len(shown)} {name} character{'s' if len(shown) > 1 else ''}]"


def line_height(size: int) -> int:
    """Return the distance of lines at a size, in pixels."""
    return round(size * _LINE_HEIGHT)


def fit(text: str, box: tuple[int, int], sizes: tuple[int, int]) -> tuple[FreeTypeFont, int, list[str]]:
    """Break a text into lines that fit a box, as large as can be. What is too long ends in an ellipsis.

    Args:
        text: The text; its own line breaks are kept.
        box: The width and height in pixels.
        sizes: The smallest and the largest size of the font, in pixels.

    Returns:
        The font, its size, and the lines.
    """
    face = Typeface(text)
    low, high = sizes
    while low < high:
        size = (low + high + 1) // 2
        if len(_wrap(face.text, face.at(size), box[0])) * line_height(size) <= box[1]:
            low = size
        else:
            high = size - 1
    font = face.at(low)
    lines = _wrap(face.text, font, box[0])
    room = box[1] // line_height(low)
    if len(lines) > room:
        lines = [*lines[: room - 1], shorten(lines[room - 1] + "…", font, box[0])] if room > 0 else []
    return font, low, lines


def shorten(text: str, font: FreeTypeFont, width: float) -> str:
    """Cut a line to a width in pixels, with an ellipsis if anything is lost."""
    if _length(text, font, width) <= width:
        return text
    return f"{text[: _fitting(text, font, width - font.getlength('…'))].rstrip()}…"


def _wrap(text: str, font: FreeTypeFont, width: int) -> list[str]:
    lines: list[str] = []
    space = font.getlength(" ")
    for paragraph in text.splitlines():
        line, used = "", 0.0
        for word in paragraph.split():
            length = _length(word, font, width)
            if line and used + space + length <= width:
                line, used = f"{line} {word}", used + space + length
                continue
            if line:
                lines.append(line)
            while length > width and len(word) > 1:
                end = max(_fitting(word, font, width), 1)
                lines.append(word[:end])
                word = word[end:]  # noqa: PLW2901  (the rest of it)
                length = _length(word, font, width)
            line, used = word, length
        lines.append(line)
    return lines


def _length(word: str, font: FreeTypeFont, width: float) -> float:
    """Return the length of a word in pixels; infinity if it cannot fit, as measuring takes long."""
    return font.getlength(word) if len(word) <= _most(font, width) else math.inf


def _most(font: FreeTypeFont, width: float) -> int:
    """Return more characters than fit a width, were all of them narrow."""
    return int(width / (font.size * _NARROWEST)) + 1


def _fitting(text: str, font: FreeTypeFont, width: float) -> int:
    """Return how many characters of a text fit a width in pixels."""
    low, high = 0, min(len(text), _most(font, width))
    while low < high:
        middle = (low + high + 1) // 2
        if font.getlength(text[:middle]) <= width:
            low = middle
        else:
            high = middle - 1
    return low
