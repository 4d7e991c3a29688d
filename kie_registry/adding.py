"""Add models from what kie.ai publishes of them into ``KIE_HOME/models``, to be used at once."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Collection, Iterator
from typing import Any

from attrs import define, field, frozen

from kie_registry import added
from kie_registry.added import AddedModel
from kie_registry.errors import InvalidRequest, KieError, Problem, SpecError
from kie_registry.events import logger
from kie_registry.registry import Registry, default_registry
from kie_registry.slugs import choose_slug
from kie_registry.specs.normalize import Repair
from kie_registry.specs.prepare import Prepared, prepare
from kie_registry.specs.published import Published
from kie_registry.specs.reading import Outcome, read_sources

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+/-]{0,99}")


@frozen
class Addition:
    """A model that was added.

    Attributes:
        model: What is kept of it.
        repairs: What was repaired in its document.
        notes: What else its user should know: which names mean another model now.
    """

    model: AddedModel
    repairs: tuple[Repair, ...]
    notes: tuple[str, ...] = ()


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
        KieError: A file cannot be written, or the catalog does not answer, or this library has a bug.
    """
    adding = Adding(default_registry(), replace=replace, alias=alias)
    ready = []
    for outcome in read_sources([source]):
        ready += [adding.prepare(published) for published in _usable(outcome)]
    if not ready:
        raise SpecError(f"{source}: no page in it describes a model")
    additions = [adding.keep(prepared) for prepared in ready if prepared is not None]
    for note in (note for addition in additions for note in addition.notes):
        logger.warning("%s", note)
    return [addition.model.id for addition in additions]


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
            KieError: Its file cannot be written, or this library has a bug.
        """
        prepared = self.prepare(published)
        return None if prepared is None else self.keep(prepared)

    def prepare(self, published: Published) -> Prepared | None:
        """Do as `add` does, but for writing the file; None where this run had the same page already."""
        with _errors_of(published.source):
            return self._prepare(published)

    def keep(self, prepared: Prepared) -> Addition:
        """Write the file of a prepared model, and let the registry see it."""
        with _errors_of(prepared.published.source):
            return self._keep(prepared)

    def _prepare(self, published: Published) -> Prepared | None:
        prepared = prepare(published)
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

    def _keep(self, prepared: Prepared) -> Addition:
        others = self._names_of_others(prepared.id)
        earlier = self._earlier(prepared.id)
        # The user's own aliases stay when a newer page takes the place of an older one.
        names = [prepared.slug, *([self.alias] if self.alias else []), *(earlier.aliases if earlier else ())]
        aliases = [name for name in dict.fromkeys(names) if name not in others and name != prepared.id]
        installed = self.registry.claimant(prepared.id) is not None
        meant = self._meant(prepared.id)
        content = _content(prepared, aliases, replaces=installed or bool(earlier and earlier.replaces))
        model = added.save(content)
        self.registry.refresh()
        return Addition(model, prepared.repairs, (f"{model.id} meant {meant} before",) if meant else ())

    def _check_free(self, prepared: Prepared) -> None:
        source, model = prepared.published.source, prepared.id
        if self.alias is not None and (holder := self._others(model).get(self.alias)):
            raise SpecError(
                f"{source}: the name {self.alias!r} is that of another model, {holder}; choose another alias"
            )
        if self.replace:
            return
        if meant := self._meant(model):
            raise SpecError(
                f"{source}: the name {model} is taken, it means {meant}; --replace (in Python: replace=True) "
                "makes it mean this model"
            )
        if earlier := self._earlier(model):
            taken = f"{earlier.origin} on {earlier.date}"
        elif claimant := self.registry.claimant(model):
            taken = f"offered by {claimant}"
        else:
            return
        raise SpecError(
            f"{source}: the model {model} is there already, {taken}; "
            "--replace (in Python: replace=True) takes its place"
        )

    def _earlier(self, model: str) -> AddedModel | None:
        """Return the added model of this id."""
        found = self.registry.added(model)
        return found if found is not None and found.id == model else None

    def _meant(self, model: str) -> str | None:
        """Say what a model id meant up to now, where it is another model's alias."""
        if self.registry.added(model) is None and self.registry.claimant(model) is None:
            return None
        return self._others(model).get(model)

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
        # What this run has prepared need not be written yet.
        return {*self._others(model), *(self._seen.keys() - {model})}

    def _others(self, model: str) -> dict[str, str]:
        """Return the names of all models but this, and what they mean."""
        summaries = [summary for summary in self.registry.summaries() if summary.id != model]
        return {
            name: f"{summary.id} ({summary.origin})"
            for summary in summaries
            for name in (summary.id, *summary.aliases)
        }


@contextlib.contextmanager
def _errors_of(source: str) -> Iterator[None]:
    """Make whatever a document brings about an error that names it, so that the others can go on."""
    try:
        yield
    except KieError:
        raise
    except RecursionError as error:
        raise SpecError(f"{source}: the document is nested too deeply, or refers to itself") from error
    except Exception as error:
        logger.debug("the traceback", exc_info=True)
        said = f"{source}: {type(error).__name__}: {error}. This is a bug, and not of the page"
        raise KieError(f"{said}; KIE_LOG=debug shows more. The model is not added.") from error


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
