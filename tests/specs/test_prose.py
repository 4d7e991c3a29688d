"""Limits that stand only in prose are read where they are said in so many words, and nowhere else."""

from __future__ import annotations

import pytest

from kie_registry.specs import prose
from kie_registry.specs.documents import Json

MB = 2**20


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("Accepted types: image/jpeg, image/png; Max size: 1MB", ["image/jpeg", "image/png"]),
        ("Accepted formats: JPG, PNG. Maximum file size: 10MB", ["image/jpeg", "image/png"]),
        ("Image constraints:\nFormat: JPEG, JPG, PNG, WEBP.\nMore.", ["image/jpeg", "image/png", "image/webp"]),
        ("Video format: mp4, mov.\nMore", ["video/mp4", "video/quicktime"]),
        ("Formats: .wav/.mp3", ["audio/wav", "audio/mpeg"]),
        ("Supported formats are PNG and WEBP", ["image/png", "image/webp"]),
        ("Image formats: JPEG, PNG. Video formats: MP4.", ["image/jpeg", "image/png", "video/mp4"]),
        ("Image formats: JPEG. Video formats: all of them", []),
        ("Format: anything that a browser shows", []),
        ("The format of the output", []),
        ("xx.xx%, format must be right", []),
    ],
)
def test_accepted_types(text: str, types: list[str]) -> None:
    assert prose.accepted_types(text) == types


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("Max 5MB", 5 * MB),
        ("File size: Up to 10 MB", 10 * MB),
        ("Size: Single image less than 30 MB", 30 * MB),
        ("Single video not exceeding 50 MB.", 50 * MB),
        ("no larger than 1.5GB", 3 * 512 * MB),
        ("images up to 10MB, videos up to 50MB", 50 * MB),
        ("≤ 20MB", 20 * MB),
        ("at least 5MB", None),
        ("no less than 10KB", None),
        ("should not be less than 10KB", None),
        ("a 5MB file", None),
    ],
)
def test_size(text: str, size: int | None) -> None:
    assert prose.max_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "schemes"),
    [
        ("An image url or asset://{assetId}", ["asset"]),
        ("see https://a.test and http://b.test", []),
        ("oss://x, oss://y or s3://z", ["oss", "s3"]),
        ("", []),
    ],
)
def test_schemes(text: str, schemes: list[str]) -> None:
    assert prose.schemes(text) == schemes


@pytest.mark.parametrize(
    ("schema", "limits"),
    [
        ({"type": "string", "description": "(Max length: 5000 characters)"}, {"maxLength": 5000}),
        ({"type": "string", "description": "Maximum length: 800 characters."}, {"maxLength": 800}),
        ({"type": "string", "description": "with a maximum length of 5,000 characters"}, {"maxLength": 5000}),
        (
            {"type": "string", "description": "(Min length: 3, Max length: 20000 characters)"},
            {"minLength": 3, "maxLength": 20000},
        ),
        (
            {"type": "string", "description": "Must be between 3 and 5000 characters"},
            {"minLength": 3, "maxLength": 5000},
        ),
        ({"type": "string", "description": "Max length: `80`"}, {"maxLength": 80}),
        ({"type": "string", "description": "Max length: 80", "maxLength": 70}, {}),
        ({"type": "string", "description": "Max length: 80", "enum": ["a"]}, {}),
        ({"type": "string", "description": "All texts combined: max length: 80"}, {}),
        ({"type": "array", "description": "Max length: 80"}, {}),
        ({"type": "string", "description": "max length 80 seconds"}, {}),
        ({"type": "string", "description": "Maximum length: 2.500 characters"}, {}),
        ({"type": "string", "description": "Recommended between 10 and 100 characters"}, {}),
        ({"type": "string", "description": "Max length: 50.\nFor v5: Max length: 80"}, {"maxLength": 80}),
        ({"type": "string", "description": "If styled, maximum length: 30. Max length: 80"}, {"maxLength": 80}),
        (
            {"type": "number", "description": "Steps (Min: 2, Max: 49, Step: 1) (step: 1)"},
            {"minimum": 2, "maximum": 49},
        ),
        ({"type": "number", "description": "Scale (Min: 0, Max: 1.5, Step: 0.1)"}, {"minimum": 0, "maximum": 1.5}),
        ({"type": "number", "description": "Scale (Min: -1, Max: 1)", "minimum": 0}, {"maximum": 1}),
        ({"type": "integer", "description": "Range is 1-4 when off; 1-12 when on"}, {}),
        ({"type": "string", "description": None}, {}),
    ],
)
def test_limits(schema: Json, limits: Json) -> None:
    assert prose.limits(schema) == limits


@pytest.mark.parametrize("text", [" " * 20_000, "max " * 9_000, "max length" + " " * 20_000, "format: " * 9_000])
def test_reading_takes_no_more_time_than_there_is_text(text: str) -> None:
    """A pattern that goes back over the text again and again would run into the time limit of the tests."""
    schema = {"type": "string", "description": text * 50}
    assert (prose.limits(schema), prose.accepted_types(prose.said(schema)), prose.max_bytes(text)) == (
        {},
        [],
        None,
    )
