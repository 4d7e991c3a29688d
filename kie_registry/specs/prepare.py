"""From what kie.ai publishes of a model to all that is needed to use it, in memory."""

from __future__ import annotations

from attrs import frozen

from kie_registry.errors import SpecError
from kie_registry.specs.contracts import build_contract
from kie_registry.specs.documents import Json
from kie_registry.specs.normalize import Repair, normalize
from kie_registry.specs.published import Published


@frozen
class Prepared:
    """A model that is ready to be used.

    Attributes:
        published: What it was made from.
        slug: Its short name, for files and classes.
        document: The normalized OpenAPI document.
        contract: All that the library needs to know of it, as data; see `contracts`.
        repairs: What each rule did to the document.
    """

    published: Published
    slug: str
    document: Json
    contract: Json
    repairs: tuple[Repair, ...]

    @property
    def id(self) -> str:
        """The model id."""
        return str(self.contract["id"])

    @property
    def title(self) -> str:
        """The human name of the model."""
        return str(self.contract["title"])


def prepare(published: Published, *, slug: str | None = None) -> Prepared:
    """Normalize a document and build the model's contract; `slug` is made from the model id unless given.

    Raises:
        NotAModel: It describes no Market model; the message says what it is instead.
        SpecError: It cannot be used; the message names the place and the reason.
    """
    try:
        document, repairs = normalize(published.document, slug=slug, title=published.title or None)
        contract = build_contract(document, slug=slug)
    except SpecError as error:
        raise type(error)(f"{published.source}: {error}") from error
    return Prepared(published, str(contract["slug"]), document, contract, repairs)
