"""An input that does not hold is always told of."""

from __future__ import annotations

from typing import Any

import pytest

from tests.models import TEXT, WHOLE, contract

CLOSED_INSIDE = {"properties": {"prompt": TEXT}, "additionalProperties": False}
CLOSED_BRANCH = {"allOf": [{**CLOSED_INSIDE, "properties": {"prompt": TEXT | {"maxLength": 3}}}]}


@pytest.mark.parametrize(
    ("more", "given", "natives"),
    [
        ({"allOf": [CLOSED_INSIDE]}, {"prompt": "x", "seed": 3}, ["seed"]),
        ({"allOf": [CLOSED_INSIDE], "unevaluatedProperties": False}, {"prompt": "x", "seed": 3}, ["seed"]),
        (CLOSED_BRANCH, {"prompt": "long", "seed": 3}, ["prompt", "seed"]),
        ({"not": {}}, {"prompt": "x"}, [""]),
        ({"additionalProperties": False}, {"prompt": "x", 5: 3}, ["5"]),
    ],
    ids=["a branch that is closed", "the whole as well", "and a limit", "nothing holds", "a name that is no text"],
)
def test_what_does_not_hold_is_never_without_a_violation(
    more: dict[str, Any], given: dict[Any, Any], natives: list[str]
) -> None:
    of = contract({"properties": {"prompt": TEXT, "seed": WHOLE}, **more})
    assert not of.holds(given)
    assert [violation.native for violation in of.violations(given)] == natives


def test_an_error_that_says_nothing_is_told_in_general(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.contract.read_errors", lambda *_: [])
    (violation,) = contract({"properties": {"prompt": TEXT}}).violations({"prompt": 5})
    assert (violation.native, violation.message) == ("", "it is not what the model takes")
