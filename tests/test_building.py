"""Built adapters: what a model is in Python that nobody has written a class for."""

from __future__ import annotations

import inspect
import pickle
import pydoc
import typing
from typing import Any, Literal

import pytest
from hypothesis import given, settings, strategies as st

from kie_registry import Adapter
from kie_registry.binding import bind, bind_instance
from kie_registry.building import build_adapter, class_name
from kie_registry.contract import Contract
from kie_registry.media import Image, Images
from tests.models import SWITCH, TEXT, URL, URLS, WHOLE, adapter, contract, flat

VIDEO = flat(
    {
        "prompt": {"type": "string", "maxLength": 2_000, "description": "What to show."},
        "image_url": URL,
        "reference_image_urls": {**URLS, "maxItems": 3},
        "mode": {"type": "string", "enum": ["std", "pro"], "default": "std"},
        "seed": WHOLE,
        "scale": {"type": "number", "minimum": 0, "maximum": 1},
        "sound": SWITCH,
        "shots": {"type": "array", "items": {"type": "object", "properties": {"prompt": TEXT}}},
        "camera": {"type": "object", "properties": {"zoom": {"type": "number"}}},
        "tags": {"type": "array", "items": TEXT},
        "style": {"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
        "nothing": {},
        "from": TEXT,
    },
    "prompt",
    "mode",
    media={"image_url": {"kind": "image"}, "reference_image_urls": {"kind": "image"}},
)
Built: Any = build_adapter(VIDEO, slug="maker-model", aliases=["model"])


@pytest.mark.parametrize(
    ("field", "takes"),
    [
        ("prompt", str),
        ("images", Image | None),
        ("reference_images", Images | None),
        ("mode", Literal["std", "pro"] | None),
        ("seed", int | None),
        ("scale", float | None),
        ("generate_audio", bool | None),
        ("shots", list[dict[str, Any]] | None),
        ("camera", dict[str, Any] | None),
        ("tags", list[str] | None),
        ("style", str | list[str] | None),
        ("nothing", Any | None),
        ("from_", str | None),
    ],
)
def test_a_field_has_the_type_of_its_parameter(field: str, takes: Any) -> None:
    assert typing.get_type_hints(Built)[field] == takes


def test_what_is_required_has_no_default() -> None:
    parameters = inspect.signature(Built).parameters.values()
    assert [each.name for each in parameters if each.default is each.empty] == ["prompt"]


def test_the_signature_calls_files_by_name() -> None:
    assert "Images | None" in str(inspect.signature(Built))


@pytest.mark.parametrize(
    "words",
    [
        "Make a video with Model, maker/model at kie.ai.",
        "prompt: string; required; up to 2,000 characters; What to show.",
        "images: image; kie.ai calls it 'image_url'.",
        "reference_images: list of image; up to 3 of them; kie.ai calls it 'reference_image_urls'.",
        "mode: string; default 'std'; one of 'std', 'pro'.",
        "scale: number; from 0 to 1.",
        "from_: string; kie.ai calls it 'from'.",
    ],
)
def test_help_lists_the_parameters(words: str) -> None:
    assert words in pydoc.plain(pydoc.render_doc(Built))


def test_a_line_of_help_is_not_too_long() -> None:
    assert max(map(len, (Built.__doc__ or "").splitlines())) <= 100


def test_an_instance_pickles() -> None:
    again = pickle.loads(pickle.dumps(Built(prompt="a", seed=5)))
    assert (again.to_input(), again.aliases) == ({"prompt": "a", "mode": "std", "seed": 5}, ("model",))


def test_an_instance_pickles_after_it_was_checked() -> None:
    instance = Built(prompt="a")
    bind_instance(instance)
    assert bind_instance(pickle.loads(pickle.dumps(instance))).problems == []


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        ("nano-banana-pro", "NanoBananaPro"),
        ("kling-3.0", "Kling30"),
        ("7up", "Model7up"),
        ("größe", "GrE"),
        ("...", "Model"),
        ("class", "Class"),
    ],
)
def test_a_class_is_named_after_the_slug(slug: str, name: str) -> None:
    assert class_name(slug) == name


