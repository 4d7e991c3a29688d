"""Read what kie.ai publishes from wherever it is: files, folders, addresses, standard input, the catalog."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from attrs import field, frozen

from kie_registry.errors import ConfigurationError, KieError, NotAModel, SpecError
from kie_registry.specs.published import MAX_BYTES, Published, read_published

SUFFIXES = (".md", ".markdown", ".txt", ".yaml", ".yml", ".json")
"""What the files end in that a folder is searched for."""

STDIN = "-"
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_OTHER_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@frozen
class Outcome:
    """What came of reading one source, or one file of a folder.

    Attributes:
        source: The source, for messages.
        published: Every document in it; empty where there is an error.
        error: Why it cannot be used.
        named: Whether it was named itself, and not found in a folder.
    """

    source: str
    published: tuple[Published, ...] = field(default=(), repr=False)
    error: KieError | None = None
    named: bool = True

    @property
    def skipped(self) -> bool:
        """Whether it is only a page of something else that lay in a folder."""
        return isinstance(self.error, NotAModel) and not self.named


def read_sources(sources: Iterable[str | os.PathLike[str]]) -> Iterator[Outcome]:
    """Read each source as it is asked for; what is wrong with one is its own outcome.

    A source is a file, a folder (searched with all in it for files that end in one of `SUFFIXES`), ``-`` for
    standard input, an http or https address, or else a model id, which the catalog is asked for.
    """
    for given in sources:
        source = os.fspath(given)
        path = Path(source)
        if source not in ("", STDIN) and not _ADDRESS.match(source) and _is_folder(path):
            yield from _read_folder(path)
        else:
            yield _read(source, functools.partial(_read_one, source))


def read_file(path: Path) -> bytes:
    """Return the content of a file, or of a pipe.

    Raises:
        SpecError: It cannot be read, or is larger than any page.
    """
    try:
        with path.open("rb") as file:
            return _bounded(file, str(path), os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}") from error


def _read(source: str, read: Callable[[], list[Published]], *, named: bool = True) -> Outcome:
    try:
        return Outcome(source, tuple(read()), named=named)
    except KieError as error:
        return Outcome(source, error=error, named=named)
    except Exception as error:  # whatever one document brings about, the others are read
        wrong = SpecError(f"{source}: {type(error).__name__}: {error}. This is a bug; please report the page")
        return Outcome(source, error=wrong, named=named)


def _read_one(source: str) -> list[Published]:
    if source == STDIN:
        return read_published(_bounded(sys.stdin.buffer, "standard input"), source="standard input")
    if _ADDRESS.match(source):
        return _read_address(source)
    path = Path(source)
    if source and _exists(path):
        return read_published(read_file(path), source=source)
    if _OTHER_ADDRESS.match(source):
        raise SpecError(f"{source}: only addresses with http:// and https:// are read")
    if _looks_like_a_file(source):
        raise SpecError(f"{source or repr(source)}: there is no such file or folder")
    return [_read_catalog(source)]


def _read_folder(folder: Path) -> Iterator[Outcome]:
    found = False
    for path in _files(folder):
        found = True
        yield _read(str(path), functools.partial(_read_page, path), named=False)
    if not found:
        said = f"{folder}: holds no pages: no file in it ends in {', '.join(SUFFIXES)}"
        yield Outcome(str(folder), error=SpecError(said))


def _read_page(path: Path) -> list[Published]:
    return read_published(read_file(path), source=str(path))


def _files(folder: Path) -> Iterator[Path]:
    """Yield the pages in a folder and in those below it, each folder once: links may lead in circles."""
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            # Opening a pipe that lies there would wait for ever.
            usable = path.is_file() or (path.is_symlink() and not path.exists())
            if name.lower().endswith(SUFFIXES) and not name.startswith(".") and usable:
                yield path


def _bounded(file: IO[bytes], source: str, size: int = 0) -> bytes:
    """Return what is in `file`, reading no more of it than a page may have."""
    content = b"" if size > MAX_BYTES else file.read(MAX_BYTES + 1)
    if size > MAX_BYTES or len(content) > MAX_BYTES:
        has = f"{size:,}" if size > MAX_BYTES else f"more than {MAX_BYTES:,}"
        raise SpecError(
            f"{source}: has {has} bytes. The page of a model is far smaller; at most {MAX_BYTES:,} are read"
        )
    return content


def _read_address(address: str) -> list[Published]:
    from kie_registry.http import read_page

    page = read_page(address, limit=MAX_BYTES)
    try:
        return read_published(page.content, source=address)
    except NotAModel:
        markdown = _markdown_of(address)
        if markdown is None or page.content_type != "text/html":
            raise
    return read_published(read_page(markdown, limit=MAX_BYTES).content, source=markdown)


def _markdown_of(address: str) -> str | None:
    """Return where the Markdown of a page is; None where the address has a suffix already."""
    bare, mark, query = address.partition("#")[0].partition("?")
    bare = bare.rstrip("/")
    has_suffix = "." in bare.rpartition("/")[2] or bare.count("/") < 3
    return None if has_suffix else f"{bare}.md{mark}{query}"


def _read_catalog(model: str) -> Published:
    from kie_registry.specs.catalog import fetch_document

    try:
        return fetch_document(model)
    except ConfigurationError as error:
        raise SpecError(
            f"{model}: there is no such file or folder. If it is a model id, the catalog knows it; "
            f"asking that needs an API key. {error}"
        ) from error


def _looks_like_a_file(source: str) -> bool:
    path = Path(source)
    if source.lower().endswith(SUFFIXES) or source.startswith((".", "/", "~", "\\")):
        return True
    return not source or "\\" in source or (len(path.parts) > 1 and _is_folder(path.parent))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
