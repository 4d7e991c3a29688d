"""Adapters: a class of fields is the whole of a model."""

from __future__ import annotations

import inspect
import pydoc
import types
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from kie_models.nano_banana_edit import NanoBananaEdit
from kie_models.nano_banana_pro import NanoBananaPro

from kie_registry import Adapter, Contract, PluginError, native
from kie_registry.binding import bind
from kie_registry.description import describe

TEXT = {"type": "string"}


def contract(properties: Mapping[str, Any], *required: str, **fields: Any) -> Contract:
    schema = {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }
    return Contract(id="maker/model", title="Model", output="image", input=schema, **fields)


def built(of: Contract, **attributes: Any) -> type[Adapter]:
    """Make an adapter without a hand-written class."""
    return types.new_class("Built", (Adapter,), {"contract": of}, lambda namespace: namespace.update(attributes))


PAINT = contract(
    {
        "prompt": TEXT,
        "image_size": {"type": "string", "enum": ["1:1", "16:9"], "default": "1:1"},
        "mode": {"type": "string", "enum": ["fast", "slow"], "default": "fast"},
        "steps": {"type": "integer"},
    },
    "prompt",
    "mode",
)


class Paint(Adapter, contract=PAINT, aliases=["paint", "p"]):
    """Paint a picture.

    More words.
    """

    prompt: str
    size: str | None = native("image_size", default=None)


@pytest.mark.parametrize(
    ("adapter", "names"),
    [
        (
            NanoBananaEdit,
            {
                "prompt": "prompt",
                "images": "image_urls",
                "aspect_ratio": "image_size",
                "output_format": "output_format",
            },
        ),
        (
            NanoBananaPro,
            {
                "prompt": "prompt",
                "images": "image_input",
                "aspect_ratio": "aspect_ratio",
                "resolution": "resolution",
                "output_format": "output_format",
            },
        ),
        (Paint, {"prompt": "prompt", "size": "image_size", "mode": "mode", "steps": "steps"}),
        (
            built(PAINT),
            {"prompt": "prompt", "aspect_ratio": "image_size", "mode": "mode", "steps": "steps"},
        ),
    ],
    ids=["nano-banana-edit", "nano-banana-pro", "written by hand", "built"],
)
def test_fields_stand_for_the_parameters_of_the_contract(adapter: type[Adapter], names: dict[str, str]) -> None:
    assert dict(adapter.parameter_names) == names


@pytest.mark.parametrize(
    ("adapter", "model", "aliases"),
    [
        (NanoBananaEdit, "google/nano-banana-edit", ("nano-banana-edit",)),
        (NanoBananaPro, "nano-banana-pro", ()),
        (Paint, "maker/model", ("paint", "p")),
    ],
)
def test_an_adapter_knows_its_names(adapter: type[Adapter], model: str, aliases: tuple[str, ...]) -> None:
    assert (adapter.contract.id, adapter.aliases) == (model, aliases)


@pytest.mark.parametrize("name", ["mode", "steps"])
def test_a_parameter_that_is_not_declared_becomes_a_field_all_the_same(name: str) -> None:
    assert inspect.signature(Paint).parameters[name].default is None


def test_a_class_variable_is_no_field() -> None:
    class Model(Adapter, contract=contract({"prompt": TEXT})):
        style: ClassVar[str] = "oil"

    assert list(Model.parameter_names) == ["prompt"]


class TestAClassThatContradictsItsContract:
    def test_by_a_native_name_that_is_unknown(self) -> None:
        with pytest.raises(PluginError, match=r"size .* 'image_sise', which maker/model does not have"):

            class Model(Adapter, contract=PAINT):
                size: str | None = native("image_sise", default=None)

    def test_by_a_field_that_is_unknown(self) -> None:
        with pytest.raises(PluginError, match=r"field promt stands for the parameter 'promt'"):

            class Model(Adapter, contract=PAINT):
                promt: str

    def test_by_a_common_name_that_is_another_parameters_native_name(self) -> None:
        with pytest.raises(PluginError, match=r"field steps stands for 'image_size', but .* 'steps' of its own"):

            class Model(Adapter, contract=PAINT):
                steps: str | None = native("image_size", default=None)

    def test_names_the_class(self) -> None:
        with pytest.raises(PluginError) as caught:

            class Model(Adapter, contract=PAINT):
                promt: str

        assert caught.value.plugin.endswith("Model")


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {"prompt": "a", "mode": "fast"}),
        ({"mode": "slow"}, {"prompt": "a", "mode": "slow"}),
        ({"mode": None, "steps": None}, {"prompt": "a", "mode": "fast"}),
        ({"size": "16:9"}, {"prompt": "a", "image_size": "16:9", "mode": "fast"}),
        ({"size": "landscape_16_9"}, {"prompt": "a", "image_size": "16:9", "mode": "fast"}),
        ({"steps": "5"}, {"prompt": "a", "steps": 5, "mode": "fast"}),
        ({"steps": 0}, {"prompt": "a", "steps": 0, "mode": "fast"}),
    ],
    ids=[
        "required default sent",
        "given",
        "None left out",
        "native name",
        "synonym",
        "coerced",
        "zero is a value",
    ],
)
def test_to_input_gives_native_names_and_values(given: dict[str, Any], sent: dict[str, Any]) -> None:
    assert Paint(prompt="a", **given).to_input() == sent


