"""Make up a text that a regular expression matches, for the expressions that documents hold: simple ones."""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_CATEGORIES = {"CATEGORY_DIGIT": "0", "CATEGORY_WORD": "a", "CATEGORY_SPACE": " "}
_OTHERS = "aA0 -_.~"


def matching(pattern: str) -> str | None:
    """Return a short text that `pattern` may match; None for expressions that are beyond this."""
    try:
        # The parser of `re` has had this name since Python 3.11, and is nobody's promise.
        parser = importlib.import_module("re._parser")
        with warnings.catch_warnings(action="ignore"):
            return _of_all(parser.parse(pattern))
    except (ImportError, re.error, LookupError, TypeError, ValueError, OverflowError, RecursionError):
        return None


def _of_all(nodes: Iterable[Any]) -> str:
    return "".join(_MAKERS[str(name)](value) for name, value in nodes)


def _of_set(members: Any) -> str:
    (first, value), *_ = members
    if str(first) == "NEGATE":
        excluded = {_of_set([member]) for member in members[1:]}
        return next(text for text in _OTHERS if text not in excluded)
    if str(first) == "RANGE":
        return chr(value[0])
    return _CATEGORIES[str(value)] if str(first) == "CATEGORY" else chr(value)


def _repeated(value: Any) -> str:
    least, most, inner = value
    return _of_all(inner) * max(int(least), min(1, int(most)))


_MAKERS: Mapping[str, Callable[[Any], str]] = {
    "LITERAL": chr,
    "NOT_LITERAL": lambda code: next(text for text in _OTHERS if text != chr(code)),
    "ANY": lambda _: "a",
    "AT": lambda _: "",
    "IN": _of_set,
    "BRANCH": lambda value: _of_all(value[1][0]),
    "SUBPATTERN": lambda value: _of_all(value[-1]),
    "MAX_REPEAT": _repeated,
    "MIN_REPEAT": _repeated,
}
