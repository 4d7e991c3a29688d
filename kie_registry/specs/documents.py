"""Load, walk and dump OpenAPI documents as plain Python data."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from typing import Any

import yaml

from kie_registry.errors import NotAModel, SpecError
from kie_registry.specs.parsing import parse

CREATE_TASK_PATH = "/api/v1/jobs/createTask"

Json = dict[str, Any]

_MAX_NODES = 200_000

# Keys whose value is data, not schema: nothing in them is a keyword.
_DATA_KEYS = frozenset({"default", "enum", "const", "example", "examples", "required"})
# Keys whose value maps names that the author chose to schemas.
_NAME_MAPS = frozenset({"properties", "patternProperties", "schemas", "responses", "$defs", "definitions"})

_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _ReadableDumper(_Dumper):  # type: ignore[misc, valid-type]
    """Writes every part where it belongs, without anchors, and text of several lines as it reads."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  (the base class's signature)
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_ReadableDumper.add_representer(str, _represent_text)


def load_document(content: bytes, *, source: str, first_line: int = 1) -> Json:
    """Parse the YAML or JSON of an OpenAPI document.

    Args:
        content: The text.
        source: Where it came from, for messages.
        first_line: The line of `source` on which it starts.

    Raises:
        SpecError: It cannot be read; line and column are named.
        NotAModel: It is no OpenAPI document.
    """
    document = parse(content, source=source, first_line=first_line)
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise NotAModel(f"{source}: this is no OpenAPI document: it has no 'paths'")
    return document


def dump_document(document: Json) -> str:
    """Return `document` as YAML, the same bytes for the same data."""
    text: str = yaml.dump(document, Dumper=_ReadableDumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def walk(node: Any, place: str = "$", *, names: bool = False) -> Iterator[tuple[str, Json]]:
    """Yield each mapping in `node` in which keys are keywords, with its place as a JSONPath.

    Maps of names (``properties``) and plain data (``examples``) are passed through or over, so that a
    property called ``x-ray`` or an example that holds ``nullable`` is never taken for a keyword.
    """
    if isinstance(node, dict):
        if not names:
            yield place, node
        for key, value in list(node.items()):
            if names or key not in _DATA_KEYS:
                inside_names = not names and key in _NAME_MAPS
                yield from walk(value, f"{place}.{key}", names=inside_names)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, f"{place}[{index}]")


def create_operation(document: Json) -> Json | None:
    """Return the createTask operation of a model's document; None where there is none."""
    path = document["paths"].get(CREATE_TASK_PATH)
    operation = path.get("post") if isinstance(path, dict) else None
    return operation if isinstance(operation, dict) else None


def resolve(document: Json, node: Json) -> Json:
    """Follow the local ``$ref`` that `node` may be.

    Raises:
        SpecError: The reference points nowhere in the document.
    """
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return node
    target: Any = document
    for escaped in reference.removeprefix("#/").split("/"):
        part = urllib.parse.unquote(escaped).replace("~1", "/").replace("~0", "~")
        target = _child(target, part) if isinstance(target, dict) else None
    if not isinstance(target, dict):
        raise SpecError(f"the reference {reference} points to nothing in this document")
    return target


def _child(node: Json, name: str) -> Any:
    """Return what `node` has under `name`; keys of the catalog's documents may have a space at their end."""
    if name in node:
        return node[name]
    return next((value for key, value in node.items() if key.strip() == name.strip()), None)


def inline(document: Json, node: Any) -> Any:
    """Return a copy of `node` with every local ``$ref`` replaced by what it points to.

    Raises:
        SpecError: A reference points nowhere, leads back to itself, or leads to more than can be written out.
    """
    budget = _MAX_NODES

    def copied(node: Any, within: tuple[str, ...]) -> Any:
        nonlocal budget
        budget -= 1
        if budget < 0:
            raise SpecError(f"its references write out to more than {_MAX_NODES:,} values")
        if isinstance(node, list):
            return [copied(item, within) for item in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return {key: copied(value, within) for key, value in node.items()}
        if reference in within:
            raise SpecError(f"the reference {reference} leads back to itself")
        beside = {key: copied(value, within) for key, value in node.items() if key != "$ref"}
        return {**copied(resolve(document, node), (*within, reference)), **beside}

    return copied(node, ())
