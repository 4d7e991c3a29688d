"""What is filled in for a caller: the defaults of what a model requires."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kie_registry.binding import Bound, bind, bind_instance
from tests.models import TEXT, URL as URL_OF_A_FILE, adapter, flat

URL = "https://files.example/a.png"
RATIO = {"type": "string", "enum": ["1:1", "16:9"]}


class TestADeprecatedParameterThatIsStillRequired:
    """The schema demands it, so that its default is sent beside the successor that the caller gave."""

    adapter = adapter(
        flat(
            {"prompt": TEXT, "image_size": {**RATIO, "deprecated": True, "default": "1:1"}, "aspect_ratio": RATIO},
            "prompt",
            "image_size",
            replaced_by={"image_size": "aspect_ratio"},
        )
    )

    @pytest.mark.parametrize("make", [bind, lambda adapter, given: bind_instance(adapter(**given))])
    def test_does_not_block_its_successor(self, make: Callable[..., Bound]) -> None:
        bound = make(self.adapter, {"prompt": "a", "aspect_ratio": "16:9"})
        sent = {"prompt": "a", "image_size": "1:1", "aspect_ratio": "16:9"}
        assert (bound.input, bound.problems) == (sent, [])

    def test_is_refused_beside_its_successor_where_both_are_given(self) -> None:
        given = {"prompt": "a", "aspect_ratio": "16:9", "image_size": "1:1"}
        (problem,) = bind(self.adapter, given).problems
        assert "cannot be given together with image_size" in problem.message

    def test_is_not_in_the_way_of_other_mistakes(self) -> None:
        (problem,) = bind(self.adapter, {"aspect_ratio": "16:9"}).problems
        assert str(problem) == "prompt: is missing"


@pytest.mark.parametrize(
    ("schema", "path", "default"),
    [
        (URL_OF_A_FILE, "picture", "/etc/hostname"),
        ({"type": "array", "items": URL_OF_A_FILE}, "picture", ["/etc/hostname"]),
        ({"type": "object", "properties": {"url": URL_OF_A_FILE}}, "picture.url", {"url": "/etc/hostname"}),
    ],
    ids=["one", "several", "nested"],
)
def test_a_default_never_names_a_file_to_upload(schema: dict[str, Any], path: str, default: Any) -> None:
    of = flat({"picture": {**schema, "default": default}}, "picture", media={path: {"kind": "image"}})
    bound = bind(adapter(of), {})
    assert (bound.slots, [str(problem) for problem in bound.problems]) == ([], ["picture: is missing"])


def test_an_address_is_sent_as_a_default() -> None:
    of = flat({"picture": {**URL_OF_A_FILE, "default": URL}}, "picture", media={"picture": {"kind": "image"}})
    bound = bind(adapter(of), {})
    assert (bound.input, bound.slots, bound.problems) == ({"picture": URL}, [], [])
