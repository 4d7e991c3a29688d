"""Changes that a comparison of keywords alone would take for harmless, or would tell wrongly."""

from __future__ import annotations

from typing import Any

import pytest

from kie_registry.specs.documents import Json
from tests.specs.editions import edition, told

TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": TEXT}
LENGTH: Json = {"type": "string", "enum": ["5", "10"], "default": "10"}
LISTED: Json = {"type": "array", "items": {"type": "object", "properties": {"x": LENGTH}, "required": ["x"]}}
FREE: Json = {"type": "array", "items": {"type": "object", "properties": {"x": LENGTH}}}
RATIO: Json = {"type": "string", "enum": ["1:1", "16:9"]}
VOICE: Json = {"type": "string", "description": "The name of a voice"}
SAMPLE: Json = {"type": "string", "description": "URL of a recording. Accepted types: audio/mpeg"}

CHANGES: list[tuple[str, tuple[Json, Json], tuple[Json, Json], str, str]] = [
    (
        "a default that was sent is not sent any more",
        ({"x": LENGTH}, {"required": ["x"]}),
        ({"x": LENGTH}, {}),
        "breaking",
        "`x` is optional now: where it is left out, nothing is sent (was `10`)",
    ),
    (
        "a default within a parameter never was sent",
        ({"list": LISTED}, {}),
        ({"list": FREE}, {}),
        "widening",
        "`list[].x` is optional now (was required)",
    ),
    (
        "a text becomes a file",
        ({"voice": VOICE}, {}),
        ({"voice": SAMPLE}, {}),
        "breaking",
        "`voice` takes a file now: a local one is uploaded, and a text that names none is refused (was any text)",
    ),
    (
        "texts become files",
        ({"voices": {"type": "array", "items": VOICE}}, {}),
        ({"voices": {"type": "array", "items": SAMPLE}}, {}),
        "breaking",
        "`voices` takes a file now: a local one is uploaded, and a text that names none is refused (was any text)",
    ),
    (
        "a name of other number is taken",
        ({"image_urls": TEXTS}, {}),
        ({"image_urls": TEXTS, "image": TEXT}, {}),
        "breaking",
        "the common name `image` means `image` now (was `image_urls`)",
    ),
    (
        "a name of other number is taken by what is alike",
        ({"image_urls": TEXTS}, {}),
        ({"image_urls": TEXTS, "image": TEXTS}, {}),
        "breaking",
        "the common name `image` means `image` now (was `image_urls`)",
    ),
    (
        "a rule that is empty and refuses all",
        ({"x": TEXT}, {}),
        ({"x": {**TEXT, "not": {}}}, {}),
        "breaking",
        "`x` must keep the rule `not`: `{}` now (was none)",
    ),
    (
        "a bound of nothing",
        ({"x": TEXTS}, {}),
        ({"x": {**TEXTS, "maxContains": 0}}, {}),
        "breaking",
        "`x` must keep the rule `maxContains`: `0` now (was none)",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "kind", "sentence"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES]
)
def test_change_is_told(old: tuple[Json, Json], new: tuple[Json, Json], kind: str, sentence: str) -> None:
    before, after = (edition(parameters, **keywords) for parameters, keywords in (old, new))
    assert (kind, sentence) in told(before, after)


def test_a_common_name_that_means_nothing_any_more_is_told() -> None:
    old, new = edition({"image_size": RATIO}), edition({"image_size": {"type": "string", "enum": ["a", "1:b"]}})
    sentence = "the common name `aspect_ratio` is not understood any more (was `image_size`, which is there still)"
    assert ("breaking", sentence) in told(old, new)


@pytest.mark.parametrize(
    ("idle", "value"),
    [("not", False), ("uniqueItems", False), ("propertyNames", {}), ("dependentRequired", {}), ("pattern", "")],
)
def test_a_rule_that_refuses_nothing_breaks_nothing(idle: str, value: Any) -> None:
    changes = told(edition({"x": TEXT}), edition({"x": {**TEXT, idle: value}}))
    assert {kind for kind, _ in changes} == {"wording"}


FLAT: Json = {"properties": {"prompt": TEXT, "a": TEXT, "c": TEXT}, "required": ["prompt"]}
WITH_A: Json = {"properties": {"prompt": TEXT, "a": TEXT}, "required": ["prompt"]}
WITH_C: Json = {"properties": {"prompt": TEXT, "c": TEXT}, "required": ["prompt"]}


@pytest.mark.parametrize("key", ["oneOf", "anyOf"])
@pytest.mark.parametrize("branches", [[WITH_A, WITH_C], [FLAT, WITH_C]], ids=["split", "one is the same"])
def test_an_input_that_gets_branches_takes_no_more_fields_than_before(key: str, branches: list[Json]) -> None:
    keywords: dict[str, Any] = {key: branches}
    old, new = edition(FLAT["properties"], required=["prompt"]), edition({}, **keywords)
    for changes in (told(old, new), told(new, old)):
        assert not [sentence for _, sentence in changes if "other fields" in sentence or "unevaluated" in sentence]


def test_a_flat_input_that_became_an_alternative_breaks_nothing() -> None:
    more = {"properties": {"video_url": TEXT}, "required": ["video_url"]}
    old = edition(FLAT["properties"], required=["prompt"])
    changes = told(old, edition({}, anyOf=[{"type": "object", **FLAT}, more]))
    assert [sentence for kind, sentence in changes if kind == "breaking" and "alternatives" in sentence] == []


def branch(mode: list[str], size: Json) -> Json:
    """Return a branch that its modes tell from the others, and nothing else does."""
    choice = {"const": mode[0]} if len(mode) == 1 else {"enum": mode}
    return {"properties": {"mode": choice, "size": size, "prompt": TEXT}, "required": ["mode"]}


@pytest.mark.parametrize("modes", [(["fast"], ["slow"]), (["fast", "faster"], ["slow", "slower"])])
def test_branches_are_paired_by_the_values_that_tell_them_apart(modes: tuple[list[str], list[str]]) -> None:
    small, large = {"type": "string", "enum": ["1K"]}, {"type": "string", "enum": ["1K", "2K", "4K"]}
    old, new = (
        edition({}, oneOf=[branch(modes[0], one), branch(modes[1], other)])
        for one, other in ((small, large), (large, small))
    )
    sentences = [sentence for _, sentence in told(old, new)]
    assert not [sentence for sentence in sentences if "`mode`" in sentence.partition(" (in ")[0]]
    assert any(sentence.startswith("`2K` and `4K` were removed from `size`") for sentence in sentences)
