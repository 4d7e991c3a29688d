"""Parse YAML and JSON that nobody here wrote: nothing in it is run, and nothing it can do grows without bounds.

YAML is read as version 1.2 has it, as the tool does that kie.ai writes it with: ``on`` is a word and ``16:9`` is
text, where PyYAML would see a truth and the number 969.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from kie_registry.errors import SpecError

_MAX_DEPTH = 64
_MAX_NODES = 200_000

_NUMBERS_AND_TRUTH = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool"))

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Parser):  # type: ignore[misc]
    """A safe loader with the types of YAML 1.2, whose mappings have text as keys, as JSON's have."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  (PyYAML's own attribute)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", "~nN"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), [*_first])
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^$"), [""])


def _as_text(node: Any) -> None:
    """Let the values of a schema that says ``type: string`` be the text that is written: 1.10 is not 1.1."""
    parts = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
    kind = parts.get("type")
    if not isinstance(kind, yaml.ScalarNode) or kind.value != "string":
        return
    enum, default = parts.get("enum"), parts.get("default")
    for value in [*(enum.value if isinstance(enum, yaml.SequenceNode) else ()), default]:
        if isinstance(value, yaml.ScalarNode) and value.tag in _NUMBERS_AND_TRUTH:
            value.tag = "tag:yaml.org,2002:str"


def _construct_int(loader: Any, node: Any) -> int:
    text: str = loader.construct_scalar(node)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


def _construct_float(loader: Any, node: Any) -> float:
    return float(loader.construct_scalar(node))


def _construct_mapping(loader: Any, node: Any) -> Any:
    found: dict[str, Any] = {}
    yield found
    _as_text(node)
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a key is no plain text", key_node.start_mark)
        found[key_node.value] = loader.construct_object(value_node)


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)
_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


def parse(content: bytes, *, source: str, first_line: int = 1) -> Any:
    """Return the data in `content`, JSON or YAML, as plain JSON values.

    Raises:
        SpecError: It is neither, with line and column; or it is too deep, or too large once its aliases are
            written out.
    """
    data = _parse_json(content) if content.lstrip()[:1] == b"{" else None
    if data is None:
        data = _parse_yaml(content, source, first_line)
    _measure(data, source)
    return data


class Composed:
    """A YAML document as its nodes, which know their places; the data of each is made when it is asked for.

    Args:
        content: The document.
        source: What to call it in messages.

    Attributes:
        root: The uppermost node; None where the document is empty.

    Raises:
        SpecError: It is no YAML, with line and column, or it is too deep.
    """

    def __init__(self, content: bytes, *, source: str) -> None:
        self._source = source
        self._loader: Any = _Loader(content)
        with _told(source, 1):
            _check_depth(content)
            self.root: yaml.Node | None = self._loader.get_single_node()

    def data(self, node: yaml.Node) -> Any:
        """Return the data of a node as plain JSON values.

        Raises:
            SpecError: It is none, or too large once its aliases are written out.
        """
        with _told(self._source, 1):
            data = self._loader.construct_document(node)
        _measure(data, f"{self._source}:{node.start_mark.line + 1}")
        return data


def _parse_json(content: bytes) -> Any:
    try:
        return json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        # Flow YAML looks like JSON; where it is neither, YAML tells the place.
        return None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _parse_yaml(content: bytes, source: str, first_line: int) -> Any:
    with _told(source, first_line):
        _check_depth(content)
        return yaml.load(content, Loader=_Loader)  # noqa: S506  (a safe loader)


@contextlib.contextmanager
def _told(source: str, first_line: int) -> Iterator[None]:
    """Say where YAML is broken, and why."""
    try:
        yield
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + first_line}:{mark.column + 1}" if mark else source
        said = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        raise SpecError(f"{where}: broken YAML: {said}") from error


def _check_depth(content: bytes) -> None:
    """Refuse what would exhaust the stack of the parser, before it is built."""
    depth = 0
    events: Any = yaml.parse(content, Loader=_Parser)
    for event in events:
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
            if depth > _MAX_DEPTH:
                mark: Any = event.start_mark
                raise yaml.MarkedYAMLError(problem=f"more than {_MAX_DEPTH} levels", problem_mark=mark)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1


def _measure(data: Any, source: str) -> None:
    """Refuse what grows beyond measure, or without end, once every alias is written out."""
    sizes: dict[int, int] = {}

    def size(node: Any, depth: int) -> int:
        if isinstance(node, float) and not math.isfinite(node):
            raise SpecError(f"{source}: has a number that is none in JSON, {node}")
        if not isinstance(node, (dict, list)):
            return 1
        if depth > _MAX_DEPTH:
            raise SpecError(f"{source}: has more than {_MAX_DEPTH} levels, or contains itself")
        known = sizes.get(id(node))
        if known is None:
            children = node.values() if isinstance(node, dict) else node
            known = sizes[id(node)] = 1 + sum(size(child, depth + 1) for child in children)
        if known > _MAX_NODES:
            raise SpecError(f"{source}: its aliases write out to more than {_MAX_NODES:,} values")
        return known

    size(data, 0)
