"""How large a picture is to be, read from a task's input."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Size = tuple[int, int]

_RATIO_NAMES = ("aspect_ratio", "image_size", "ratio", "size")
_RESOLUTION_NAMES = ("resolution", "image_resolution", "output_resolution", "size")
_DEFAULT_LONG_SIDE = 1024
_MAX_SIDE = 8192
_MIN_SIDE = 8

_RATIO = re.compile(r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)")
_NAMED = re.compile(r"(portrait|landscape)_(\d+)_(\d+)")
_PIXELS = re.compile(r"(\d+)[x*](\d+)")
_KILO = re.compile(r"(\d+)k", re.IGNORECASE)
_LINES = re.compile(r"(\d+)p", re.IGNORECASE)


def size_of(input_: Mapping[str, Any], first_image: Size | None, scale: float) -> Size:
    """Return the width and height in pixels that an input asks for.

    Args:
        input_: The input of a task.
        first_image: The size of the first input image, which ``auto`` takes its shape from.
        scale: By how much to scale the result.
    """
    wide, high = _ratio(input_) or first_image or (1, 1)
    long_side = _long_side(input_, wide, high) * scale
    unit = long_side / max(wide, high)
    return _bounded(wide * unit), _bounded(high * unit)


def _ratio(input_: Mapping[str, Any]) -> tuple[float, float] | None:
    for text in _texts(input_, _RATIO_NAMES):
        if match := _RATIO.fullmatch(text) or _PIXELS.fullmatch(text):
            wide, high = float(match[1]), float(match[2])
        elif match := _NAMED.fullmatch(text):
            long, short = sorted((float(match[2]), float(match[3])), reverse=True)
            wide, high = (short, long) if match[1] == "portrait" else (long, short)
        elif text.startswith("square"):
            wide, high = 1.0, 1.0
        else:
            continue
        if wide and high:
            return wide, high
    return None


def _long_side(input_: Mapping[str, Any], wide: float, high: float) -> float:
    for text in _texts(input_, (*_RESOLUTION_NAMES, *_RATIO_NAMES)):
        if match := _KILO.fullmatch(text):
            return 1024 * int(match[1])
        if match := _LINES.fullmatch(text):
            return int(match[1]) * max(wide, high) / min(wide, high)
        if match := _PIXELS.fullmatch(text):
            return max(int(match[1]), int(match[2]))
    return _DEFAULT_LONG_SIDE


def _texts(input_: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    return [value for name in names if isinstance(value := input_.get(name), str)]


def _bounded(pixels: float) -> int:
    return round(min(max(pixels, _MIN_SIDE), _MAX_SIDE))
