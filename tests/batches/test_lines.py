"""The lines of a batch that a program gives, and what every line takes, wherever it comes from."""

from __future__ import annotations

from typing import Any

import pytest
from kie_models.nano_banana_pro import NanoBananaPro

from kie_registry import InvalidRequest
from kie_registry.batches.manifests.lines import BrokenLine, Line, lines_of

CAT = {"prompt": "a cat"}


def the_line(job: Any, **defaults: Any) -> Line | BrokenLine:
    (line,) = lines_of([job], defaults)
    return line


@pytest.mark.parametrize(
    ("job", "line"),
    [
        ({"model": "m", "prompt": "a cat"}, Line(1, "m", CAT)),
        ({"model": " m ", "prompt": "a cat"}, Line(1, "m", CAT)),
        ({"model": "m", "parameters": CAT}, Line(1, "m", CAT)),
        ({"model": "m", "parameters": {"id": 5, "model": "x"}, "prompt": "a cat"}, {"id": 5, "model": "x", **CAT}),
        ({"model": "m", "id": "a", "name": "b"}, Line(1, "m", {}, "a", "b")),
        ({"model": "m", "id": 12, "name": 7}, Line(1, "m", {}, "12", "7")),
        ({"model": "m", "id": None, "name": None, "parameters": None}, Line(1, "m", {})),
        ({"model": "m", "id": "x" * 200}, Line(1, "m", {}, "x" * 200)),
    ],
    ids=str,
)
def test_a_line_is_a_model_its_parameters_and_its_own_keys(job: Any, line: Any) -> None:
    found = the_line(job)
    assert isinstance(found, Line)
    assert (found if isinstance(line, Line) else found.parameters) == line


@pytest.mark.parametrize(
    ("job", "parameters"),
    [
        (CAT, {"prompt": "a cat", "resolution": "2K"}),
        ({"resolution": "4K"}, {"resolution": "4K"}),
        ({"resolution": None}, {"resolution": None}),
        ({"parameters": {"resolution": "1K"}}, {"resolution": "1K"}),
    ],
    ids=str,
)
def test_defaults_hold_where_a_line_says_nothing_else(job: Any, parameters: Any) -> None:
    assert the_line(job, model="m", resolution="2K") == Line(1, "m", parameters)


def test_the_model_of_a_line_takes_the_place_of_the_default() -> None:
    assert the_line({"model": "own"}, model="m") == Line(1, "own", {})


def test_an_adapter_instance_is_a_line_with_its_parameters() -> None:
    line = the_line(NanoBananaPro(prompt="a cat", resolution="2K"), resolution="4K")
    assert isinstance(line, Line)
    given = {name: value for name, value in line.parameters.items() if value is not None}
    assert (line.model, given) == ("nano-banana-pro", {"prompt": "a cat", "resolution": "2K"})


def test_an_adapter_instance_may_stand_beside_an_id_and_a_name() -> None:
    line = the_line({"model": NanoBananaPro(prompt="a cat"), "id": "a", "name": "b"})
    assert isinstance(line, Line)
    assert (line.id, line.name, line.parameters["prompt"]) == ("a", "b", "a cat")


def test_jobs_are_numbered_and_asked_for_one_by_one() -> None:
    endless = iter(lambda: {"model": "m"}, None)
    lines = lines_of(endless)
    assert [next(lines).number, next(lines).number] == [1, 2]


@pytest.mark.parametrize(
    ("job", "problem"),
    [
        ({}, "model: is missing"),
        ({"model": ""}, "model: '' is no model"),
        ({"model": 5}, "model: 5 is no model"),
        ({"model": "m", "parameters": [1]}, "parameters: [1] is no mapping"),
        ({"model": "m", "prompt": "a", "parameters": {"prompt": "b"}}, "prompt: is given twice"),
        ({"model": "m", 5: 6}, "5 is no name of a parameter"),
        ({"model": "m", "id": ""}, "id: is empty"),
        ({"model": "m", "id": True}, "id: True is of the wrong type; it takes text"),
        ({"model": "m", "id": ["a"]}, "id: ['a'] is of the wrong type"),
        ({"model": "m", "id": "x" * 201}, "id: has 201 characters; at most 200"),
        ({"model": "m", "id": "a\0b"}, "id: 'a\\x00b' holds what is no character"),
        ({"model": "m", "name": "\ud800"}, "name: '\\ud800' holds what is no character"),
        ({"model": NanoBananaPro(prompt="a"), "resolution": "2K"}, "resolution: an adapter instance holds"),
        (5, "is int; it takes a mapping with a model and its parameters, or an adapter instance"),
    ],
    ids=str,
)
def test_a_line_that_is_none_says_why(job: Any, problem: str) -> None:
    line = the_line(job)
    assert isinstance(line, BrokenLine)
    assert [str(each)[: len(problem)] for each in line.problems] == [problem]


@pytest.mark.parametrize(
    ("defaults", "problem"),
    [
        ({"id": "a"}, "the defaults: id: is one job's own"),
        ({"name": "a"}, "the defaults: name: is one job's own"),
        ({"parameters": 5}, "the defaults: parameters: 5 is no mapping"),
        ({"parameters": {"model": "m"}}, "the defaults: model: is no parameter where it is a default"),
    ],
    ids=str,
)
def test_defaults_that_are_none_are_refused(defaults: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        list(lines_of([], defaults))
    assert [str(each)[: len(problem)] for each in raised.value.problems] == [problem]
