"""What tasks result in: which files, of which kind, showing what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from kie_registry.sandbox import media, pictures
from kie_registry.sandbox.hosting import Hosting, Promise, file_url
from kie_registry.sandbox.tasks import Task

_COUNTS = ("num_images", "n")
_MAX_COUNT = 15


def give_result(task: Task, kind: str, hosting: Hosting, *, base_url: str, scale: float) -> None:
    """Decide what a task results in, and promise its files.

    Args:
        task: A task just created.
        kind: What its model makes: ``image``, ``video``, ``audio`` or ``text``.
        hosting: Where the files are to be.
        base_url: The address under which the client knows this sandbox.
        scale: By how much to scale pictures.
    """
    if task.ending.result is not None:
        task.result = task.ending.result
        return
    if kind == "text":
        task.result = {"resultObject": {"text": f"{task.model}: {pictures.prompt_of(task.input)}"}}
        return
    urls = []
    for index in range(_count(task.input)):
        suffix, render = _renderer(task, kind, index, scale)
        name = f"results/{task.id}-{index + 1}{suffix}"
        hosting.promise(name, Promise(task, base_url, render))
        urls.append(file_url(base_url, name))
    task.result = {"resultUrls": urls}


def _renderer(task: Task, kind: str, index: int, scale: float) -> tuple[str, Callable[[Sequence[Path]], bytes]]:
    if kind == "audio":
        return ".wav", media.tone
    request = pictures.Request(model=task.model, input=task.input, index=index, scale=scale)
    if kind == "video":
        return ".webp", partial(media.animation, request)
    return f".{request.suffix}", partial(pictures.draw, request)


def _count(input_: Any) -> int:
    for name in _COUNTS:
        try:
            return min(max(int(input_.get(name)), 1), _MAX_COUNT)
        except (TypeError, ValueError):
            continue
    return 1