ODD = [
    "from",
    "class",
    "None",
    "max-tokens",
    "7up",
    "größe",
    "ﬁle",
    "x²",
    "",
    "_",
    "__init__",
    "__class__",
    "__dict__",
    "__import__('os')",
    "a.b",
    "a[]",
    "a b",
    "to_input",
    "contract",
    "self",
    "attr_dict",
    "NOTHING",
    "model",
    "deadline",
    "mro",
    "x" * 1_000,
    "\n",
    "日本",
]


@pytest.mark.parametrize("name", ODD, ids=ascii)
class TestAnOddName:
    def test_is_accepted_as_it_is(self, name: str) -> None:
        bound = bind(adapter(flat({"prompt": TEXT, name: TEXT}, "prompt")), {"prompt": "a", name: "b"})
        assert (bound.input, bound.problems) == ({"prompt": "a", name: "b"}, [])

    def test_has_a_field_that_python_accepts(self, name: str) -> None:
        built = adapter(flat({"prompt": TEXT, name: TEXT}, "prompt"))
        field = built.field_names[name]
        assert built(**{"prompt": "a", field: "b"}).to_input() == {"prompt": "a", name: "b"}
        assert field.isidentifier()

    def test_may_be_that_of_files(self, name: str) -> None:
        built = adapter(flat({name: URLS}, name, media={name: {}}))
        bound = bind(built, {name: ["a.png"]})
        bound.put(bound.slots[0], "https://a.b/c.png")
        assert bound.input == {name: ["https://a.b/c.png"]}


names = st.sampled_from(ODD) | st.sampled_from(["prompt", "image_url", "audio", "duration"]) | st.text(max_size=6)
scalars: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [TEXT, WHOLE, SWITCH, URL, {"type": "number"}, {"enum": ["a", 1, True]}, {"type": ["string", "null"]}, {}]
)
parameters = scalars | st.recursive(
    scalars,
    lambda inner: (
        st.fixed_dictionaries({"type": st.just("array"), "items": inner})
        | st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2)}
        )
        | st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)})
    ),
    max_leaves=4,
)


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    """Make up contracts: flat inputs and inputs of branches, with files anywhere."""
    properties = draw(st.dictionaries(names, parameters, max_size=5))
    known = list(properties)
    some = st.lists(st.sampled_from(known), unique=True, max_size=3) if known else st.just([])
    schema: dict[str, Any] = {"properties": properties, "required": draw(some)}
    if draw(st.booleans()):
        branches = st.fixed_dictionaries({"required": some}, optional={"title": st.text(max_size=3)})
        schema[draw(st.sampled_from(["oneOf", "anyOf", "allOf"]))] = draw(
            st.lists(branches, min_size=1, max_size=3)
        )
    paths = [path for name in draw(some) for path in (name, f"{name}[].a", f"{name}.b")]
    return contract(schema, media={path: {} for path in paths})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.sampled_from(["a", "b", 1]), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=120, deadline=None)
@given(contracts(), st.data())
def test_whatever_is_given_to_whatever_model_binds(made_up: Contract, data: st.DataObject) -> None:
    built = adapter(made_up)
    known = st.sampled_from([*built.parameter_names, *made_up.parameters, "unknown"])
    bound = bind(built, data.draw(st.dictionaries(known, values, max_size=4)))
    assert all(str(problem) for problem in bound.problems)
    for slot in bound.slots:
        bound.put(slot, "https://a.b/c.png")


@settings(max_examples=100, deadline=None)
@given(contracts())
def test_every_parameter_of_whatever_model_has_a_field(made_up: Contract) -> None:
    built: type[Adapter] = adapter(made_up)
    assert sorted(built.field_names) == sorted(made_up.parameters)
    assert len(set(built.parameter_names)) == len(made_up.parameters)
