"""The common vocabulary: which name means which parameter."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from kie_registry.vocabulary import SYNONYMS, common_names, synonyms

TEXT: dict[str, Any] = {"type": "string"}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}
RATIOS: dict[str, Any] = {"type": "string", "enum": ["1:1", "16:9"]}
NAMED_RATIOS: dict[str, Any] = {"type": "string", "enum": ["square_hd", "landscape_16_9"]}
SIZES: dict[str, Any] = {"type": "string", "enum": ["1K", "2K"]}
LEVELS: dict[str, Any] = {"type": "string", "enum": ["basic", "high"]}
OLD: dict[str, Any] = {"deprecated": True}
SWITCH: dict[str, Any] = {"type": "boolean"}
WHOLE: dict[str, Any] = {"type": "integer"}
SECONDS: dict[str, Any] = {"type": "string", "enum": ["5", "10"]}
EITHER: dict[str, Any] = {"anyOf": [TEXT, TEXTS]}


@pytest.mark.parametrize(
    ("properties", "names"),
    [
        pytest.param({"prompt": TEXT}, {"prompt": "prompt"}, id="the same name"),
        pytest.param({"text": TEXT}, {"prompt": "text"}, id="text is the prompt"),
        pytest.param({"text": TEXT, "prompt": TEXT}, {"prompt": "prompt", "text": "text"}, id="native name wins"),
        pytest.param({"image_input": TEXTS}, {"images": "image_input"}, id="image_input"),
        pytest.param({"image_url": TEXT}, {"images": "image_url"}, id="a single image_url"),
        pytest.param(
            {"image_url": TEXT, "image_urls": TEXTS},
            {"images": "image_urls", "image_url": "image_url"},
            id="image_url beside image_urls",
        ),
        pytest.param(
            {"images": TEXT, "image_urls": TEXTS},
            {"images": "images", "image_urls": "image_urls"},
            id="images of its own",
        ),
        pytest.param({"image_size": RATIOS}, {"aspect_ratio": "image_size"}, id="image_size as ratios"),
        pytest.param({"image_size": NAMED_RATIOS}, {"aspect_ratio": "image_size"}, id="image_size as names"),
        pytest.param({"image_size": SIZES}, {"resolution": "image_size"}, id="image_size that is no ratio"),
        pytest.param({"image_size": TEXT}, {"image_size": "image_size"}, id="image_size without values"),
        pytest.param(
            {"image_size": {"enum": ["1:1", "2K"]}}, {"aspect_ratio": "image_size"}, id="image_size of both forms"
        ),
        pytest.param({"ratio": RATIOS}, {"aspect_ratio": "ratio"}, id="ratio"),
        pytest.param({"quality": SIZES}, {"resolution": "quality"}, id="quality that is a resolution"),
        pytest.param({"quality": LEVELS}, {"quality": "quality"}, id="quality that is none"),
        pytest.param({"resolution": LEVELS}, {"resolution": "resolution"}, id="a native name needs no form"),
        pytest.param(
            {"resolution": SIZES, "quality": SIZES},
            {"resolution": "resolution", "quality": "quality"},
            id="quality beside resolution",
        ),
        pytest.param(
            {"image_size": RATIOS | OLD, "aspect_ratio": RATIOS},
            {"aspect_ratio": "aspect_ratio", "image_size": "image_size"},
            id="deprecated image_size beside aspect_ratio",
        ),
        pytest.param(
            {"image_size": RATIOS | OLD, "ratio": RATIOS},
            {"aspect_ratio": "ratio", "image_size": "image_size"},
            id="deprecated image_size beside ratio",
        ),
        pytest.param({"image_size": RATIOS | OLD}, {"aspect_ratio": "image_size"}, id="deprecated, but alone"),
        pytest.param({"video_urls": TEXTS}, {"videos": "video_urls"}, id="a list of videos"),
        pytest.param({"video_url": TEXT}, {"video": "video_url"}, id="one video"),
        pytest.param(
            {"video": TEXT, "video_urls": TEXTS},
            {"videos": "video_urls", "video": "video"},
            id="video beside video_urls",
        ),
        pytest.param({"reference_image": EITHER}, {"reference_images": "reference_image"}, id="one or a list"),
        pytest.param({"audio_url": TEXT}, {"audio": "audio_url"}, id="audio_url"),
        pytest.param({"audio": TEXT}, {"audio": "audio"}, id="audio that is a file"),
        pytest.param({"audio": SWITCH}, {"generate_audio": "audio"}, id="audio that is a switch"),
        pytest.param(
            {"audio": SWITCH, "audio_url": TEXT},
            {"generate_audio": "audio", "audio_url": "audio_url"},
            id="audio is a switch, so no other is called audio",
        ),
        pytest.param({"sound": SWITCH}, {"generate_audio": "sound"}, id="sound"),
        pytest.param({"sound": TEXT}, {"sound": "sound"}, id="sound that is no switch"),
        pytest.param(
            {"image": SWITCH, "image_url": TEXT}, {"image": "image", "images": "image_url"}, id="image no file"
        ),
        pytest.param(
            {"images": WHOLE, "image_url": TEXT},
            {"images": "images", "image_url": "image_url"},
            id="images is a number",
        ),
        pytest.param({"n": WHOLE}, {"num_images": "n"}, id="n"),
        pytest.param({"n": TEXT}, {"n": "n"}, id="n that is no number"),
        pytest.param({"n_frames": SECONDS}, {"duration": "n_frames"}, id="n_frames"),
        pytest.param(
            {"n_frames": SECONDS, "duration": WHOLE},
            {"duration": "duration", "n_frames": "n_frames"},
            id="n_frames beside duration",
        ),
        pytest.param({"mode": SIZES}, {"mode": "mode"}, id="mode is nothing common"),
        pytest.param({"size": {"enum": ["1024x1024"]}}, {"resolution": "size"}, id="pixels"),
        pytest.param({"size": RATIOS}, {"aspect_ratio": "size"}, id="size of ratios"),
        pytest.param(
            {"image_size": {"anyOf": [NAMED_RATIOS, {"type": "null"}]}},
            {"aspect_ratio": "image_size"},
            id="values within a branch",
        ),
        pytest.param(
            {"enable_safety_checker": SWITCH, "nsfw_checker": SWITCH},
            {"safety_checker": "nsfw_checker", "enable_safety_checker": "enable_safety_checker"},
            id="two safety checkers",
        ),
        pytest.param({"cfg_scale": {"type": "number"}}, {"guidance_scale": "cfg_scale"}, id="cfg_scale"),
        pytest.param(
            {
                "first_frame_url": TEXT,
                "last_frame_url": TEXT,
                "reference_image_urls": TEXTS,
                "reference_video_urls": TEXTS,
                "reference_audio_urls": TEXTS,
                "generate_audio": SWITCH,
            },
            {
                "images": "first_frame_url",
                "end_image": "last_frame_url",
                "reference_images": "reference_image_urls",
                "videos": "reference_video_urls",
                "audio": "reference_audio_urls",
                "generate_audio": "generate_audio",
            },
            id="frames and references",
        ),
        pytest.param(
            {"image_url": TEXT, "image_urls": TEXTS, "reference_image_urls": TEXTS, "mask_url": TEXT},
            {
                "images": "image_urls",
                "reference_images": "reference_image_urls",
                "mask": "mask_url",
                "image_url": "image_url",
            },
            id="images, references and a mask",
        ),
        pytest.param({"steps": TEXT, "cfg": TEXT}, {"steps": "steps", "cfg": "cfg"}, id="names of its own"),
        pytest.param({}, {}, id="nothing"),
    ],
)
def test_common_names(properties: dict[str, Any], names: dict[str, str]) -> None:
    assert common_names({"properties": properties}) == names


def test_parameters_of_branches_have_common_names() -> None:
    branches = [{"properties": {"image_url": TEXT}}, {"properties": {"video_url": TEXT}}]
    assert common_names({"oneOf": branches}) == {"images": "image_url", "video": "video_url"}


@given(
    st.dictionaries(
        st.sampled_from([name for common, natives in SYNONYMS.items() for name in (common, *natives)]),
        st.sampled_from([TEXT, TEXTS, SIZES, RATIOS, SWITCH, WHOLE, EITHER, SECONDS, OLD]),
    )
)
def test_a_native_name_never_means_another_parameter(properties: dict[str, Any]) -> None:
    found = common_names({"properties": properties})
    assert {name: native for name, native in found.items() if name in properties and name != native} == {}


@given(st.lists(st.sampled_from([native for natives in SYNONYMS.values() for native in natives]), unique=True))
def test_every_parameter_has_exactly_one_common_name(natives: list[str]) -> None:
    found = common_names({"properties": dict.fromkeys(natives, SIZES)})
    assert sorted(found.values()) == sorted(natives)


@pytest.mark.parametrize(("common", "native"), [("images", "image_urls"), ("prompt", "text"), ("steps", "steps")])
def test_synonyms_list_the_native_names(common: str, native: str) -> None:
    assert native in synonyms(common)
