"""Small turns of phrase that messages share."""

from __future__ import annotations

import re
from collections.abc import Sequence

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys rather than shows: it moves the cursor, changes colours, turns the writing around."""


def clip(text: str, limit: int = 80) -> str:
    """Return `text`, cut to `limit` characters where it is longer."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def writable(text: str) -> str:
    """Return `text` with half characters (lone surrogates), which no file takes, spelled out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def either(names: Sequence[str]) -> str:
    """Return ``a``, ``a or b``, or ``a, b or c``."""
    return joined(names, "or")


def joined(names: Sequence[str], word: str) -> str:
    """Return `names` with commas between them, and `word` before the last."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
