"""The common vocabulary: one name for what kie.ai's models call by many.

To extend it, add a native name to `SYNONYMS`. A name alone proves little (one model's ``quality`` is
``basic`` or ``high``, and no resolution), so a common name may ask for a form of the values in `FORMS`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

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
    "aspect_ratio": ("aspect_ratio", "image_size", "ratio"),
    "resolution": ("resolution", "quality", "image_resolution", "output_resolution", "size"),
    "output_format": ("output_format",),
    "seed": ("seed",),
}
"""Common name -> native names, the likeliest first."""

_RATIO = re.compile(r"\d+:\d+$|auto$|adaptive$|(square|portrait|landscape)(_\w+)?$")
_INTEGER = re.compile(r"[+-]?\d{1,300}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,300}(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_RESOLUTION = re.compile(r"\d+[pk]$|\d+x\d+$", re.IGNORECASE)


def _some_match(pattern: re.Pattern[str]) -> Callable[[Schema], bool]:
    def holds(schema: Schema) -> bool:
        return any(pattern.match(str(value)) for value in schema.get("enum", ()))

    return holds


FORMS: Mapping[str, Callable[[Schema], bool]] = {
    "aspect_ratio": _some_match(_RATIO),
    "resolution": _some_match(_RESOLUTION),
}
"""Common name -> what a native parameter's schema must look like to count as it."""

EQUAL_VALUES: tuple[frozenset[str], ...] = (
    frozenset({"jpg", "jpeg"}),
    frozenset({"auto", "adaptive"}),
    frozenset({"1:1", "square"}),
    frozenset({"16:9", "landscape_16_9"}),
    frozenset({"4:3", "landscape_4_3"}),
    frozenset({"9:16", "portrait_16_9"}),
    frozenset({"3:4", "portrait_4_3"}),
)
"""Values that mean the same; which of them a model takes, its contract says."""


def synonyms(common: str) -> tuple[str, ...]:
    """Return the native names that may mean `common`."""
    return SYNONYMS.get(common, (common,))


def common_names(input_schema: Schema) -> dict[str, str]:
    """Return common name -> native name for the parameters of one model.

    A native name always means that parameter: where a model has a native parameter of the common name,
    the common name is that one. Deprecated parameters stand back behind their successors.
    """
    properties: Mapping[str, Schema] = input_schema.get("properties", {})
    found: dict[str, str] = {}
    for common, natives in SYNONYMS.items():
        if common in properties:
            found[common] = common
            continue
        fits = FORMS.get(common)
        candidates = [name for name in natives if name in properties and (fits is None or fits(properties[name]))]
        current = [name for name in candidates if not properties[name].get("deprecated")]
        if candidates:
            found[common] = (current or candidates)[0]
    taken = set(found.values())
    found.update({name: name for name in properties if name not in taken and name not in found})
    return found


def coerce(value: Any, schema: Schema) -> Any:
    """Return `value` in the form that `schema` asks for, where no meaning is lost; else as it is.

    ``5`` becomes ``"5"`` and ``"5"`` becomes ``5``, ``jpg`` becomes ``jpeg``, ``4k`` becomes ``4K``, and one
    value becomes a list of one, or the other way about.
    """
    if value is None or not isinstance(schema, Mapping):
        return value
    kind = schema.get("type")
    listed = as_listed(value, schema)
    if kind == "array":
        return [coerce(item, schema.get("items", {})) for item in listed]
    value = listed
    if choices := schema.get("enum"):
        return _choose(value, choices)
    if kind == "string" and _is_number(value):
        return str(value)
    if kind in ("integer", "number") and isinstance(value, str):
        return _number(value)
    return value


def as_listed(value: Any, schema: Schema) -> Any:
    """Return a list where `schema` asks for one, and one value where it does not; the values as they are."""
    if schema.get("type") == "array":
        if isinstance(value, (list, tuple)):
            return list(value)
        # A file object is an iterator too, of its lines.
        several = isinstance(value, Iterator) and not hasattr(value, "read")
        return list(value) if several else [value]
    if schema.get("type") in _SCALARS and isinstance(value, (list, tuple)) and len(value) == 1:
        (only,) = value
        return value if only is None or isinstance(only, (list, tuple)) else only
    return value


_SCALARS = ("string", "integer", "number", "boolean")


def _choose(value: Any, choices: Iterable[Any]) -> Any:
    choices = list(choices)
    text = _text(value)
    if text is None or value in choices:
        return value
    spelled = {choice: said for choice in choices if (said := _text(choice)) is not None}
    same_but_case = [choice for choice, said in spelled.items() if said == text]
    equal = next((same for same in EQUAL_VALUES if text in same), frozenset())
    matches = same_but_case or [choice for choice, said in spelled.items() if said in equal]
    return matches[0] if len(matches) == 1 else value


def _text(value: Any) -> str | None:
    """Return text or a number in lower case; None for all that must not be taken for text."""
    if isinstance(value, str):
        return value.lower()
    return str(value) if _is_number(value) else None


def _is_number(value: Any) -> bool:
    """Whether `value` is a number that can be written in full: no NaN, and none of thousands of digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) if isinstance(value, float) else value.bit_length() <= 1024


def _number(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text
