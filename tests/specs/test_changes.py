"""What changed between two editions of a page, in the terms of a caller."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kie_registry.specs.changes.compare import compare
from kie_registry.specs.documents import CREATE_TASK_PATH, Json
from tests.specs.editions import document, edition, of_document, told

TEXT: Json = {"type": "string"}


def choices(*values: Any) -> Json:
    return {"type": "string", "enum": list(values)}


def items(**keywords: Any) -> Json:
    return {"type": "array", "items": {"type": "string"}, **keywords}


def fields(required: tuple[str, ...] = (), **properties: Any) -> Json:
    return {"type": "array", "items": {"type": "object", "properties": properties, "required": list(required)}}


def files(prose: str) -> Json:
    return {"type": "string", "format": "uri", "description": f"A picture ({prose})"}


# One parameter, `x`, in the earlier and in the later edition, and what is told of it.
OF_ONE_PARAMETER: list[tuple[str, Json, Json, str, str]] = [
    ("choice-added", choices("1k", "2k"), choices("1k", "2k", "4k"), "widening", "`4k` was added to `x`"),
    ("choices-removed", choices("a", "b", "c"), choices("b"), "breaking", "`a` and `c` were removed from `x`"),
    ("choices-come", TEXT, choices("a", "b"), "breaking", "`x` takes only `a` and `b` now (was any value)"),
    ("choices-go", choices("a", "b"), TEXT, "widening", "`x` takes any value now (was `a` and `b`)"),
    (
        "longest-tighter",
        {"type": "string", "maxLength": 5000},
        {"type": "string", "maxLength": 2500},
        "breaking",
        "`x` may have up to 2,500 characters now (was may have up to 5,000)".replace(
            "was may have up to ", "was "
        ),
    ),
    (
        "longest-looser",
        {"type": "string", "maxLength": 100},
        {"type": "string", "maxLength": 200},
        "widening",
        "`x` may have up to 200 characters now (was 100)",
    ),
    (
        "longest-new",
        TEXT,
        {"type": "string", "maxLength": 9},
        "breaking",
        "`x` may have up to 9 characters now (was without a limit)",
    ),
    (
        "longest-gone",
        {"type": "string", "maxLength": 9},
        TEXT,
        "widening",
        "`x` has no such limit now (was may have up to 9 characters)",
    ),
    (
        "shortest",
        {"type": "string", "minLength": 1},
        {"type": "string", "minLength": 3},
        "breaking",
        "`x` must have at least 3 characters now (was 1)",
    ),
    ("most-items", items(maxItems=4), items(maxItems=8), "widening", "`x` may have up to 8 items now (was 4)"),
    (
        "least-items",
        items(minItems=2),
        items(minItems=1),
        "widening",
        "`x` must have at least 1 item now (was 2)",
    ),
    (
        "largest",
        {"type": "integer", "maximum": 10},
        {"type": "integer", "maximum": 5},
        "breaking",
        "`x` may be up to 5 now (was 10)",
    ),
    (
        "smallest",
        {"type": "number", "minimum": 0.5},
        {"type": "number", "minimum": 0.25},
        "widening",
        "`x` must be at least 0.25 now (was 0.5)",
    ),
    (
        "multiple",
        {"type": "integer", "multipleOf": 8},
        {"type": "integer", "multipleOf": 4},
        "widening",
        "`x` must be a multiple of 4 now (was `8`)",
    ),
    ("type", TEXT, {"type": "integer"}, "breaking", "`x` takes a whole number now (was text)"),
    (
        "type-wider",
        {"type": "integer"},
        {"type": "number"},
        "widening",
        "`x` takes a number now (was a whole number)",
    ),
    (
        "type-narrower",
        {"type": "number"},
        {"type": "integer"},
        "breaking",
        "`x` takes a whole number now (was a number)",
    ),
    ("list", TEXT, items(), "breaking", "`x` takes a list now (was text)"),
    ("null", TEXT, {"type": ["string", "null"]}, "widening", "`x` takes text or null now (was text)"),
    (
        "pattern",
        TEXT,
        {"type": "string", "pattern": "^#"},
        "breaking",
        "`x` must have the form `^#` now (was none)",
    ),
    (
        "pattern-gone",
        {"type": "string", "pattern": "^#"},
        TEXT,
        "widening",
        "`x` has no rule `pattern` any more (was `^#`)",
    ),
    (
        "same-twice",
        items(),
        items(uniqueItems=True),
        "breaking",
        "`x` must not have the same item twice now",
    ),
    (
        "unknown-rule",
        items(),
        items(contains={"const": "a"}),
        "breaking",
        '`x` must keep the rule `contains`: `{"const": "a"}` now (was none)',
    ),
    (
        "default",
        {"type": "integer", "default": 1},
        {"type": "integer", "default": 2},
        "widening",
        "`x` has the default `2` now (was `1`)",
    ),
    (
        "default-told",
        {"type": "integer"},
        {"type": "integer", "default": 2},
        "wording",
        "`x` has a documented default now, `2`",
    ),
    ("deprecated", TEXT, {"type": "string", "deprecated": True}, "widening", "`x` is deprecated now"),
    (
        "undeprecated",
        {"type": "string", "deprecated": True},
        TEXT,
        "wording",
        "`x` is no longer deprecated",
    ),
    ("inner-choice", items(), items(items=choices("a")), "breaking", "`x[]` takes only `a` now (was any value)"),
    (
        "nested-required",
        fields(duration={"type": "integer"}),
        fields(("duration",), duration={"type": "integer"}),
        "breaking",
        "`x[].duration` is now required",
    ),
    (
        "nested-added",
        fields(a=TEXT),
        fields(a=TEXT, b=TEXT),
        "widening",
        "`x[].b` was added; it is optional",
    ),
    (
        "nested-removed",
        fields(a=TEXT, b={"type": "integer"}),
        fields(a=TEXT),
        "breaking",
        "`x[].b` was removed",
    ),
    (
        "alternative-added",
        {"anyOf": [TEXT]},
        {"anyOf": [TEXT, {"type": "string", "format": "uuid"}]},
        "widening",
        '`x` has got an alternative, `{"format": "uuid", "type": "string"}`',
    ),
    (
        "alternative-removed",
        {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "string", "pattern": "^a"}]},
        {"anyOf": [{"type": "string", "maxLength": 3}]},
        "breaking",
        '`x` has lost an alternative, `{"pattern": "^a", "type": "string"}`',
    ),
    (
        "alternative-changed",
        {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
        {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "null"}]},
        "breaking",
        '`x` may have up to 2 characters now (was 3) (in `{"maxLength": 2, "type": "string"}`)',
    ),
    (
        "one-of-what-was-taken",
        {"oneOf": [TEXT, items()]},
        TEXT,
        "breaking",
        "`x` takes text now (was text or a list)",
    ),
    ("more-beside", TEXT, {"oneOf": [TEXT, items()]}, "widening", "`x` takes text or a list now (was text)"),
    (
        "order-of-alternatives",
        {"oneOf": [TEXT, items()]},
        {"oneOf": [items(), TEXT]},
        "wording",
        "the alternatives of `x` are listed in another order",
    ),
    (
        "file-types-added",
        files("Accepted types: image/png"),
        files("Accepted types: image/png, image/webp"),
        "widening",
        "`image/webp` was added to the files that `x` takes",
    ),
    (
        "file-types-removed",
        files("Accepted types: image/png, image/webp"),
        files("Accepted types: image/png"),
        "breaking",
        "`image/webp` was removed from the files that `x` takes",
    ),
    (
        "file-size",
        files("Max size: 30.0MB"),
        files("Max size: 10.0MB"),
        "breaking",
        "the files of `x` may have up to 10 MB now (were up to 30 MB)",
    ),
    (
        "file-size-gone",
        files("Max size: 30.0MB"),
        files("any size"),
        "widening",
        "the files of `x` may have any size now (were up to 30 MB)",
    ),
    (
        "description",
        {"type": "string", "description": "How bright"},
        {"type": "string", "description": "How dark"},
        "wording",
        "`description` of `x` is “How dark” now (was “How bright”)",
    ),
    ("title", TEXT, {"type": "string", "title": "X"}, "wording", "`title` of `x` was added: `X`"),
    (
        "order-of-choices",
        choices("a", "b"),
        choices("b", "a"),
        "wording",
        "the values in `enum` of `x` are listed in another order",
    ),
    (
        "spaces-in-a-choice",
        choices("1:1", " 1:8 "),
        choices("1:1", "1:8"),
        "wording",
        '`" 1:8 "` of `x` is spelled `"1:8"` now; it was read so already',
    ),
    (
        "example-as-examples",
        {"type": "string", "example": "a"},
        {"type": "string", "examples": ["a"]},
        "wording",
        "the `example` of `x` is written as `examples` now, and is the same",
    ),
    (
        "note-of-the-editor",
        TEXT,
        {"type": "string", "x-apidog-note": 1},
        "wording",
        "notes of the page's editor changed: `x-apidog-note` of `x`",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "kind", "sentence"),
    [row[1:] for row in OF_ONE_PARAMETER],
    ids=[row[0] for row in OF_ONE_PARAMETER],
)
def test_change_of_one_parameter(old: Json, new: Json, kind: str, sentence: str) -> None:
    assert (kind, sentence) in told(edition({"x": old}), edition({"x": new}))


@pytest.mark.parametrize(
    ("old", "new"), [row[1:3] for row in OF_ONE_PARAMETER], ids=[row[0] for row in OF_ONE_PARAMETER]
)
def test_change_is_told_once(old: Json, new: Json) -> None:
    """The page differs in one place: what is told beside it is the text that states it."""
    others = [each for each in told(edition({"x": old}), edition({"x": new})) if "`description`" not in each[1]]
    assert len(others) <= 1


LAMP: Json = {"prompt": {"type": "string", "maxLength": 9}}
BRIGHT: Json = {"type": "integer", "maximum": 7}

# The parameters and the keywords of the input in two editions.
OF_THE_INPUT: list[tuple[str, tuple[Json, Json], tuple[Json, Json], str, str]] = [
    ("required", (LAMP, {}), (LAMP, {"required": ["prompt"]}), "breaking", "`prompt` is now required"),
    (
        "optional",
        (LAMP, {"required": ["prompt"]}),
        (LAMP, {}),
        "widening",
        "`prompt` is optional now (was required)",
    ),
    ("removed", ({**LAMP, "bright": BRIGHT}, {}), (LAMP, {}), "breaking", "`bright` was removed"),
    ("added", (LAMP, {}), ({**LAMP, "bright": BRIGHT}, {}), "widening", "`bright` was added; it is optional"),
    (
        "added-and-required",
        (LAMP, {}),
        ({**LAMP, "bright": BRIGHT}, {"required": ["bright"]}),
        "breaking",
        "`bright` was added and is required",
    ),
    (
        "added-and-required-with-a-default",
        (LAMP, {}),
        ({**LAMP, "bright": {**BRIGHT, "default": 3}}, {"required": ["bright"]}),
        "breaking",
        "`bright` was added and is required (default `3`)",
    ),
    (
        "renamed",
        ({**LAMP, "bright": BRIGHT}, {}),
        ({**LAMP, "brightness": BRIGHT}, {}),
        "breaking",
        "`bright` is called `brightness` now",
    ),
    (
        "default-that-is-sent",
        ({"x": {"type": "integer", "default": 1}}, {"required": ["x"]}),
        ({"x": {"type": "integer", "default": 2}}, {"required": ["x"]}),
        "breaking",
        "`x` has the default `2` now (was `1`), and is sent where it is left out",
    ),
    (
        "default-that-was-sent",
        ({"x": {"type": "integer", "default": 1}}, {"required": ["x"]}),
        ({"x": {"type": "integer"}}, {"required": ["x"]}),
        "breaking",
        "`x` must be given now: it has no default any more (was `1`)",
    ),
    (
        "default-spares-giving",
        ({"x": {"type": "integer"}}, {"required": ["x"]}),
        ({"x": {"type": "integer", "default": 1}}, {"required": ["x"]}),
        "widening",
        "`x` may be left out now: `1` is sent then",
    ),
    (
        "replaced",
        ({"image_size": TEXT, "bright": BRIGHT}, {}),
        (
            {
                "image_size": {"type": "string", "deprecated": True, "description": "Use `bright`"},
                "bright": BRIGHT,
            },
            {},
        ),
        "widening",
        "`image_size` is deprecated now; `bright` replaces it",
    ),
    (
        "order",
        ({**LAMP, "bright": BRIGHT}, {}),
        ({"bright": BRIGHT, **LAMP}, {}),
        "wording",
        "the parameters of the input are listed in another order",
    ),
    (
        "space-in-a-name",
        ({**LAMP, "bright ": BRIGHT}, {}),
        ({**LAMP, "bright": BRIGHT}, {}),
        "wording",
        '`bright` is spelled `bright` now (was `"bright "`); it was read so already',
    ),
    (
        "alternatives-come",
        (LAMP, {}),
        (LAMP, {"oneOf": [{"required": ["prompt"]}, {"maxProperties": 0}]}),
        "breaking",
        "the input must fit one of 2 alternatives now",
    ),
    (
        "alternatives-go",
        (LAMP, {"oneOf": [{"required": ["prompt"]}, {"maxProperties": 0}]}),
        (LAMP, {}),
        "widening",
        "the input need not fit one of 2 alternatives any more",
    ),
    (
        "required-in-an-alternative",
        ({}, {"oneOf": [{"title": "A", "properties": LAMP}, {"title": "B", "properties": {"bright": BRIGHT}}]}),
        (
            {},
            {
                "oneOf": [
                    {"title": "A", "properties": LAMP, "required": ["prompt"]},
                    {"title": "B", "properties": {"bright": BRIGHT}},
                ]
            },
        ),
        "breaking",
        "`prompt` is now required (in `A`)",
    ),
    (
        "rule-added",
        (LAMP, {"allOf": [{"minProperties": 1}]}),
        (LAMP, {"allOf": [{"minProperties": 1}, {"required": ["prompt"]}]}),
        "breaking",
        "the input has got a rule, the one with `prompt`",
    ),
    (
        "one-or-several",
        (LAMP, {"anyOf": [{"required": ["prompt"]}, {"maxProperties": 0}]}),
        (LAMP, {"oneOf": [{"required": ["prompt"]}, {"maxProperties": 0}]}),
        "breaking",
        "the input must fit exactly one of its alternatives now (was one or more)",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "kind", "sentence"), [row[1:] for row in OF_THE_INPUT], ids=[row[0] for row in OF_THE_INPUT]
)
def test_change_of_the_input(old: tuple[Json, Json], new: tuple[Json, Json], kind: str, sentence: str) -> None:
    before, after = (edition(parameters, **keywords) for parameters, keywords in (old, new))
    assert (kind, sentence) in told(before, after)


def test_model_id_is_breaking() -> None:
    assert told(edition(), edition(model="acme/lamp-2"))[0] == (
        "breaking",
        "the model id is `acme/lamp-2` now (was `acme/lamp`)",
    )


def test_common_name_is_told_where_it_differs() -> None:
    old, new = (edition({"image_urls": items(maxItems=limit)}) for limit in (4, 2))
    (change,) = compare(old, new)
    assert (change.parameter, change.common) == ("image_urls", "images")


def test_common_name_that_moves_is_told() -> None:
    size = {"type": "string", "enum": ["1:1", "16:9"]}
    old, new = edition({"image_size": size}), edition({"image_size": size, "aspect_ratio": size})
    assert ("widening", "the common name `aspect_ratio` means `aspect_ratio` now (was `image_size`)") in told(
        old, new
    )


@pytest.mark.parametrize(
    ("place", "value", "kind", "sentence"),
    [
        (("description",), "A lamp", "wording", "the text of the page was added: “A lamp”"),
        (("deprecated",), True, "widening", "`deprecated` of the page was added: `true`"),
        (("callbacks",), {"done": {}}, "wording", "`callbacks` of the page was added"),
        (("responses", "500"), {"description": "Broken"}, "wording", "the answer `500` was added"),
        (("tags",), ["lamps"], "wording", '`tags` of the page was added: `["lamps"]`'),
    ],
)
def test_change_beside_the_request(place: tuple[str, ...], value: Any, kind: str, sentence: str) -> None:
    old = document({"type": "object", "properties": LAMP})
    new = copy.deepcopy(old)
    node = new["paths"][CREATE_TASK_PATH]["post"]
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    assert told(of_document(old), of_document(new)) == [(kind, sentence)]


def test_shared_part_is_told_where_it_is_used() -> None:
    def with_part(limit: int) -> Json:
        made = document({"type": "object", "properties": {"x": {"$ref": "#/components/schemas/X"}}})
        made["components"] = {"schemas": {"X": {"type": "string", "maxLength": limit}}}
        return made

    assert told(of_document(with_part(5)), of_document(with_part(6))) == [
        ("widening", "`x` may have up to 6 characters now (was 5)")
    ]


def test_shared_part_that_nothing_uses_is_told() -> None:
    old = document({"type": "object", "properties": LAMP})
    new = {**old, "components": {"schemas": {"Idle": {"type": "string"}}}}
    old = {**old, "components": {"schemas": {"Idle": {"type": "integer"}}}}
    assert told(of_document(old), of_document(new)) == [
        ("wording", "the part `Idle` of the page (schemas), at `type`, is `string` now (was `integer`)")
    ]


def test_reference_in_place_of_a_schema_is_told() -> None:
    old = document({"type": "object", "properties": {"x": TEXT}})
    new = document({"type": "object", "properties": {"x": {"$ref": "#/components/schemas/X"}}})
    parts = {"components": {"schemas": {"X": TEXT}}}
    kinds = {kind for kind, _ in told(of_document({**old, **parts}), of_document({**new, **parts}))}
    assert kinds == {"wording"}


def test_what_the_request_takes_beside_the_input() -> None:
    old = document({"type": "object", "properties": LAMP})
    new = copy.deepcopy(old)
    body = new["paths"][CREATE_TASK_PATH]["post"]["requestBody"]["content"]["application/json"]["schema"]
    body["properties"]["callBackUrl"] = TEXT
    body["required"] = ["model", "input", "callBackUrl"]
    assert told(of_document(old), of_document(new)) == [("breaking", "`callBackUrl` was added and is required")]


def test_gravest_come_first() -> None:
    old = edition({"a": TEXT, "b": choices("x")})
    new = edition({"a": {"type": "string", "title": "A"}, "b": choices("y")}, required=["b"])
    assert [change.kind for change in compare(old, new)] == ["breaking", "breaking", "widening", "wording"]


def test_long_text_shows_each_place() -> None:
    words = [f"word{number}" for number in range(60)]
    changed = [*words[:10], "other", *words[11:50], *words[52:]]
    old, new = ({"x": {"type": "string", "description": " ".join(text)}} for text in (words, changed))
    assert told(edition(old), edition(new)) == [
        ("wording", "`description` of `x` changed: “word10” became “other”; “word50 word51” went")
    ]
