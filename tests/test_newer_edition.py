"""The newer edition of nano-banana-edit's page, where `aspect_ratio` came and `image_size` is deprecated."""

from __future__ import annotations

from pathlib import Path

import pytest

from kie_registry import Adapter, Contract, Image, InvalidRequest, Kie, native
from kie_registry.binding import bind
from kie_registry.description import describe
from kie_registry.sandbox import Sandbox
from kie_registry.specs.contracts import build_contract
from kie_registry.specs.documents import load_document
from kie_registry.specs.normalize import normalize
from kie_registry.specs.pages import read_pages

PAGE = Path(__file__).parent / "fixtures/nano-banana-edit-newer.md"
IMAGE = "https://example.com/1.png"


@pytest.fixture(scope="module")
def newer() -> type[Adapter]:
    """An adapter that declares no more than the name of the images, over the page's own contract."""
    (page,) = read_pages(PAGE.read_bytes(), source=PAGE.name)
    document, _ = normalize(load_document(page.document, source=PAGE.name), slug="newer", title=page.title)

    class NewerEdit(Adapter, contract=Contract.from_json(build_contract(document, slug="newer"))):
        """The newer edition."""

        images: list[Image] = native("image_urls")

    return NewerEdit


@pytest.mark.parametrize("name", ["aspect_ratio", "image_size"])
def test_each_alone_means_itself(newer: type[Adapter], name: str) -> None:
    bound = bind(newer, {"prompt": "night", "images": IMAGE, name: "16:9"})
    assert (bound.problems, bound.input[name]) == ([], "16:9")


def test_both_together_are_an_error_and_nothing_is_sent(newer: type[Adapter], kie: Kie, box: Sandbox) -> None:
    with pytest.raises(InvalidRequest, match="aspect_ratio: cannot be given together with image_size"):
        kie.generate(newer, "night", images=IMAGE, aspect_ratio="16:9", image_size="16:9")
    assert box.requests == []


def test_the_description_says_which_is_deprecated(newer: type[Adapter]) -> None:
    deprecated = [each.name for each in describe(newer, "a test").parameters if each.deprecated]
    assert deprecated == ["image_size"]
