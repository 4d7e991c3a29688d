"""Save results: streamed to a temporary file beside the target, then renamed, under a name made by us."""

from __future__ import annotations

import contextlib
import os
import re
import urllib.parse
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from kie_registry.effects import Fetch, Flow, Run, Sleep
from kie_registry.errors import ApiError, ConfigurationError, KieError, OutputExists, SpecError, TransportError
from kie_registry.mime import sniff, suffix_of
from kie_registry.slugs import choose_slug

_PAUSES = (0.5, 2.0, 5.0)
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


@frozen
class Saving:
    """Where the files of one task go.

    Attributes:
        urls: The files.
        directory: The directory, made if need be.
        name: The name without suffix, or None for one made of the model and the task.
        overwrite: Whether a file of the same name may be replaced.
        task_id: The id of the task.
        model: The model id, or None where it is not known.
    """

    urls: Sequence[str]
    directory: Path
    name: str | None
    overwrite: bool
    task_id: str
    model: str | None

    def target(self, stem: str, suffix: str) -> Path:
        """Return the path for a file; a suffix that its name has already is not doubled."""
        return self.directory / (stem.removesuffix(suffix) + suffix)

    def stem(self, number: int) -> str:
        """Return the name, without suffix, of the file with this number, counted from 1."""
        if self.name is None:
            return f"{_short(self.model or 'kie')}-{_safe(self.task_id)}-{number}"
        return self.name if len(self.urls) == 1 else f"{self.name}-{number}"


def save(saving: Saving) -> Flow[list[Path]]:
    """Save every file and return the paths, in the order of the URLs.

    Raises:
        ConfigurationError: The name is none.
        OutputExists: A file is there already, and may not be replaced.
        ApiError: The server refuses a file.
        TransportError: A download broke off, four times.
        KieError: The directory cannot be written.
    """
    if saving.name is not None:
        check_name(saving.name, task_id=saving.task_id, model=saving.model, charged="yes")
    paths = []
    for number, url in enumerate(saving.urls, start=1):
        paths.append((yield from _save_one(saving, number, url)))
    return paths


def check_name(name: str, **fields: Any) -> None:
    """Raise ConfigurationError, with `fields`, where `name` is no file name."""
    wrong = sorted({character for character in name if _safe(f"a{character}a") != f"a{character}a"})
    if wrong or _safe(name) != name:
        found = f", not {' '.join(map(repr, wrong))}" if wrong else ""
        raise ConfigurationError(
            f"name is {name!r}, which is no file name: it takes letters, digits, spaces, dots, dashes and "
            f"underscores{found}",
            **fields,
        )


def _save_one(saving: Saving, number: int, url: str) -> Flow[Path]:
    stem = saving.stem(number)
    part = saving.directory / f".{uuid.uuid4().hex}.part"
    try:
        yield Run(lambda: _make_room(saving.target(stem, _url_suffix(url)), saving))
        content_type = yield from _fetch(saving, url, part)
        path: Path = yield Run(lambda: _move_into_place(part, stem, content_type, url, saving))
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, KieError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise KieError(
            f"{saving.directory} cannot be written: {reason}. The files stay at kie.ai for some days: "
            f"kie.task({saving.task_id!r}).wait() gives them again.",
            task_id=saving.task_id,
            charged="yes",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return path


def _fetch(saving: Saving, url: str, part: Path) -> Flow[str]:
    fields: dict[str, Any] = {"task_id": saving.task_id, "model": saving.model, "charged": "yes"}
    for pause in (*_PAUSES, None):
        try:
            fetched = yield Fetch(url, part)
        except TransportError as error:
            if pause is None:
                raise TransportError(f"downloading {url}: {error}", retryable=True, **fields) from None
        else:
            if fetched.status == 200:
                content_type: str = fetched.content_type
                return content_type
            if pause is None or fetched.status not in _PASSING:
                raise ApiError(
                    f"downloading {url}: the server answers HTTP {fetched.status}. Results are kept for 14 days "
                    "at most; kie.download_url(url) makes a new link while they are.",
                    status=fetched.status,
                    code=fetched.status,
                    retryable=fetched.status in _PASSING,
                    **fields,
                )
        yield Sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _make_room(expected: Path, saving: Saving) -> None:
    saving.directory.mkdir(parents=True, exist_ok=True)
    _check_free(expected, saving)


def _check_free(path: Path, saving: Saving) -> None:
    if path.exists() and not saving.overwrite:
        raise OutputExists(str(path), task_id=saving.task_id, model=saving.model, charged="yes")


def _move_into_place(part: Path, stem: str, content_type: str, url: str, saving: Saving) -> Path:
    with part.open("rb+") as file:
        head = file.read(64)
        os.fsync(file.fileno())
    if not head:
        raise TransportError(
            f"downloading {url}: the file is empty", task_id=saving.task_id, retryable=True, charged="yes"
        )
    if content_type == "text/html" and sniff(head) is None:
        raise ApiError(
            f"downloading {url}: the server answers with a web page in place of the file",
            task_id=saving.task_id,
            retryable=True,
            charged="yes",
        )
    suffix = suffix_of(sniff(head)) or _url_suffix(url) or suffix_of(content_type) or ".bin"
    path = saving.target(stem, suffix)
    _check_free(path, saving)
    part.replace(path)
    return path


def _url_suffix(url: str) -> str:
    """Return the suffix in a URL where it is a plain one; the server's names are not trusted beyond that."""
    match = re.search(r"\.[A-Za-z0-9]{1,5}$", urllib.parse.urlsplit(url).path)
    return match[0].lower() if match else ""


def _short(model: str) -> str:
    try:
        return choose_slug(model)
    except SpecError:
        return _safe(model)


def _safe(name: str) -> str:
    return re.sub(r"[^\w. -]+", "-", name).strip(". ") or "file"
