"""The common vocabulary: one name for what kie.ai's models call by many, and the values that mean the same.

To extend it, add a native name to `SYNONYMS`, or a row of equal values to `EQUAL_VALUES`. A name alone proves
little (one model's ``quality`` is ``basic`` or ``high``, and no resolution; one model's ``audio`` is a file and
another's a switch), so `FORMS` says what the values must look like for a name to count.

Where several parameters of a model could be the same common one, the one whose native name is that common
name is it; else the first in the order of `SYNONYMS`, deprecated ones last. The others keep their native
names, as does every parameter whose form does not fit. A native name always means that native parameter, so a
common name is not offered where a native parameter bears it with another meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from kie_registry import schemas
from kie_registry.schemas import Schema

SYNONYMS: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "text"),
    "negative_prompt": ("negative_prompt",),
    "images": (
        "image_urls",
        "image_input",
        "input_urls",
        "image_url",
        "image",
        "first_frame_url",
        "first_frame",
        "first_frame_image_url",
    ),
    "reference_images": ("reference_image_urls", "reference_image", "image_references"),
    "end_image": ("last_frame_url", "end_image_url", "tail_image_url", "last_frame_image_url"),
    "mask": ("mask_url", "reference_mask_urls"),
    "videos": ("video_urls", "video_url", "video", "reference_video_urls", "reference_video", "first_clip_url"),
    "audio": ("audio_url", "driving_audio_url", "reference_audio_urls"),
    "aspect_ratio": ("aspect_ratio", "image_size", "ratio", "size"),
    "resolution": ("resolution", "quality", "image_resolution", "output_resolution", "size", "image_size"),
    "duration": ("duration", "duration_seconds", "n_frames", "extend_times"),
    "num_images": ("num_images", "max_images", "n"),
    "seed": ("seed",),
    "output_format": ("output_format",),
    "generate_audio": ("generate_audio", "generate_audio_switch", "audio", "sound"),
    "enhance_prompt": ("prompt_extend", "expand_prompt", "prompt_optimizer", "enable_prompt_expansion"),
    "safety_checker": ("nsfw_checker", "enable_safety_checker"),
    "guidance_scale": ("guidance_scale", "cfg_scale"),
}
"""Common name -> native names, the likeliest first."""

SINGULAR: dict[str, str] = {"videos": "video"}
"""Common name -> what it is called instead where a model takes only one."""

OTHER_NUMBER: dict[str, str] = {
    "image": "images",
    "images": "image",
    "reference_image": "reference_images",
    "reference_images": "reference_image",
    "video": "videos",
    "videos": "video",
    "audio": "audios",
    "audios": "audio",
}
"""Name -> the one that is accepted for it in calls, unless the model has a parameter of the given name."""

EQUAL_VALUES: tuple[tuple[str, ...], ...] = (
    ("jpg", "jpeg"),
    ("auto", "adaptive"),
    # A ratio says nothing of high definition: where a model knows both squares, 1:1 is the plain, cheaper one.
    ("1:1", "square", "square_hd"),
    ("16:9", "landscape_16_9", "landscape"),
    ("4:3", "landscape_4_3"),
    ("3:2", "landscape_3_2"),
    ("21:9", "landscape_21_9"),
    ("9:16", "portrait_16_9", "portrait_9_16", "portrait"),
    ("3:4", "portrait_4_3", "portrait_3_4"),
    ("2:3", "portrait_3_2", "portrait_2_3"),
)
"""Values that mean the same, the likeliest first; which of them a model takes, its contract says.

Differences of case alone (``4k`` and ``4K``), and between numbers and their texts, need no row here.
"""

Form = Callable[[Schema], bool]


def _some_value(pattern: str) -> Form:
    """Make a form that holds where some of the values that a parameter takes match `pattern` wholly."""
    compiled = re.compile(pattern, re.IGNORECASE)

    def holds(schema: Schema) -> bool:
        return any(compiled.fullmatch(str(value)) for value in schemas.choices(schema))

    return holds


def _every_value(pattern: str, *types: str) -> Form:
    """Make a form that holds where every value matches `pattern`; without values to choose, where a type fits."""
    compiled = re.compile(pattern, re.IGNORECASE)

    def holds(schema: Schema) -> bool:
        if choices := schemas.choices(schema):
            return all(compiled.fullmatch(str(value)) for value in choices)
        return bool(set(types).intersection(schemas.types(schema)))

    return holds


def _file(schema: Schema) -> bool:
    """Whether a parameter may hold the URL of a file, or several."""
    inner = schemas.item(schema)
    return "string" in schemas.types(inner) and not schemas.choices(inner)


def _text(schema: Schema) -> bool:
    return "string" in schemas.types(schema) and not schemas.choices(schema)


def _anything(_schema: Schema) -> bool:
    return True


_number = _every_value(r"\d+(\.\d+)?s?", "integer", "number")
_switch = _every_value("true|false", "boolean")

FORMS: Mapping[str, Form] = {
    "prompt": _text,
    "negative_prompt": _text,
    "images": _file,
    "reference_images": _file,
    "end_image": _file,
    "mask": _file,
    "videos": _file,
    "audio": _file,
    "aspect_ratio": _some_value(r"\d+:\d+|(square|portrait|landscape)(_\w+)?"),
    "resolution": _some_value(r"\d+[pk]|\d+\s*[x*]\s*\d+"),
    "duration": _number,
    "num_images": _number,
    "generate_audio": _switch,
    "enhance_prompt": _switch,
    "safety_checker": _switch,
    "guidance_scale": _number,
}
"""Common name -> what a parameter's schema must look like to count as it."""


def synonyms(common: str) -> tuple[str, ...]:
    """Return the native names that may mean `common`."""
    plural = next((plural for plural, singular in SINGULAR.items() if singular == common), common)
    return SYNONYMS.get(plural, (common,))


def common_names(input_schema: Schema) -> dict[str, str]:
    """Return common name -> native name for the parameters of one model, each of which has exactly one."""
    parameters, required = schemas.parameters(input_schema), schemas.required(input_schema)
    found: dict[str, str] = {}
    for common in SYNONYMS:
        native = _native(common, parameters, required, taken=set(found.values()))
        if native is None:
            continue
        name = common
        if common in SINGULAR and "array" not in schemas.types(parameters[native]):
            name = SINGULAR[common]
        if name == native or name not in parameters:
            found[name] = native
    named = set(found.values())
    found.update({name: name for name in parameters if name not in named})
    return found


def _native(
    common: str, parameters: Mapping[str, Any], required: Collection[str], *, taken: set[str]
) -> str | None:
    """Return the parameter that is called `common`; None where there is none."""
    fits = FORMS.get(common, _anything)
    candidates = [
        name
        for name in dict.fromkeys((common, *SYNONYMS[common]))
        if name in parameters and name not in taken and fits(parameters[name])
    ]
    if common in candidates:
        return common
    current = [name for name in candidates if not parameters[name].get("deprecated")]
    # What the model cannot do without is what a caller means.
    needed = [name for name in current if name in required]
    return next(iter(needed or current or candidates), None)