def test_an_instance_holds_its_parameters() -> None:
    assert Paint(prompt="a", size="1:1").size == "1:1"


def test_an_instance_takes_a_new_value() -> None:
    paint = Paint(prompt="a")
    paint.size = "16:9"
    assert paint.to_input()["image_size"] == "16:9"


@pytest.mark.parametrize(
    ("given", "words"),
    [({}, "prompt"), ({"prompt": "a", "sise": "1:1"}, "sise")],
    ids=["missing", "unknown"],
)
def test_an_instance_refuses_what_its_signature_does_not_have(given: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        Paint(**given)


def test_fields_are_given_by_name_only() -> None:
    with pytest.raises(TypeError, match="positional"):
        Paint("a")  # type: ignore[call-arg]


def test_to_input_can_be_overridden() -> None:
    class Louder(Paint):
        def to_input(self) -> dict[str, Any]:
            return {**super().to_input(), "prompt": self.prompt.upper()}

    assert bind(Louder, {"prompt": "a"}).input == {"prompt": "A", "mode": "fast"}


def test_a_subclass_without_a_contract_of_its_own_keeps_the_names() -> None:
    class Louder(Paint):
        pass

    assert (Louder.contract, Louder.aliases, Louder(prompt="a").prompt) == (PAINT, ("paint", "p"), "a")


def test_a_built_adapter_gives_the_same_input_as_a_written_one() -> None:
    given = {"prompt": "a", "images": ["https://a.b/c.png"], "aspect_ratio": "16:9"}
    assert bind(built(NanoBananaEdit.contract), given).input == bind(NanoBananaEdit, given).input


def test_a_built_adapter_needs_no_client_package() -> None:
    assert (PAINT.client, bind(built(PAINT), {"prompt": "a"}).problems) == (None, [])


@pytest.mark.parametrize(
    "name", ["from", "class", "self", "_seed", "image-size", "to_input", "contract", "aliases"]
)
class TestAParameterWhoseNameIsNoFieldName:
    def test_can_be_given(self, name: str) -> None:
        bound = bind(built(contract({"prompt": TEXT, name: TEXT}, "prompt")), {"prompt": "a", name: "b"})
        assert (bound.input, bound.problems) == ({"prompt": "a", name: "b"}, [])

    def test_leaves_the_others_usable(self, name: str) -> None:
        bound = bind(built(contract({"prompt": TEXT, name: TEXT}, "prompt")), {"prompt": "a"})
        assert (bound.input, bound.problems) == ({"prompt": "a"}, [])


@pytest.mark.parametrize("twin", ["a-b", "_a_b", "a b"])
def test_a_native_name_means_that_parameter_beside_one_that_is_spelled_alike(twin: str) -> None:
    bound = bind(built(contract({twin: TEXT, "a_b": TEXT})), {"a_b": "1"})
    assert (bound.input, bound.problems) == ({"a_b": "1"}, [])


@pytest.mark.parametrize(
    ("adapter", "required"),
    [(NanoBananaEdit, ["prompt", "images"]), (NanoBananaPro, ["prompt"]), (Paint, ["prompt"])],
)
def test_the_signature_says_what_is_required(adapter: type[Adapter], required: list[str]) -> None:
    parameters = inspect.signature(adapter).parameters.values()
    assert [each.name for each in parameters if each.default is each.empty] == required


def test_the_signature_shows_the_choices() -> None:
    annotation = inspect.signature(NanoBananaPro).parameters["resolution"].annotation
    assert "'1K', '2K', '4K'" in str(annotation)


@pytest.mark.parametrize("words", ["Paint a picture.", "prompt", "size", "steps"])
def test_help_shows_the_docstring_and_the_fields(words: str) -> None:
    assert words in pydoc.plain(pydoc.render_doc(Paint))


def test_the_text_of_an_instance_does_not_show_the_bytes_of_a_file() -> None:
    shown = repr(NanoBananaEdit(prompt="a", images=[b"x" * 100_000]))
    assert len(shown) < 1_000


def test_a_description_says_all_of_a_parameter() -> None:
    images = describe(NanoBananaEdit, "somewhere").parameters[1]
    assert (images.name, images.native, images.type, images.many, images.required, images.limits) == (
        "images",
        "image_urls",
        "file",
        True,
        True,
        ("1 to 10 of them", "jpeg, png, webp", "up to 10 MB each"),
    )


def test_a_description_opens_with_the_first_line_of_the_docstring() -> None:
    info = describe(Paint, "somewhere")
    assert (info.summary, info.origin) == ("Paint a picture.", "somewhere")
