"""Pictures that show what was asked for: the model, the prompt, the parameters and the input images."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from PIL import Image, ImageDraw, ImageOps

from kie_registry.sandbox.backgrounds import background
from kie_registry.sandbox.hosting import urls_in
from kie_registry.sandbox.sizes import size_of
from kie_registry.sandbox.typography import Typeface, fit, line_height, shorten

_PROMPT_NAMES = ("prompt", "text")
_MAX_PROMPT = 2000
_MAX_THUMBNAILS = 10
_COLUMNS = 10
_MIN_READABLE = 120
_WHITE = (255, 255, 255)
_PALE = (225, 225, 225)
_SHADOW = (20, 20, 30)
_GLASS = (255, 255, 255, 38)
_FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP"}
_SAVE_OPTIONS: Mapping[str, Mapping[str, int]] = {
    "PNG": {"compress_level": 1},
    "JPEG": {"quality": 90},
    "WEBP": {"quality": 85, "method": 2},
}


@frozen(kw_only=True)
class Request:
    """What a picture is to show.

    Attributes:
        model: The id of the model.
        input: The input of the task.
        index: Which of the task's pictures it is, from 0.
        scale: By how much to scale its size.
    """

    model: str
    input: Mapping[str, Any]
    index: int = 0
    scale: float = 1.0

    @property
    def suffix(self) -> str:
        """The suffix of the file, without a dot."""
        asked = str(self.input.get("output_format", "png")).lower()
        return asked if asked in _FORMATS else "png"


def prompt_of(input_: Mapping[str, Any]) -> str:
    """Return the prompt in an input; empty if there is none."""
    return next((text for name in _PROMPT_NAMES if isinstance(text := input_.get(name), str)), "")


def draw(request: Request, inputs: Sequence[Path]) -> bytes:
    """Draw a picture and return the file.

    Args:
        request: What it shows.
        inputs: The input images that are hosted here.
    """
    file = io.BytesIO()
    form = _FORMATS.get(request.suffix, "PNG")
    paint(request, inputs).save(file, form, **_SAVE_OPTIONS[form])
    return file.getvalue()


def paint(request: Request, inputs: Sequence[Path]) -> Image.Image:
    """Draw a picture."""
    images = [image for path in inputs[:_MAX_THUMBNAILS] if (image := _opened(path)) is not None]
    size = size_of(request.input, images[0].size if images else None, request.scale)
    prompt = prompt_of(request.input)
    canvas = background(f"{request.model} {prompt} {request.index}", size)
    if min(size) >= _MIN_READABLE:
        _Page(canvas).fill(request, prompt[:_MAX_PROMPT], images)
    return canvas


def _opened(path: Path) -> Image.Image | None:
    """Open an input image; None if it is no image."""
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


class _Page:
    """A picture being filled from both its ends; the prompt has what is left in the middle."""

    def __init__(self, canvas: Image.Image) -> None:
        self._canvas = canvas
        self._draw = ImageDraw.Draw(canvas, "RGBA")
        short = min(canvas.size)
        self._margin = round(short * 0.06)
        self._gap = round(short * 0.03)
        self._small = max(10, round(short * 0.033))
        self._left, self._right = self._margin, canvas.width - self._margin
        self._top, self._bottom = self._margin, canvas.height - self._margin

    def fill(self, request: Request, prompt: str, images: Sequence[Image.Image]) -> None:
        self._header(request)
        self._chips(_parameters(request.input))
        if images:
            self._thumbnails(images)
        self._prompt(prompt)

    def _header(self, request: Request) -> None:
        size = round(self._small * 1.25)
        number = f"  ·  {request.index + 1}" if request.index else ""
        face = Typeface(f"{request.model}{number}")
        font = face.at(size)
        title = shorten(face.text, font, self._right - self._left)
        self._draw.text((self._left, self._top), title, _PALE, font)
        self._top += line_height(size) + self._gap

    def _chips(self, parameters: Sequence[str]) -> None:
        """Set the parameters in rows, from the lower edge upwards, in at most a third of the height."""
        padding = round(self._small * 0.6)
        height = line_height(self._small) + padding
        most_rows = max(1, (self._bottom - self._top) // 3 // (height + padding))
        rows = self._rows(parameters, padding)
        if len(rows) > most_rows:
            dropped = sum(map(len, rows[most_rows - 1 :]))
            rows = [*rows[: most_rows - 1], [f"and {dropped} more parameters"]]
        top = self._bottom - len(rows) * (height + padding) + padding
        self._bottom = top - self._gap - padding
        for row in rows:
            self._row(row, top, height, padding)
            top += height + padding

    def _rows(self, parameters: Sequence[str], padding: int) -> list[list[str]]:
        rows: list[list[str]] = []
        room = 0.0
        for parameter in parameters:
            face = Typeface(parameter)
            font = face.at(self._small)
            text = shorten(face.text, font, self._right - self._left - 2 * padding)
            width = font.getlength(text) + 2 * padding
            if width > room:
                rows.append([])
                room = self._right - self._left
            rows[-1].append(text)
            room -= width + padding
        return rows

    def _row(self, texts: Sequence[str], top: int, height: int, padding: int) -> None:
        left = float(self._left)
        for text in texts:
            font = Typeface(text).at(self._small)
            width = font.getlength(text) + 2 * padding
            box = (left, top, left + width, top + height)
            self._draw.rounded_rectangle(box, height / 2, _GLASS)
            self._draw.text((left + padding, top + height / 2), text, _WHITE, font, anchor="lm")
            left += width + padding

    def _thumbnails(self, images: Sequence[Image.Image]) -> None:
        width, height = self._right - self._left, (self._bottom - self._top) // 3
        columns = min(len(images), _COLUMNS if self._canvas.width > self._canvas.height else _COLUMNS // 2)
        rows = math.ceil(len(images) / columns)
        side = min((width + self._gap) // columns, (height + self._gap) // rows) - self._gap
        mask = Image.new("L", (side, side))
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, side - 1, side - 1), round(side * 0.1), 255)
        for place, image in enumerate(images):
            row, column = divmod(place, columns)
            corner = (self._left + column * (side + self._gap), self._top + row * (side + self._gap))
            self._canvas.paste(ImageOps.fit(image, (side, side)), corner, mask)
        self._top += rows * (side + self._gap)

    def _prompt(self, prompt: str) -> None:
        box = (self._right - self._left, self._bottom - self._top)
        largest = round(min(self._canvas.size) * 0.1)
        font, size, lines = fit(prompt, box, (self._small, max(largest, self._small)))
        height = line_height(size)
        top = self._top + max(0, (box[1] - height * len(lines)) // 2)
        shift = max(1, size // 36)
        for number, line in enumerate(lines):
            y = top + number * height
            self._draw.text((self._left + shift, y + shift), line, _SHADOW, font)
            self._draw.text((self._left, y), line, _WHITE, font)


def _parameters(input_: Mapping[str, Any]) -> list[str]:
    """List the parameters, without the prompt and the images, which are shown by themselves."""
    return [
        f"{name}  {value}"
        for name, value in input_.items()
        if name not in _PROMPT_NAMES and not any(urls_in(value)) and value not in ("", [], None)
    ]
