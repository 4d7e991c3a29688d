"""JSON that people wrote: what the standard's reader lets pass, and no job can mean, is an error."""

from __future__ import annotations

import json
from typing import Any

from kie_registry.wording import clip


class DuplicateKey(ValueError):
    """An object has the same key twice, of which one would be dropped without a word."""


def parse(text: str) -> Any:
    """Return the data in `text`.

    Raises:
        ValueError: It is no JSON; the message says where.
        DuplicateKey: A key stands in it twice.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        # There is but one line, whose number is said elsewhere.
        raise ValueError(f"{error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("it has too many levels") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DuplicateKey(f"the key {clip(repr(twice))} is given twice")
    return made


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
