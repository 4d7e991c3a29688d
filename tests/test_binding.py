"""Binding: what is wrong with a request, all of it, before anything is spent."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from kie_models.nano_banana_edit import NanoBananaEdit
from kie_models.nano_banana_pro import NanoBananaPro

from kie_registry import Adapter, Contract
from kie_registry.binding import bind, bind_instance
from kie_registry.contract import MediaLimits

URL = "https://files.example/a.png"
MODELS = {"edit": NanoBananaEdit, "pro": NanoBananaPro}
GOOD: dict[str, dict[str, Any]] = {"edit": {"prompt": "a", "images": [URL]}, "pro": {"prompt": "a"}}
LEFT_OUT = object()


def changed(model: str, change: dict[str, Any]) -> dict[str, Any]:
    """Return good parameters for `model` with `change` made to them."""
    both = {**GOOD[model], **change}
    return {name: value for name, value in both.items() if value is not LEFT_OUT}


def shown(value: Any) -> str | None:
    """Return an id for a change that a row of a table makes; None leaves pytest its own."""
    if not isinstance(value, dict):
        return "" if value is None else None
    return " ".join(f"{name}={'' if given is LEFT_OUT else ascii(given)[:30]}" for name, given in value.items())


def problems(model: str, change: dict[str, Any]) -> list[tuple[str, str | None, str]]:
    found = bind(MODELS[model], changed(model, change)).problems
    return [(problem.parameter, problem.native, problem.message) for problem in found]


@pytest.mark.parametrize(
    ("model", "change", "parameter", "native", "part"),
    [
        (
            "edit",
            {"promt": "a"},
            "promt",
            None,
            "is no parameter of google/nano-banana-edit; did you mean prompt",
        ),
        ("edit", {"imges": URL}, "imges", None, "did you mean images?"),
        (
            "edit",
            {"image": URL},
            "images",
            "image_urls",
            "is given twice, as images and as image",
        ),
        ("edit", {"aspect": "1:1"}, "aspect", None, "it takes prompt, images, aspect_ratio, output_format"),
        ("edit", {"resolution": "4K"}, "resolution", None, "is no parameter of google/nano-banana-edit"),
        ("edit", {"zzz": None}, "zzz", None, "is no parameter of google/nano-banana-edit ("),
        ("pro", {"image_sise": "1:1"}, "image_sise", None, "is no parameter of nano-banana-pro"),
        ("pro", {"resolutoin": "4K"}, "resolutoin", None, "did you mean resolution?"),
        ("edit", {"prompt": LEFT_OUT}, "prompt", None, "is missing"),
        ("edit", {"prompt": None}, "prompt", None, "is missing"),
        ("edit", {"images": LEFT_OUT}, "images", "image_urls", "is missing"),
        ("edit", {"images": None}, "images", "image_urls", "is missing"),
        ("pro", {"prompt": LEFT_OUT}, "prompt", None, "is missing"),
        ("edit", {"prompt": ""}, "prompt", None, "is empty"),
        ("pro", {"prompt": " \n\t"}, "prompt", None, "is empty"),
        ("edit", {"prompt": "x" * 5_001}, "prompt", None, "has 5,001 characters; at most 5,000 are allowed"),
        ("pro", {"prompt": "x" * 10_001}, "prompt", None, "has 10,001 characters; at most 10,000 are allowed"),
        ("edit", {"images": []}, "images", "image_urls", "has 0 items; at least 1 is needed"),
        ("edit", {"images": [URL] * 11}, "images", "image_urls", "has 11 items; at most 10 are allowed"),
        ("pro", {"images": [URL] * 9}, "images", "image_input", "has 9 items; at most 8 are allowed"),
        (
            "edit",
            {"aspect_ratio": "7:1"},
            "aspect_ratio",
            "image_size",
            '"7:1" is not one of "1:1", "9:16", "16:9"',
        ),
        ("edit", {"image_size": "7:1"}, "aspect_ratio", "image_size", '"7:1" is not one of'),
        ("pro", {"aspect_ratio": "7:1"}, "aspect_ratio", None, '"7:1" is not one of "1:1", "2:3"'),
        ("pro", {"resolution": "8K"}, "resolution", None, '"8K" is not one of "1K", "2K", "4K"'),
        ("edit", {"output_format": "gif"}, "output_format", None, '"gif" is not one of "png", "jpeg"'),
        ("pro", {"output_format": "webp"}, "output_format", None, '"webp" is not one of "png", "jpg"'),
        ("pro", {"prompt": True}, "prompt", None, "true is of the wrong type; it takes string"),
        ("pro", {"prompt": ["a", "b"]}, "prompt", None, '["a", "b"] is of the wrong type; it takes string'),
        ("pro", {"prompt": {"a": 1}}, "prompt", None, '{"a": 1} is of the wrong type; it takes string'),
        ("pro", {"prompt": b"bytes"}, "prompt", None, "of the wrong type; it takes string"),
        ("pro", {"prompt": Path("prompt.txt")}, "prompt", None, "of the wrong type; it takes string"),
        ("pro", {"prompt": {"a"}}, "prompt", None, "of the wrong type; it takes string"),
        ("pro", {"prompt": math.nan}, "prompt", None, "of the wrong type; it takes string"),
        ("pro", {"prompt": "half a character: \ud800"}, "prompt", None, "cannot be sent"),
        ("pro", {"resolution": True}, "resolution", None, "true is "),
        ("pro", {"resolution": 4}, "resolution", None, "4 is not one of"),
        (
            "edit",
            {"aspect_ratio": "1:1", "image_size": "1:1"},
            "aspect_ratio",
            "image_size",
            "is given twice, as aspect_ratio and as image_size",
        ),
    ],
    ids=shown,
)
def test_one_mistake_is_one_problem(
    model: str, change: dict[str, Any], parameter: str, native: str | None, part: str
) -> None:
    ((found, found_native, message),) = problems(model, change)
    assert (found, found_native, part) == (parameter, native, part if part in message else message)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("ftp://files.example/a.png", "is no http or https URL"),
        ("file:///etc/passwd", "is no http or https URL"),
        ("://files.example/a.png", "is no http or https URL"),
        ("http://", "it needs a host"),
        ("https:///a.png", "it needs a host"),
        ("https://files.example/a b.png", "no white space"),
        (" https://files.example/a.png", "no white space"),
        ("https://files.example/a.png\n", "no white space"),
        ("https://[::1/a.png", "is no URL"),
        ("https://files.example:99999/a.png", "is no URL"),
        ("https://files.example:port/a.png", "is no URL"),
    ],
)
def test_a_bad_url_is_a_problem_of_images(model: str, address: str, part: str) -> None:
    ((parameter, _, message),) = problems(model, {"images": [address]})
    assert (parameter, part in message) == ("images", True)


def test_each_bad_url_is_a_problem() -> None:
    assert len(problems("pro", {"images": ["ftp://a.b/c", URL, "http://"]})) == 2


@pytest.mark.parametrize(
    ("model", "change"),
    [
        ("edit", {"prompt": "x" * 5_000}),
        ("pro", {"prompt": "x" * 10_000}),
        ("edit", {"images": [URL] * 10}),
        ("pro", {"images": [URL] * 8}),
        ("pro", {"images": []}),
        ("pro", {"aspect_ratio": None, "image_input": None}),
        ("edit", {"aspect_ratio": None, "image_size": "1:1"}),
    ],
    ids=["5,000", "10,000", "10 images", "8 images", "no images", "None", "None beside a native name"],
)
def test_what_is_within_the_limits_passes(model: str, change: dict[str, Any]) -> None:
    assert problems(model, change) == []


@pytest.mark.parametrize(
    ("model", "change", "parameters"),
    [
        ("edit", {"prompt": LEFT_OUT, "images": LEFT_OUT}, ["images", "prompt"]),
        ("edit", {"prompt": LEFT_OUT, "resolution": "4K"}, ["prompt", "resolution"]),
        ("edit", {"prompt": " ", "resolution": "4K"}, ["prompt", "resolution"]),
        ("edit", {"prompt": " ", "images": LEFT_OUT}, ["images", "prompt"]),
        ("edit", {"prompt": " ", "aspect_ratio": "7:1"}, ["aspect_ratio", "prompt"]),
        ("edit", {"prompt": "x" * 5_001, "images": ["ftp://a.b/c"]}, ["images", "prompt"]),
        ("edit", {"colour": "red", "size": "7:1"}, ["colour", "size"]),
        (
            "pro",
            {"prompt": LEFT_OUT, "images": [URL] * 9, "aspect_ratio": "7:1", "resolution": "9K", "colour": "red"},
            ["aspect_ratio", "colour", "images", "prompt", "resolution"],
        ),
    ],
    ids=shown,
)
def test_all_mistakes_are_reported_at_once(model: str, change: dict[str, Any], parameters: list[str]) -> None:
    assert sorted(parameter for parameter, _, _ in problems(model, change)) == parameters


def test_a_parameter_given_twice_is_not_reported_for_its_value_as_well() -> None:
    assert len(problems("edit", {"aspect_ratio": "7:1", "image_size": "1:1"})) == 1


def test_problems_come_in_the_order_of_the_contract() -> None:
    found = problems("pro", {"output_format": "gif", "resolution": "9K", "aspect_ratio": "7:1"})
    assert [parameter for parameter, _, _ in found] == ["aspect_ratio", "resolution", "output_format"]


@pytest.mark.parametrize(
    ("model", "change", "native", "value"),
    [
        ("edit", {"output_format": "jpg"}, "output_format", "jpeg"),
        ("pro", {"output_format": "jpeg"}, "output_format", "jpg"),
        ("pro", {"output_format": "PNG"}, "output_format", "png"),
        ("pro", {"resolution": "4k"}, "resolution", "4K"),
        ("pro", {"aspect_ratio": "landscape_16_9"}, "aspect_ratio", "16:9"),
        ("edit", {"aspect_ratio": "adaptive"}, "image_size", "auto"),
        ("edit", {"images": URL}, "image_urls", [URL]),
        ("edit", {"images": (URL, URL)}, "image_urls", [URL, URL]),
        ("edit", {"images": LEFT_OUT, "image_urls": URL}, "image_urls", [URL]),
        ("edit", {"images": b"bytes"}, "image_urls", [b"bytes"]),
        ("pro", {"images": Path("a.png")}, "image_input", [Path("a.png")]),
        ("pro", {"prompt": ["a"]}, "prompt", "a"),
        ("pro", {"prompt": 5}, "prompt", "5"),
    ],
    ids=shown,
)
def test_a_value_is_put_in_the_form_that_the_model_takes(
    model: str, change: dict[str, Any], native: str, value: Any
) -> None:
    bound = bind(MODELS[model], changed(model, change))
    assert (bound.input[native], bound.problems) == (value, [])


def test_nothing_is_sent_that_was_not_given() -> None:
    assert bind(NanoBananaPro, {"prompt": "a", "resolution": None}).input == {"prompt": "a"}


@pytest.mark.parametrize("model", MODELS)
def test_an_instance_binds_as_its_parameters_do(model: str) -> None:
    given = changed(model, {"aspect_ratio": "7:1"})
    adapter = MODELS[model]
    assert bind_instance(adapter(**given)).problems == bind(adapter, given).problems


class TestLocalFiles:
    def test_are_found_among_the_urls(self) -> None:
        slots = bind(NanoBananaPro, {"prompt": "a", "images": [URL, "a.png", b"bytes"]}).slots
        assert [(slot.place, slot.source) for slot in slots] == [
            (("image_input", 1), "a.png"),
            (("image_input", 2), b"bytes"),
        ]

    def test_are_replaced_by_their_addresses(self) -> None:
        bound = bind(NanoBananaPro, {"prompt": "a", "images": [URL, "a.png"]})
        bound.put(bound.slots[0], "https://files.example/b.png")
        assert bound.input["image_input"] == [URL, "https://files.example/b.png"]

    def test_are_replaced_where_the_model_takes_a_single_one(self) -> None:
        bound = bind(single_image(), {"prompt": "a", "images": ["a.png"]})
        bound.put(bound.slots[0], URL)
        assert bound.input["image_url"] == URL

    def test_are_not_replaced_in_the_callers_own_list(self) -> None:
        images: list[Any] = ["a.png"]
        bound = bind(NanoBananaPro, {"prompt": "a", "images": images})
        bound.put(bound.slots[0], URL)
        assert images == ["a.png"]


def built(properties: dict[str, Any], **fields: Any) -> type[Adapter]:
    schema = {"type": "object", "properties": properties, "required": ["prompt"], "additionalProperties": False}
    contract = Contract(id="m", title="M", output="image", input=schema, **fields)

    class Built(Adapter, contract=contract):
        pass

    return Built


def single_image() -> type[Adapter]:
    properties = {"prompt": {"type": "string"}, "image_url": {"type": "string"}}
    return built(properties, media={"image_url": MediaLimits()})


RATIO = {"type": "string", "enum": ["1:1", "16:9"]}


class TestTheNewerEditionOfNanoBananaEdit:
    """Its page has both `aspect_ratio` and the deprecated `image_size`."""

    adapter = built(
        {"prompt": {"type": "string"}, "image_size": {**RATIO, "deprecated": True}, "aspect_ratio": RATIO},
        replaced_by={"image_size": "aspect_ratio"},
    )

    @pytest.mark.parametrize("name", ["aspect_ratio", "image_size"])
    def test_takes_each_name_as_it_stands(self, name: str) -> None:
        bound = bind(self.adapter, {"prompt": "a", name: "16:9"})
        assert (bound.input, bound.problems) == ({"prompt": "a", name: "16:9"}, [])

    def test_refuses_both(self) -> None:
        (problem,) = bind(self.adapter, {"prompt": "a", "aspect_ratio": "1:1", "image_size": "16:9"}).problems
        assert str(problem) == "aspect_ratio: cannot be given together with image_size, which it replaces"
