"""Find the OpenAPI documents inside kie.ai's documentation pages, byte for byte.

A page embeds its document in a fence under a heading that starts with ``## OpenAPI``, in one of two formats:
four backticks with the info string ``yaml market/... post /api/...``, or three backticks with ``yaml`` alone.
Block scalars of the second hold indented fences of their own, so only a fence at column 0 ends a document.
"""

from __future__ import annotations

import re

from attrs import frozen

from kie_registry.errors import SpecError

_TITLE = re.compile(rb"#[ \t]+(?P<title>.+?)\s*$")
_OPENAPI_HEADING = re.compile(rb"##[ \t]+OpenAPI\b")
_OPENING_FENCE = re.compile(rb"(?P<ticks>`{3,})ya?ml\b[ \t]*(?P<info>.*?)\s*$")


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
    """Return every page in `content`, in order; one file may hold several.

    Raises:
        SpecError: There is no document, or a fence is never closed; `source` is named.
    """
    pages: list[Page] = []
    title, under_openapi = "", False
    lines = iter(enumerate(content.splitlines(keepends=True), start=1))
    for number, line in lines:
        if match := _TITLE.match(line):
            title, under_openapi = match["title"].decode("utf-8", "replace"), False
        elif _OPENAPI_HEADING.match(line):
            under_openapi = True
        elif under_openapi and (match := _OPENING_FENCE.match(line)):
            body: list[bytes] = []
            for _, inner in lines:
                if inner.rstrip() == match["ticks"]:
                    break
                body.append(inner)
            else:
                raise SpecError(f"{source}:{number}: the fence of the OpenAPI document is never closed")
            info = match["info"].decode("utf-8", "replace")
            pages.append(Page(title, b"".join(body), info, number + 1))
            under_openapi = False
    if not pages:
        raise SpecError(
            f"{source}: no OpenAPI document found. A page of a model has a heading '## OpenAPI' "
            "(or '## OpenAPI Specification') with a yaml fence under it."
        )
    return pages
