"""What this sandbox hosts under /files/: uploads, and results that are made when they are first fetched."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attrs import define, field

from kie_registry.sandbox.addresses import FILES, own_path
from kie_registry.sandbox.files import FileStore, StoredFile
from kie_registry.sandbox.tasks import Task


@define(eq=False)
class Promise:
    """A result file that is not made yet.

    Attributes:
        task: The task whose result it is; before it has succeeded, there is no such file.
        base_url: The address under which the task's own input images are known.
        render: Makes the file's content from those of the input images that are hosted here.
    """

    task: Task
    base_url: str
    render: Callable[[Sequence[Path]], bytes]
    lock: threading.Lock = field(factory=threading.Lock, init=False)


class Hosting:
    """Every hosted file, by its name: the path of its URL below /files/."""

    def __init__(self) -> None:
        self._files = FileStore()
        self._promises: dict[str, Promise] = {}

    def save(self, name: str, content: Any) -> StoredFile:
        """Store a file, from bytes or an open file."""
        return self._files.save(name, content)

    def promise(self, name: str, promise: Promise) -> None:
        """Host a file that is made when it is first opened."""
        self._promises[name] = promise

    def has(self, name: str) -> bool:
        """Tell whether there is such a file."""
        promise = self._promises.get(name)
        if promise is not None:
            return promise.task.state == "success"
        return self._files.get(name) is not None

    def open(self, name: str) -> StoredFile | None:
        """Return a file, made now if need be, which takes a while; None if there is none."""
        if not self.has(name):
            return None
        promise = self._promises.get(name)
        if promise is None:
            return self._files.get(name)
        with promise.lock:
            return self._files.get(name) or self._keep(name, promise)

    def _keep(self, name: str, promise: Promise) -> StoredFile:
        urls = urls_in(promise.task.input)
        inputs = [self.open(path) for url in urls if (path := hosted_name(url, promise.base_url))]
        return self.save(name, promise.render([file.path for file in inputs if file is not None]))

    def missing(self, input_: Any, base_url: str) -> str | None:
        """Return a URL in a task's input that should be hosted here and is not; None if all is well."""
        for url in urls_in(input_):
            if own_path(url, base_url) is not None and not self.has(hosted_name(url, base_url) or ""):
                return url
        return None

    def close(self) -> None:
        """Remove all files."""
        self._files.close()


def file_url(base_url: str, name: str) -> str:
    """Return the URL of a hosted file."""
    return f"{base_url.rstrip('/')}{FILES}{quote(name)}"


def hosted_name(url: str, base_url: str) -> str | None:
    """Return the name of the file at a URL, if it leads to this sandbox's files."""
    path = own_path(url, base_url)
    return path.removeprefix(FILES) if path is not None and path.startswith(FILES) else None


def urls_in(value: Any) -> Iterator[str]:
    """Yield every HTTP URL in a JSON value, at any depth."""
    if isinstance(value, str):
        if value.startswith(("http://", "https://")):
            yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from urls_in(item)
