"""Overlays correct one document, and say so where they no longer correct anything."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from kie_registry.errors import SpecError
from kie_registry.specs.overlays import apply_overlay

DOCUMENT: dict[str, Any] = {
    "info": {"title": "Lamp", "contact": {"name": "A"}},
    "tags": [{"name": "a"}, {"name": "b"}, {"name": "a"}, {"name": "c"}],
    "limits": {"sizes": [1, 2], "required": ["model"]},
}


def corrected(*actions: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    apply_overlay(document, {"overlay": "1.0.0", "actions": list(actions)}, source="lamp.yaml")
    return document


@pytest.mark.parametrize(
    ("target", "update", "place", "expected"),
    [
        pytest.param("$.info", {"version": "1"}, "info", {**DOCUMENT["info"], "version": "1"}, id="new-key"),
        pytest.param("$.info", {"title": "L"}, "info", {**DOCUMENT["info"], "title": "L"}, id="other-value"),
        pytest.param(
            "$.info",
            {"contact": {"url": "u"}},
            "info",
            {"title": "Lamp", "contact": {"name": "A", "url": "u"}},
            id="mapping-into-mapping",
        ),
        pytest.param(
            "$.limits",
            {"required": ["input"]},
            "limits",
            {"sizes": [1, 2], "required": ["model", "input"]},
            id="list-into-list",
        ),
        pytest.param("$.limits", {"required": ["model"]}, "limits", DOCUMENT["limits"], id="known-item-once"),
        pytest.param("$.tags", {"name": "d"}, "tags", [*DOCUMENT["tags"], {"name": "d"}], id="item-onto-list"),
        pytest.param(
            "$.tags[?@.name == 'a']",
            {"x": 1},
            "tags",
            [{"name": "a", "x": 1}, {"name": "b"}, {"name": "a", "x": 1}, {"name": "c"}],
            id="several-targets",
        ),
        pytest.param("$", {"limits": None}, "limits", None, id="the-root"),
    ],
)
def test_update_is_merged(target: str, update: Any, place: str, expected: Any) -> None:
    assert corrected({"target": target, "update": update})[place] == expected


def test_places_that_were_updated_do_not_share_the_update() -> None:
    tags = corrected({"target": "$.tags[?@.name == 'a']", "update": {"x": {"y": []}}})["tags"]
    tags[0]["x"]["y"].append(1)
    assert tags[2]["x"] == {"y": []}


@pytest.mark.parametrize(
    ("target", "place", "expected"),
    [
        pytest.param("$.info.contact", "info", {"title": "Lamp"}, id="key"),
        pytest.param("$.limits.sizes[0]", "limits", {"sizes": [2], "required": ["model"]}, id="item"),
        pytest.param("$.tags[?@.name == 'a']", "tags", [{"name": "b"}, {"name": "c"}], id="several-items"),
        pytest.param("$.limits.sizes[*]", "limits", {"sizes": [], "required": ["model"]}, id="all-items"),
    ],
)
def test_target_is_removed(target: str, place: str, expected: Any) -> None:
    assert corrected({"target": target, "remove": True})[place] == expected


def test_actions_apply_in_order() -> None:
    actions = [
        {"target": "$.info", "update": {"license": {}}},
        {"target": "$.info.license", "update": {"name": "MIT"}},
        {"target": "$.info.contact", "remove": True},
    ]
    assert corrected(*actions)["info"] == {"title": "Lamp", "license": {"name": "MIT"}}


@pytest.mark.parametrize(
    ("action", "message"),
    [
        pytest.param({"target": "$.gone", "update": {}}, "'[$].gone' matches nothing", id="matches-nothing"),
        pytest.param({"target": "$.gone", "remove": True}, "'[$].gone' matches nothing", id="nothing-to-remove"),
        pytest.param({"target": "$.info[", "update": {}}, "is no JSONPath", id="no-jsonpath"),
        pytest.param({"target": "$.info.title", "update": {"a": 1}}, "needs an object or a list", id="scalar"),
        pytest.param({"target": "$.info", "update": "a"}, "needs an object or a list", id="scalar-update"),
        pytest.param({"target": "$", "remove": True}, "whole document", id="remove-the-root"),
        pytest.param({"target": "$.info"}, "lamp", id="neither-update-nor-remove"),
        pytest.param({"update": {"a": 1}}, "target", id="no-target"),
        pytest.param({"target": 3, "update": {}}, "is no JSONPath", id="target-is-no-text"),
        pytest.param("$.info", "lamp", id="action-is-no-mapping"),
    ],
)
def test_action_that_cannot_be_done_is_refused(action: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        corrected(action)


@pytest.mark.parametrize("overlay", [None, [], "text"], ids=json.dumps)
def test_overlay_that_is_no_mapping_is_refused(overlay: Any) -> None:
    with pytest.raises(SpecError, match=r"lamp\.yaml"):
        apply_overlay({}, overlay, source="lamp.yaml")


def test_refusal_names_the_file() -> None:
    with pytest.raises(SpecError, match=r"^lamp\.yaml: "):
        corrected({"target": "$.gone", "update": {}})
