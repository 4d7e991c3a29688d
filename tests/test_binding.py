"""Binding: what is wrong with a request, all of it, before anything is spent."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from kie_models.nano_banana_edit import NanoBananaEdit
from kie_models.nano_banana_pro import NanoBananaPro

from kie_registry import Adapter, Contract, InvalidRequest, Kie
from kie_registry.binding import bind, bind_instance
from kie_registry.contract import MediaLimits
from kie_registry.sandbox import Sandbox
from tests.models import SWITCH, TEXT, URL as ADDRESS, URLS, WHOLE, adapter, contract, flat, published, written

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


EITHER = {"anyOf": [ADDRESS, URLS]}
ELEMENTS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"name": TEXT, "urls": URLS, "cover": ADDRESS},
        "required": ["name"],
    },
}
MEDIA = flat(
    {
        "prompt": TEXT,
        "image_url": ADDRESS,
        "reference_image": EITHER,
        "audio_url": {**ADDRESS, "minLength": 0},
        "video_urls": URLS,
        "elements": ELEMENTS,
        "scene": {"type": "object", "properties": {"background": ADDRESS}},
    },
    media={
        "image_url": {"kind": "image"},
        "reference_image": {"kind": "image"},
        "audio_url": {"kind": "audio"},
        "video_urls": {"kind": "video", "schemes": ["asset"]},
        "elements[].urls": {"kind": "image"},
        "elements[].cover": {"kind": "image"},
        "scene.background": {"kind": "image"},
    },
)


def media_problems(**given: Any) -> list[str]:
    return [str(problem) for problem in bind(adapter(MEDIA), given).problems]


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({"images": "a.png"}, [("image_url",)]),
        ({"image": "a.png"}, [("image_url",)]),
        ({"images": ["a.png"]}, [("image_url",)]),
        ({"reference_image": "a.png"}, [("reference_image",)]),
        ({"reference_images": ["a.png", URL]}, [("reference_image", 0)]),
        ({"reference_images": ("a.png", "b.png")}, [("reference_image", 0), ("reference_image", 1)]),
        ({"videos": "a.mp4"}, [("video_urls", 0)]),
        ({"video": "a.mp4"}, [("video_urls", 0)]),
        ({"videos": ["asset://asset-123", URL]}, []),
        ({"audios": "a.mp3"}, [("audio_url",)]),
        ({"audio": ""}, []),
        ({"elements": [{"name": "a", "urls": [URL, "b.png"]}]}, [("elements", 0, "urls", 1)]),
        ({"elements": [{"name": "a", "urls": "b.png"}]}, [("elements", 0, "urls", 0)]),
        (
            {"elements": [{"name": "a", "cover": b"b"}, {"name": "b", "cover": "c.png", "urls": ["d.png"]}]},
            [("elements", 1, "urls", 0), ("elements", 0, "cover"), ("elements", 1, "cover")],
        ),
        ({"elements": [{"name": "a"}]}, []),
        ({"scene": {"background": "a.png"}}, [("scene", "background")]),
        ({"scene": {"background": URL}}, []),
    ],
    ids=ascii,
)
def test_local_files_are_found_wherever_they_are(given: dict[str, Any], places: list[tuple[Any, ...]]) -> None:
    bound = bind(adapter(MEDIA), given)
    assert ([slot.place for slot in bound.slots], bound.problems) == (places, [])


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"images": ["a.png", "b.png"]}, "images (image_url): takes one image, and 2 are given"),
        ({"images": "asset://asset-1"}, "images (image_url): 'asset://asset-1' is no http or https URL"),
        ({"videos": "ftp://a/b"}, "videos (video_urls): 'ftp://a/b' is no http, https or asset URL"),
        ({"videos": "asset://"}, "videos (video_urls): 'asset://' is no URL: it names nothing"),
        (
            {"elements": [{"name": "a", "urls": [URL, "ftp://a/b"]}]},
            "elements: item 1, urls, item 2: 'ftp://a/b' is no http or https URL",
        ),
        (
            {"elements": [{"name": "a"}, {"name": "a", "cover": ["a.png", "b.png"]}]},
            "elements: item 2, cover: takes one image, and 2 are given",
        ),
        ({"elements": [{"cover": "a.png"}]}, "elements: item 1: name is missing"),
        (
            {"image": URL, "images": URL},
            "images (image_url): is given twice, as image and as images",
        ),
        (
            {"image_url": URL, "images": URL},
            "images (image_url): is given twice, as image_url and as images",
        ),
    ],
    ids=ascii,
)
def test_each_mistake_with_files_is_named_with_its_place(given: dict[str, Any], problem: str) -> None:
    assert media_problems(**given) == [problem]


def test_nothing_that_the_caller_owns_is_changed_by_an_upload() -> None:
    elements = [{"name": "a", "urls": ["b.png"]}]
    bound = bind(adapter(MEDIA), {"elements": elements})
    bound.put(bound.slots[0], URL)
    assert (elements, bound.input["elements"]) == (
        [{"name": "a", "urls": ["b.png"]}],
        [{"name": "a", "urls": [URL]}],
    )


def test_an_iterator_of_files_is_read_once() -> None:
    assert len(bind(adapter(MEDIA), {"videos": iter(["a.mp4", "b.mp4"])}).slots) == 2


@pytest.mark.parametrize(
    ("schema", "value", "messages"),
    [
        (TEXT, "", ["prompt: is empty"]),
        ({**TEXT, "minLength": 0}, "", []),
        ({**TEXT, "minLength": 0}, "  ", ["prompt: is empty"]),
    ],
    ids=["not allowed", "allowed outright", "white space is no empty text"],
)
def test_an_empty_text_passes_only_where_the_contract_says_so(
    schema: dict[str, Any], value: str, messages: list[str]
) -> None:
    bound = bind(adapter(flat({"prompt": schema}, "prompt")), {"prompt": value})
    assert [str(problem) for problem in bound.problems] == messages


WAYS = contract(
    {
        "properties": {"prompt": TEXT, "length": {"type": "integer", "default": 5}},
        "required": ["prompt"],
        "oneOf": [
            {
                "title": "Text",
                "properties": {"mode": {"const": "text", "default": "text"}, "image_url": False},
                "required": ["mode", "length"],
            },
            {
                "title": "Image",
                "properties": {"mode": {"const": "image", "default": "image"}, "image_url": ADDRESS},
                "required": ["mode", "image_url"],
            },
        ],
    },
    media={"image_url": {"kind": "image"}},
)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {"mode": "text", "length": 5}),
        ({"images": URL}, {"image_url": URL, "mode": "image"}),
        ({"mode": "image", "images": URL}, {"mode": "image", "image_url": URL}),
        ({"mode": "TEXT"}, {"mode": "text", "length": 5}),
    ],
    ids=["the first", "the one that takes an image", "as it is given", "in another case"],
)
def test_the_defaults_of_the_branch_that_then_fits_are_sent(given: dict[str, Any], sent: dict[str, Any]) -> None:
    bound = bind(adapter(WAYS), {"prompt": "a", **given})
    assert (bound.input, bound.problems) == ({"prompt": "a", **sent}, [])


def test_a_value_takes_the_form_of_the_branch_that_fits() -> None:
    branches = [
        {"properties": {"mode": {"const": "a"}, "size": WHOLE}, "required": ["mode"]},
        {"properties": {"mode": {"const": "b"}, "size": TEXT}, "required": ["mode"]},
    ]
    bound = bind(adapter(contract({"oneOf": branches})), {"mode": "b", "size": 5})
    assert (bound.input, bound.problems) == ({"mode": "b", "size": "5"}, [])


def test_of_branches_only_what_all_of_them_need_is_missing() -> None:
    found = bind(adapter(WAYS), {"mode": "image"}).problems
    assert [str(problem) for problem in found] == [
        "prompt: is missing",
        'images (image_url): is missing (in "Image", which comes nearest)',
    ]


class TestSentToASandbox:
    """Whole calls of a model of our own, with files deep within."""

    schema: dict[str, Any] = {  # noqa: RUF012
        "properties": {
            "prompt": {"type": "string"},
            "sound": SWITCH,
            "elements": {
                "type": "array",
                "items": {"type": "object", "properties": {"name": TEXT, "element_image_urls": URLS}},
            },
            "duration": {"type": "string", "enum": ["5", "10"]},
        },
        "required": ["prompt"],
    }
    example: dict[str, Any] = {  # noqa: RUF012
        "prompt": "a",
        "sound": True,
        "elements": [{"name": "a", "element_image_urls": [URL]}],
        "duration": "5",
    }

    @pytest.fixture
    def box(self, tmp_path: Path) -> Any:
        made = published("maker/film", self.schema, self.example)
        documents = {"maker/film": written(made, tmp_path)}
        with Sandbox(latency=0.02, rate_limit=None, read_limit=None, documents=documents) as box:
            self.media = {"elements[].element_image_urls": {"types": ["image/jpeg"], "max_bytes": 2**20}}
            self.adapter = adapter(Contract.from_json({**made.contract, "media": self.media}))
            yield box

    @pytest.fixture
    def kie(self, box: Sandbox) -> Any:
        with Kie(box.key, base_url=box.url, upload_url=box.url, creates=None) as kie:
            yield kie

    def test_the_example_arrives_as_it_is(self, box: Sandbox, kie: Kie) -> None:
        kie.submit(self.adapter, **self.example)
        assert box.tasks[0].input == self.example

    def test_files_within_objects_are_uploaded(self, box: Sandbox, kie: Kie, photo: Path) -> None:
        elements = [{"name": "a", "element_image_urls": [URL, photo]}]
        kie.submit(self.adapter, "a", elements=elements, duration=5, generate_audio="true")
        (element,) = box.tasks[0].input["elements"]
        assert (element["name"], element["element_image_urls"][0]) == ("a", URL)
        assert element["element_image_urls"][1].startswith(f"{box.url}/files/")
        assert (box.tasks[0].input["duration"], box.tasks[0].input["sound"]) == ("5", True)

    def test_files_within_objects_are_checked(self, box: Sandbox, kie: Kie, tmp_path: Path) -> None:
        (tmp_path / "a.gif").write_bytes(b"GIF89a")
        with pytest.raises(InvalidRequest, match=r"a\.gif is image/gif; it takes image/jpeg"):
            kie.submit(self.adapter, "a", elements=[{"element_image_urls": [tmp_path / "a.gif"]}])
        assert box.requests == []

    def test_what_is_no_file_is_named_with_its_place(self, kie: Kie) -> None:
        with pytest.raises(
            InvalidRequest, match="elements: item 1, element_image_urls, item 2 is no file but object"
        ):
            kie.submit(self.adapter, "a", elements=[{"element_image_urls": [URL, object()]}])
