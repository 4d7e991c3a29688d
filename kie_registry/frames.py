"""What the frames of an exception hold: a key or a password may be among their local variables."""

from __future__ import annotations

import traceback


def empty_frames(error: BaseException) -> None:
    """Clear the local variables of the frames that an exception, and those before it, came through."""
    links: list[BaseException | None] = [error]
    seen: set[int] = set()
    while links:
        link = links.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            traceback.clear_frames(link.__traceback__)
            links += [link.__context__, link.__cause__]
