"""Add models from what kie.ai publishes of them into ``KIE_HOME/models``, to be used at once."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterator
from typing import Any

from attrs import define, field, frozen

from kie_registry import added
from kie_registry.added import AddedModel
from kie_registry.errors import InvalidRequest, KieError, Problem, SpecError
from kie_registry.registry import Registry, default_registry
from kie_registry.specs.normalize import Repair
from kie_registry.specs.prepare import Prepared, prepare
from kie_registry.specs.published import Published
from kie_registry.specs.reading import Outcome, read_sources
from kie_registry.specs.slugs import choose_slug

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+/-]{0,99}")


@frozen
class Addition:
    """A model that was added.

    Attributes:
        model: What is kept of it.
        repairs: What was repaired in its document.
    """

    model: AddedModel
    repairs: tuple[Repair, ...]


def add_model(source: str, *, replace: bool = False, alias: str | None = None) -> list[str]:
    """Add the models that a source describes to your own, for good, and return their ids.

    They can be used at once, here and in every later program of the same ``KIE_HOME``.

    Args:
        source: A documentation page or an OpenAPI document: a file, a folder of them (pages of other things in it
            are passed over), an address, or else a model id, which the catalog is asked for with the key in
            ``KIE_API_KEY``.
        replace: Whether to put them in the place of models with the same ids.
        alias: One more name, where the source describes one model.

    Raises:
        SpecError: A document cannot be used, or there is none, or an id is taken and `replace` is false. Nothing
            is added then.
        KieError: A file cannot be written, or the catalog does not answer.
    """
    adding = Adding(default_registry(), replace=replace, alias=alias)
    ready = []
    for outcome in read_sources([source]):
        ready += [adding.prepare(published) for published in _usable(outcome)]
    if not ready:
        raise SpecError(f"{source}: no page in it describes a model")
    return [adding.keep(prepared).model.id for prepared in ready if prepared is not None]


def _usable(outcome: Outcome) -> Iterator[Published]:
    if outcome.error is not None and not outcome.skipped:
        raise outcome.error
    yield from outcome.published


@define(eq=False)
class Adding:
    """One run of adding: two pages of one model in it are a mistake.

    Attributes:
        registry: Who knows which names are taken.
        replace: Whether to take the place of models with the same ids.
        alias: One more name, for one model.
    """

    registry: Registry
    replace: bool = False
    alias: str | None = field(default=None)
    _seen: dict[str, Published] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        # Another process may have added models since the registry looked.
        self.registry.refresh()

    @alias.validator
    def _check_alias(self, _: Any, alias: str | None) -> None:
        if alias is not None and not _ALIAS.fullmatch(alias):
            wrong = f"{alias!r} is no name for a model: it takes letters, digits and . _ - + /, up to 100 of them"
            raise InvalidRequest([Problem("alias", wrong)])

    def add(self, published: Published) -> Addition | None:
        """Add one model; None where the same page was added in this run already.

        Raises:
            SpecError: The document cannot be used, or its id is taken, or the alias.
            KieError: Its file cannot be written.
        """
        prepared = self.prepare(published)
        return None if prepared is None else self.keep(prepared)

    def prepare(self, published: Published) -> Prepared | None:
        """Do as `add` does, but for writing the file; None where this run had the same page already."""
        try:
            prepared = prepare(published)
        except RecursionError as error:
            raise SpecError(
                f"{published.source}: the document is nested too deeply, or refers to itself"
            ) from error
        first = self._seen.get(prepared.id)
        if first is not None and first.sha256 == published.sha256:
            return None
        if first is not None and not self.replace:
            raise SpecError(
                f"{published.source}: describes {prepared.id}, and so does {first.source}, otherwise; name one of "
                "them, or give --replace to keep the later"
            )
        if self.alias is not None and self._seen and first is None:
            raise SpecError(f"{published.source}: the alias {self.alias!r} is for one model, and this is another")
        self._check_free(prepared)
        prepared = self._named(prepared)
        _check_usable(prepared)
        self._seen[prepared.id] = published
        return prepared

    def keep(self, prepared: Prepared) -> Addition:
        """Write the file of a prepared model, and let the registry see it."""
        others = self._names_of_others(prepared.id)
        names = [prepared.slug, *([self.alias] if self.alias else [])]
        aliases = [name for name in dict.fromkeys(names) if name not in others and name != prepared.id]
        earlier = self.registry.added(prepared.id)
        installed = self.registry.claimant(prepared.id) is not None
        content = _content(prepared, aliases, replaces=installed or bool(earlier and earlier.replaces))
        model = added.save(content)
        self.registry.refresh()
        return Addition(model, prepared.repairs)

    def _check_free(self, prepared: Prepared) -> None:
        source = prepared.published.source
        if self.alias is not None and self.alias in self._names_of_others(prepared.id):
            raise SpecError(f"{source}: the name {self.alias!r} is that of another model; choose another alias")
        if self.replace:
            return
        if (earlier := self.registry.added(prepared.id)) and earlier.id == prepared.id:
            taken = f"{earlier.origin} on {earlier.date}"
        elif claimant := self.registry.claimant(prepared.id):
            taken = f"offered by {claimant}"
        else:
            return
        raise SpecError(
            f"{source}: the model {prepared.id} is there already, {taken}; "
            "--replace (in Python: replace=True) takes its place"
        )

    def _named(self, prepared: Prepared) -> Prepared:
        """Return `prepared` under a short name that no other model has, where one can be made."""
        taken = self._names_of_others(prepared.id)
        if prepared.slug not in taken:
            return prepared
        try:
            slug = choose_slug(prepared.id, taken=taken)
        except SpecError:
            return prepared
        return prepare(prepared.published, slug=slug)

    def _names_of_others(self, model: str) -> Collection[str]:
        summaries = [summary for summary in self.registry.summaries() if summary.id != model]
        return {name for summary in summaries for name in (summary.id, *summary.aliases)}


def _check_usable(prepared: Prepared) -> None:
    """Make the adapter that will be made of it later, so that what cannot be used is never added."""
    from kie_registry.building import build_adapter
    from kie_registry.contract import Contract

    try:
        contract = Contract.from_json(prepared.contract)
        build_adapter(contract, slug=prepared.slug)
        contract.holds({})
    except (KieError, ValueError) as error:
        raise SpecError(f"{prepared.published.source}: {error}") from error


def _content(prepared: Prepared, aliases: list[str], *, replaces: bool) -> dict[str, Any]:
    """Return what is kept of a model."""
    published = prepared.published
    return {
        "id": prepared.id,
        "slug": prepared.slug,
        "title": prepared.title,
        "output": prepared.contract["output"],
        "aliases": aliases,
        "source": published.source,
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "sha256": published.sha256,
        "replaces": replaces,
        "repairs": [{"rule": repair.rule, "places": list(repair.places)} for repair in prepared.repairs],
        "contract": prepared.contract,
        "document": prepared.document,
        # Bytes that are no UTF-8 come back as they were with the same error handler.
        "published": published.content.decode("utf-8", "surrogateescape"),
    }
