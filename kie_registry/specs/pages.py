"""Find the OpenAPI documents inside kie.ai's documentation pages, byte for byte.

A page embeds its document in a fence under a heading that starts with ``## OpenAPI``, in one of two formats:
four backticks with the info string ``yaml market/... post /api/...``, or three backticks with ``yaml`` alone.
Block scalars of the second hold indented fences of their own, so only a fence at column 0 ends a document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import frozen

from kie_registry.errors import SpecError

_TITLE = re.compile(rb"#[ \t]+(?P<title>.*)")
_OPENAPI_HEADING = re.compile(rb"##[ \t]+OpenAPI\b")
_HEADING = re.compile(rb"#{1,6}[ \t]")
_FENCE = re.compile(rb"(?P<ticks>`{3,}|~{3,})")
_OPENING_FENCE = re.compile(rb"(?P<ticks>`{3,})ya?ml\b(?P<info>.*)")

_DOCUMENT = re.compile(rb"""^["']?(openapi|paths)["']?\s*:""", re.MULTILINE)


@frozen
class Page:
    """One documentation page.

    Attributes:
        title: The page's heading, the human name of the model.
        document: The embedded OpenAPI YAML, exactly as published.
        info: What follows ``yaml`` on the opening fence; empty in the newer format.
        line: The line on which the document starts, counted from 1.
    """

    title: str
    document: bytes
    info: str
    line: int


def read_pages(content: bytes, *, source: str) -> list[Page]:
    """Return every page in `content`, in order; one file may hold several, or none.

    Raises:
        SpecError: A fence is never closed, or a heading has two documents; `source` and the line are named.
    """
    pages: list[Page] = []
    title, under_openapi, has_document = "", False, False
    lines = iter(enumerate(content.splitlines(keepends=True), start=1))
    for number, line in lines:
        if under_openapi and (match := _OPENING_FENCE.match(line)):
            document = _until_closed(lines, match["ticks"])
            if document is None:
                raise SpecError(f"{source}:{number}: the fence of the OpenAPI document is never closed")
            if not has_document:
                pages.append(Page(title, document, match["info"].decode("utf-8", "replace").strip(), number + 1))
                has_document = True
            elif _DOCUMENT.search(document):
                first = pages[-1].line
                raise SpecError(
                    f"{source}:{number + 1}: a second OpenAPI document; the page has one at line {first}"
                )
        elif match := _FENCE.match(line):
            _until_closed(lines, match["ticks"])
        elif _HEADING.match(line):
            under_openapi, has_document = _OPENAPI_HEADING.match(line) is not None, False
            if match := _TITLE.match(line):
                title = match["title"].decode("utf-8", "replace").strip()
    return pages


def _until_closed(lines: Iterator[tuple[int, bytes]], ticks: bytes) -> bytes | None:
    """Return what a fence holds, up to the closing one at column 0; None where there is none."""
    body: list[bytes] = []
    for _, line in lines:
        if line.rstrip() == ticks:
            return b"".join(body)
        body.append(line)
    return None
