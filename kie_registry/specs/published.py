"""What kie.ai publishes of a model, as it was found: in a page, in an OpenAPI file, in the catalog's answer."""

from __future__ import annotations

import hashlib
import re

from attrs import field, frozen

from kie_registry.errors import NotAModel, SpecError
from kie_registry.specs.documents import Json, load_document
from kie_registry.specs.pages import Page, read_pages

MAX_BYTES = 5 * 2**20
"""The largest source that is read, in bytes; kie.ai's pages have 10 to 40 KB."""

_HTML = re.compile(rb"[ \t\r\n]*<(!doctype|html|\?xml)", re.IGNORECASE)
# A bare document begins with a key, or as JSON does, after comments; and it has one of these keys.
_BARE = re.compile(rb"""(?:[ \t\r]*(?:#[^\n]*|---[^\n]*)?\n)*+[ \t]*(?:\{|["']?[\w-]+["']?[ \t]*:)""")
_KEY = re.compile(rb"""^[ \t]*(?:\{[ \t]*)?["']?(?:openapi|swagger|paths)["']?[ \t]*:""", re.MULTILINE)


@frozen
class Published:
    """One document as published.

    Attributes:
        content: The YAML or JSON, byte for byte.
        document: The same, parsed.
        title: The human name of the model; empty where the source has none.
        page: The place of the page in kie.ai's documentation; empty where it does not tell.
        source: Where it was found, for messages: a file or an address, with the line where that helps.
    """

    content: bytes = field(repr=False)
    document: Json = field(repr=False)
    title: str
    page: str
    source: str

    @property
    def sha256(self) -> str:
        """The hash of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def read_published(content: bytes, *, source: str) -> list[Published]:
    """Return every document in `content`: a documentation page, several in one file, or a bare document.

    Raises:
        NotAModel: It is prose.
        SpecError: It is too large, or a document in it is broken; the place is named.
    """
    if len(content) > MAX_BYTES:
        raise SpecError(
            f"{source}: has {len(content):,} bytes. The page of a model is far smaller; "
            f"at most {MAX_BYTES:,} are read"
        )
    if pages := read_pages(content, source=source):
        return [_of_page(page, source) for page in pages]
    if _HTML.match(content):
        raise NotAModel(f"{source}: is HTML. The Markdown of a documentation page is at the same address with .md")
    if not (_BARE.match(content) and _KEY.search(content)):
        raise NotAModel(
            f"{source}: no OpenAPI document found. A page of a model has a heading '## OpenAPI' "
            "(or '## OpenAPI Specification') with a yaml fence under it."
        )
    return [Published(content, load_document(content, source=source), "", "", source)]


def _of_page(page: Page, source: str) -> Published:
    document = load_document(page.document, source=source, first_line=page.line)
    return Published(page.document, document, page.title, page.info.split(" ")[0], f"{source}:{page.line}")
