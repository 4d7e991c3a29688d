"""Files wherever in an input they are: found, checked, uploaded, and put in their places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kie_registry import Contract, InvalidRequest, Kie
from kie_registry.binding import bind
from kie_registry.sandbox import Sandbox
from tests.models import SWITCH, TEXT, URL as ADDRESS, URLS, adapter, flat, published, written

URL = "https://files.example/a.png"
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
        ({"images": ""}, "images (image_url): is empty"),
        ({"images": " "}, "images (image_url): is empty"),
        ({"videos": [URL, ""]}, "videos (video_urls): item 2: is empty"),
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


def test_an_empty_address_of_a_required_file_is_one_problem() -> None:
    bound = bind(adapter(flat({"image_url": ADDRESS}, "image_url", media={"image_url": {}})), {"images": ""})
    assert [str(problem) for problem in bound.problems] == ["images (image_url): is empty"]


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
