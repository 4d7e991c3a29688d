"""Small files in ``KIE_HOME/cache/`` that save work at the next start; none of them is needed."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

from kie_registry.settings import home


def recall(name: str, stamp: list[Any]) -> Any:
    """Return what was kept under `name` with the same `stamp`; None if nothing was, or if the file is damaged."""
    try:
        content = json.loads((home() / "cache" / name).read_bytes())
        return content["content"] if content["stamp"] == stamp else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def keep(name: str, stamp: list[Any], content: Any) -> None:
    """Keep `content` until the `stamp` changes; without a writable home, the next start does the work again."""
    cache = home() / "cache" / name
    fresh = cache.with_name(f"{name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps({"stamp": stamp, "content": content}), "utf-8")
        fresh.replace(cache)
