"""Small turns of phrase that messages share."""

from __future__ import annotations

from collections.abc import Sequence


def clip(text: str, limit: int = 80) -> str:
    """Return `text`, cut to `limit` characters where it is longer."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def either(names: Sequence[str]) -> str:
    """Return ``a``, ``a or b``, or ``a, b or c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
