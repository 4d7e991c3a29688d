"""The backgrounds of pictures: soft, dark enough for white text, and of one's own for every prompt."""

from __future__ import annotations

import colorsys
import random

from PIL import Image, ImageDraw, ImageFilter

_SKETCH = 128
_LIGHTS = 5

_Colour = tuple[int, int, int]


def background(key: str, size: tuple[int, int]) -> Image.Image:
    """Paint a background. The same key gives the same one.

    It is sketched small and enlarged: that is soft, and quick at any size.
    """
    chance = random.Random(key)  # noqa: S311  (not for secrets)
    scale = _SKETCH / max(size)
    wide, high = (max(4, round(side * scale)) for side in size)
    hue = chance.random()
    corners = Image.new("RGB", (2, 2))
    for place, shift in enumerate((0.0, 0.06, 0.14, 0.22)):
        corners.putpixel((place % 2, place // 2), _colour(hue + shift, 0.62, 0.52 - 0.09 * place))
    sketch = corners.resize((wide, high), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(sketch, "RGBA")
    for _ in range(_LIGHTS):
        x, y = chance.random() * wide, chance.random() * high
        radius = (0.12 + 0.22 * chance.random()) * min(wide, high)
        colour = _colour(hue + 0.35 * chance.random(), 0.55, 0.85)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*colour, 46))
    return sketch.filter(ImageFilter.GaussianBlur(2)).resize(size, Image.Resampling.BICUBIC)


def _colour(hue: float, saturation: float, value: float) -> _Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)
