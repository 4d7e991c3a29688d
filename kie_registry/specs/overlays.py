"""Apply OpenAPI Overlay documents: corrections to one document, each with its reason.

Overlay 1.0.0, with one difference: a target that matches nothing is an error, because a correction
that no longer corrects anything should be seen.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from kie_registry.errors import SpecError
from kie_registry.specs.documents import Json
from kie_registry.specs.parsing import parse


def read_overlay(specs: Path, slug: str) -> tuple[Json, str] | None:
    """Return the overlay of a vendored spec, and its name for messages; None where it has none.

    Raises:
        SpecError: It is no YAML; line and column are named.
    """
    path = specs / "overlays" / f"{slug}.yaml"
    return (parse(path.read_bytes(), source=str(path)), str(path)) if path.exists() else None


def apply_overlay(document: Json, overlay: Json, *, source: str) -> None:
    """Apply the actions of `overlay` to `document`, in place and in order.

    Raises:
        SpecError: A target is no JSONPath, or matches nothing; `source` is named.
    """
    if not isinstance(overlay, dict):
        raise SpecError(f"{source}: an overlay is a mapping, with a list of actions")
    for action in overlay.get("actions", ()):
        if not isinstance(action, dict) or not ("remove" in action or "update" in action):
            raise SpecError(f"{source}: {action!r} is no action: it takes a target, and update or remove")
        matches = _find(document, action.get("target"), source)
        # From the last to the first, so that removing one item of a list does not move the others.
        for match in reversed(matches):
            if not action.get("remove"):
                _merge(match.obj, copy.deepcopy(action["update"]), f"{source}: {action['target']}")
            elif match.parent is None:
                raise SpecError(f"{source}: the whole document cannot be removed")
            else:
                container: Any = match.parent.obj
                del container[match.parts[-1]]


def _find(document: Json, target: Any, source: str) -> list[Any]:
    import jsonpath

    if not isinstance(target, str) or not target:
        raise SpecError(f"{source}: the target {target!r} is no JSONPath")
    try:
        matches = list(jsonpath.finditer(target, document))
    except jsonpath.JSONPathError as error:
        raise SpecError(f"{source}: the target {target!r} is no JSONPath: {error}") from error
    if not matches:
        raise SpecError(f"{source}: the target {target!r} matches nothing in the document")
    return matches


def _merge(target: Any, update: Any, place: str) -> None:
    if isinstance(target, list):
        target.append(update)
    elif isinstance(target, dict) and isinstance(update, dict):
        for key, value in update.items():
            known = target.get(key)
            if isinstance(known, dict) and isinstance(value, dict):
                _merge(known, value, place)
            elif isinstance(known, list) and isinstance(value, list):
                known.extend(item for item in value if item not in known)
            else:
                target[key] = value
    else:
        raise SpecError(f"{place}: an update needs an object or a list as its target")
