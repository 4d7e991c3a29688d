"""Short names are made of the model id alone, and tell models apart."""

from __future__ import annotations

import pytest

from kie_registry.errors import SpecError
from kie_registry.slugs import choose_slug


@pytest.mark.parametrize(
    ("model", "slug"),
    [
        ("nano-banana-pro", "nano-banana-pro"),
        ("google/nano-banana-edit", "nano-banana-edit"),
        ("qwen/text-to-image", "qwen-text-to-image"),
        ("qwen/image-edit", "qwen-image-edit"),
        ("bytedance/seedance-2", "seedance-2"),
        ("seedream/4.5-edit", "seedream-4-5-edit"),
        ("kling-3.0/video", "kling-3-0-video"),
        ("wan/2-7-image-pro", "wan-2-7-image-pro"),
        ("flux-2/pro-text-to-image", "flux-2-pro-text-to-image"),
        ("grok-imagine/extend", "grok-imagine-extend"),
        ("a/b/Kite_Maker", "kite-maker"),
        ("kling/v2-5-turbo-image-to-video-pro", "kling-v2-5-turbo-image-to-video-pro"),
        ("text-to-image", "text-to-image"),
        ("v2/3", "v2-3"),
    ],
)
def test_slug_is_the_shortest_end_that_tells_the_model(model: str, slug: str) -> None:
    assert choose_slug(model) == slug


def test_slug_that_another_model_has_grows() -> None:
    assert choose_slug("other/kite", taken={"kite"}) == "other-kite"


@pytest.mark.parametrize(
    "model",
    [
        pytest.param("灯", id="no-letters"),
        pytest.param("", id="empty"),
    ],
)
def test_id_without_a_short_name_is_refused(model: str) -> None:
    with pytest.raises(SpecError, match="no short name"):
        choose_slug(model)


def test_id_whose_every_end_is_taken_is_refused() -> None:
    with pytest.raises(SpecError, match="no short name that is free"):
        choose_slug("acme/kite", taken={"kite", "acme-kite"})
