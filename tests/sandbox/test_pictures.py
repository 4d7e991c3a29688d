"""The pictures: their sizes and formats, and that nothing asked for breaks them."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kie_registry.sandbox import media, pictures, typography
from kie_registry.sandbox.sizes import size_of
from kie_registry.sandbox.typography import fit
from tests.sandbox.conftest import EDIT, Asker


def fetched(ask: Asker, url: str) -> Image.Image:
    answer = ask.http.get(url)
    image = Image.open(io.BytesIO(answer.content))
    image.load()
    assert Image.MIME[image.format or ""] == answer.headers["content-type"]
    return image


@pytest.mark.parametrize(
    ("input_", "size"),
    [
        ({}, (1024, 1024)),
        ({"aspect_ratio": "16:9"}, (1024, 576)),
        ({"aspect_ratio": "9:16", "resolution": "2K"}, (1152, 2048)),
        ({"aspect_ratio": "21:9", "resolution": "4K"}, (4096, 1755)),
        ({"image_size": "3:4"}, (768, 1024)),
        ({"image_size": "square_hd"}, (1024, 1024)),
        ({"image_size": "landscape_16_9"}, (1024, 576)),
        ({"image_size": "portrait_16_9"}, (576, 1024)),
        ({"image_size": "portrait_4_3"}, (768, 1024)),
        ({"size": "640x480"}, (640, 480)),
        ({"aspect_ratio": "16:9", "resolution": "720p"}, (1280, 720)),
        ({"aspect_ratio": "auto"}, (1024, 512)),
        ({"aspect_ratio": "0:9", "resolution": 5}, (1024, 512)),
        ({"aspect_ratio": "9999:1"}, (1024, 8)),
        ({"resolution": "999K"}, (8192, 8192)),
    ],
    ids=str,
)
def test_the_size_that_an_input_asks_for(input_: dict[str, Any], size: tuple[int, int]) -> None:
    first_image = (600, 300) if input_.get("aspect_ratio") in ("auto", "0:9") else None
    assert size_of(input_, first_image, scale=1) == size


@pytest.mark.parametrize(
    ("asked", "suffix", "form"),
    [("png", "png", "PNG"), ("jpg", "jpg", "JPEG"), (None, "png", "PNG")],
)
def test_the_format_that_is_asked_for(ask: Asker, asked: str | None, suffix: str, form: str) -> None:
    url = ask.results(**({"output_format": asked} if asked else {}), aspect_ratio="4:3")[0]
    image = fetched(ask, url)
    assert (url.rpartition(".")[2], image.format, image.size) == (suffix, form, (1024, 768))


def test_webp_is_given_where_it_is_asked_for() -> None:
    request = pictures.Request(model="m", input={"output_format": "webp"}, scale=0.1)
    file = pictures.draw(request, [])
    assert (request.suffix, Image.open(io.BytesIO(file)).format) == ("webp", "WEBP")


def test_auto_takes_its_shape_from_the_first_input_image(ask: Asker) -> None:
    source = ask.results(aspect_ratio="21:9")[0]
    made = ask.results(EDIT, image_urls=[source], image_size="auto")[0]
    assert fetched(ask, made).size == fetched(ask, source).size


def test_an_edited_picture_shows_the_images_it_was_made_from(tmp_path: Path) -> None:
    red = tmp_path / "red.png"
    Image.new("RGB", (300, 300), (255, 0, 0)).save(red)
    request = pictures.Request(model="m", input={"prompt": "x", "image_size": "1:1"})
    pixels = pictures.paint(request, [red]).getcolors(2_000_000) or []
    assert sum(count for count, colour in pixels if colour == (255, 0, 0)) > 20_000


@pytest.mark.parametrize(
    ("content", "name"), [(b"no image", "no.png"), (b"", "empty.png"), (b"GIF89a", "cut.gif")]
)
def test_an_input_that_is_no_image_is_left_out(ask: Asker, content: bytes, name: str) -> None:
    url = ask.results(EDIT, image_urls=[ask.upload(content, name)], image_size="auto")[0]
    assert fetched(ask, url).size == (1024, 1024)


def test_an_equal_request_makes_an_equal_picture() -> None:
    request = pictures.Request(model="m", input={"prompt": "x"}, scale=0.2)
    assert pictures.draw(request, []) == pictures.draw(request, [])


def test_another_prompt_makes_another_background() -> None:
    first, second = (
        pictures.draw(pictures.Request(model="m", input={"prompt": prompt}, scale=0.05), []) for prompt in "ab"
    )
    assert first != second


@pytest.mark.parametrize("scale", [0.25, 0.125, 0.01])
@pytest.mark.parametrize("ratio", ["1:1", "21:9", "1:4"])
@pytest.mark.parametrize(
    "prompt",
    ["", " \n\n ", "x" * 5000, "long " * 2000, "灯塔🚀 मानक\u200d\ufe0f", "a\x00b\x1b", "line\n" * 300],
    ids=["empty", "blank", "one word", "long", "scripts", "control", "lines"],
)
def test_no_prompt_breaks_the_picture(scale: float, ratio: str, prompt: str) -> None:
    many = {f"parameter_{number}": "v" * number for number in range(40)}
    request = pictures.Request(
        model="acme/" + "m" * 80, input={"prompt": prompt, "aspect_ratio": ratio, **many}, scale=scale
    )
    assert pictures.draw(request, [])


@pytest.mark.parametrize("box", [(600, 300), (200, 900), (60, 40)])
@pytest.mark.parametrize("text", ["short", "a longer text of some words " * 9, "w" * 90, "one\n\ntwo"])
def test_text_stays_within_its_box(text: str, box: tuple[int, int]) -> None:
    font, size, lines = fit(text, box, (10, 60))
    assert max(font.getlength(line) for line in lines) <= box[0]
    assert len(lines) * size <= box[1]


def test_text_that_is_cut_ends_in_an_ellipsis() -> None:
    assert fit("many words " * 200, (200, 60), (12, 12))[2][-1].endswith("…")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a lighthouse", "a lighthouse"),
        ("Fährturm", "Fahrturm"),
        ("灯塔 at dawn", "[2 CJK characters] at dawn"),
        ("go 🚀🌙", "go [rocket][crescent moon]"),
        ("मानक", "[3 Devanagari characters]"),
        ("a\u200d", "a"),
    ],
)
def test_what_no_font_can_show_is_said_in_words(monkeypatch: pytest.MonkeyPatch, text: str, shown: str) -> None:
    monkeypatch.setattr(typography, "_FALLBACKS", ())
    assert typography.Typeface(text).text == shown


def test_a_tone_is_a_readable_sound() -> None:
    with wave.open(io.BytesIO(media.tone([]))) as sound:
        assert sound.getnframes() == sound.getframerate()


def test_an_animation_is_a_readable_moving_picture() -> None:
    file = media.animation(pictures.Request(model="m", input={"prompt": "x"}, scale=0.2), [])
    assert getattr(Image.open(io.BytesIO(file)), "n_frames", 1) == 8
