"""Small valid files for models that make no pictures."""

from __future__ import annotations

import io
import math
import struct
import wave
from collections.abc import Sequence
from pathlib import Path

from attrs import evolve
from PIL import ImageEnhance

from kie_registry.sandbox import pictures

_SAMPLES_PER_SECOND = 8000
_FRAMES = 8
_FRAME_MILLISECONDS = 125
_ANIMATION_SCALE = 0.5


def tone(_: Sequence[Path]) -> bytes:
    """Return a WAV file: one second of an A, fading out."""
    samples = (
        round(12_000 * (1 - n / _SAMPLES_PER_SECOND) * math.sin(2 * math.pi * 440 * n / _SAMPLES_PER_SECOND))
        for n in range(_SAMPLES_PER_SECOND)
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(_SAMPLES_PER_SECOND)
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return file.getvalue()


def animation(request: pictures.Request, inputs: Sequence[Path]) -> bytes:
    """Return an animated WEBP file of one second, in place of a video, which Pillow cannot write."""
    picture = pictures.paint(evolve(request, scale=request.scale * _ANIMATION_SCALE), inputs)
    brightness = ImageEnhance.Brightness(picture)
    frames = [brightness.enhance(1 + 0.25 * math.sin(2 * math.pi * frame / _FRAMES)) for frame in range(_FRAMES)]
    file = io.BytesIO()
    frames[0].save(
        file,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=_FRAME_MILLISECONDS,
        loop=0,
        quality=70,
        method=1,
    )
    return file.getvalue()
