"""Read a manifest in YAML: a list of jobs, or a mapping with ``defaults`` and ``jobs``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from kie_registry.batches.manifests.lines import BrokenLine, Line, flattened, line_of
from kie_registry.errors import InvalidRequest, Problem, SpecError
from kie_registry.wording import clip

if TYPE_CHECKING:
    from kie_registry.specs.parsing import Composed

MAX_BYTES = 16 << 20
"""The most bytes that a YAML file may have, which must be read whole."""

_FORM = "it takes a list of jobs, or a mapping with jobs, and defaults if need be"


def read_yaml(file: BinaryIO, name: str, defaults: Mapping[str, Any]) -> Iterator[Line | BrokenLine]:
    """Yield the jobs of a YAML file; each has the number of the line in which it begins.

    Raises:
        InvalidRequest: It is too large, no YAML, or no list of jobs.
    """
    from kie_registry.specs.parsing import Composed

    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        most = f"the {MAX_BYTES / 2**20:g} MiB that are read of YAML"
        raise InvalidRequest(
            f"{name}: is larger than {most}. JSONL may have any size: one JSON object on each line"
        )
    try:
        document = Composed(content, source=name)
        jobs, own = _parts(document, name)
    except SpecError as error:
        raise InvalidRequest(str(error)) from error
    both = {**own, **defaults}
    for node in jobs:
        yield _line(document, node, both)


def _parts(document: Composed, name: str) -> tuple[list[Any], dict[str, Any]]:
    """Return the nodes of the jobs, and the defaults."""
    import yaml

    root = document.root
    if root is None or (isinstance(root, yaml.ScalarNode) and root.tag.endswith(":null")):
        return [], {}
    if isinstance(root, yaml.SequenceNode):
        return root.value, {}
    if not isinstance(root, yaml.MappingNode):
        raise InvalidRequest(f"{name}: is no list; {_FORM}")
    if twice := _duplicate(root):
        raise InvalidRequest(f"{name}: {twice}")
    parts = {key.value: value for key, value in root.value if isinstance(key, yaml.ScalarNode)}
    if not isinstance(parts.get("jobs"), yaml.SequenceNode) or len(parts) < len(root.value):
        raise InvalidRequest(f"{name}: has no list of jobs; {_FORM}")
    if strangers := [key for key in parts if key not in ("jobs", "defaults")]:
        raise InvalidRequest([Problem(f"{name}, {clip(strangers[0])}", f"is neither jobs nor defaults; {_FORM}")])
    given = document.data(parts["defaults"]) if "defaults" in parts else None
    if given is not None and not isinstance(given, dict):
        raise InvalidRequest([Problem(f"{name}, defaults", "are no mapping of names and values")])
    return parts["jobs"].value, flattened(given or {}, f"{name}, defaults")


def _line(document: Composed, node: Any, defaults: Mapping[str, Any]) -> Line | BrokenLine:
    number = node.start_mark.line + 1
    if twice := _duplicate(node):
        return BrokenLine.because(number, twice)
    try:
        data = document.data(node)
    except SpecError as error:
        return BrokenLine.because(number, str(error))
    if not isinstance(data, dict):
        return BrokenLine.because(number, "is no mapping with a model and its parameters")
    return line_of(number, data, defaults)


def _duplicate(root: Any) -> str | None:
    """Return what to say of a key that stands twice in one mapping at a node or below it."""
    import yaml

    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
            continue
        keys = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in keys:
                return f"the key {clip(repr(key.value))} is given twice, again in line {key.start_mark.line + 1}"
            keys.add(key.value if isinstance(key, yaml.ScalarNode) else None)
            waiting.append(value)
    return None
