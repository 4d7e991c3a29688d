"""Which parameters take files is told by format, prose and name; what only sounds like it takes none."""

from __future__ import annotations

from typing import Any

import pytest

from kie_registry.specs.documents import Json
from kie_registry.specs.files import file_parameters

ONE: Json = {"type": "string"}
SEVERAL: Json = {"type": "array", "items": {"type": "string"}}


def kinds(**parameters: Any) -> dict[str, str]:
    """Return path -> kind for the parameters that take files."""
    found = file_parameters({"type": "object", "properties": parameters})
    return {path: limits["kind"] for path, limits in found.items()}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("image_url", "image"),
        ("image_urls", "image"),
        ("image_input", "image"),
        ("image", "image"),
        ("first_frame", "image"),
        ("tail_image_url", "image"),
        ("mask_url", "image"),
        ("reference_image", "image"),
        ("image_references", "image"),
        ("video_url", "video"),
        ("first_clip_url", "video"),
        ("reference_video_urls", "video"),
        ("audio_url", "audio"),
        ("driving_audio_url", "audio"),
        ("imageUrl", "image"),
        ("input_urls", "file"),
    ],
)
@pytest.mark.parametrize("schema", [ONE, SEVERAL], ids=["one", "several"])
def test_name_tells_of_a_file(name: str, kind: str, schema: Json) -> None:
    assert kinds(**{name: schema}) == {name: kind}


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("prompt", {"type": "string", "description": "May name an image URL. Max length: 80"}),
        ("prompt", {"type": "string", "description": "Images may be uploaded. Accepted types: image/png"}),
        ("voice", {"type": "string", "description": "A name, or the URL of a sample (up to 5MB)"}),
        ("image_style", ONE),
        ("video_prompt", ONE),
        ("task_id", ONE),
        ("voice", ONE),
        ("image_size", {"type": "string", "enum": ["1:1"]}),
        ("image_urls", {"type": "integer"}),
        ("audio", {"type": "boolean"}),
        ("mask", {"type": "array", "items": {"type": "integer"}}),
        ("output_format", {"type": "string", "description": "Format: mp3"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_parameters_take_no_file(name: str, schema: Json) -> None:
    assert kinds(**{name: schema}) == {}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "format": "uri"},
        {"type": "array", "items": {"type": "string", "format": "uri"}},
        {"type": "string", "description": "Accepted types: image/png"},
        {"type": "array", "items": {"type": "string", "description": "Accepted types: image/png"}},
        {"oneOf": [{"type": "string", "format": "uri"}, {"type": "array", "items": {"type": "string"}}]},
        {"type": ["string", "array"], "format": "uri", "items": {"type": "string"}},
    ],
    ids=str,
)
def test_format_or_prose_tells_of_a_file(schema: Json) -> None:
    assert list(kinds(thing=schema)) == ["thing"]


def test_kind_is_told_by_the_types_or_the_prose_where_the_name_does_not() -> None:
    typed = {**ONE, "description": "Accepted types: audio/mpeg, audio/wav"}
    told = {**ONE, "format": "uri", "description": "The video to extend"}
    assert kinds(source=typed, input_url=told) == {"source": "audio", "input_url": "video"}


def test_files_in_lists_of_objects_have_a_path() -> None:
    element: Json = {"type": "object", "properties": {"name": ONE, "image_urls": SEVERAL}}
    found = kinds(elements={"type": "array", "items": element}, cover=element)
    assert found == {"elements[].image_urls": "image", "cover.image_urls": "image"}


def test_limits_of_a_file() -> None:
    said = "An image or asset://{id}. Accepted types: `image/png`; Max size: 1MB"
    (limits,) = file_parameters({"properties": {"image_url": {**ONE, "description": said}}}).values()
    assert limits == {"kind": "image", "types": ["image/png"], "max_bytes": 2**20, "schemes": ["asset"]}


def test_files_of_branches_are_found() -> None:
    schema = {"oneOf": [{"properties": {"image_url": ONE}}, {"properties": {"video_url": ONE}}]}
    assert list(file_parameters(schema)) == ["image_url", "video_url"]
