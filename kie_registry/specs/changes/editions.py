"""Two editions of many models: what they are read from, how they are matched, and what changed in each."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import evolve, field, frozen

from kie_registry.errors import KieError, SpecError
from kie_registry.specs.changes.compare import Change, Kind, compare
from kie_registry.specs.changes.findings import as_json
from kie_registry.specs.contracts import build_contract
from kie_registry.specs.documents import Json
from kie_registry.specs.overlays import apply_overlay, read_overlay
from kie_registry.specs.prepare import Prepared, prepare
from kie_registry.specs.published import Published, read_published
from kie_registry.specs.reading import Outcome, read_sources
from kie_registry.specs.vendor import read_sources as read_provenance


@frozen
class Models:
    """The models that were found in one place.

    Attributes:
        by_id: Model id -> its pages; kie.ai documents some models on two.
        problems: What could not be read, and why.
    """

    by_id: Mapping[str, tuple[Prepared, ...]]
    problems: tuple[str, ...] = ()


@frozen
class ModelChanges:
    """What changed in one model.

    Attributes:
        model: The model id, in the earlier edition.
        title: The title of its page.
        changes: The changes, the gravest first.
        overlays: What is to be seen to in its overlay.
    """

    model: str
    title: str
    changes: tuple[Change, ...] = ()
    overlays: tuple[str, ...] = field(default=())

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.changes or self.overlays)


def find_models(source: str, specs: Path) -> Models:
    """Read every model of a file, a folder or an address, or one that is vendored in `specs` by slug or id.

    Pages of something else in a folder are passed over.

    Raises:
        KieError: `source` was named itself, and cannot be read.
    """
    if not Path(source).exists() and (slug := _slug(source, specs)):
        model = vendored(specs, slug)
        return Models({model.id: (model,)})
    return _gather(read_sources([source]))


def _slug(name: str, specs: Path) -> str | None:
    provenance = read_provenance(specs)
    return next((slug for slug, known in provenance.items() if name in (slug, known.model)), None)


def _gather(outcomes: Iterable[Outcome]) -> Models:
    found: dict[str, tuple[Prepared, ...]] = {}
    problems: list[str] = []
    for outcome in outcomes:
        if outcome.error is not None:
            if outcome.named:
                raise outcome.error
            if not outcome.skipped:
                problems.append(str(outcome.error))
        for published in outcome.published:
            _keep(published, found, problems, named=outcome.named)
    return Models(found, tuple(problems))


def _keep(
    published: Published, found: dict[str, tuple[Prepared, ...]], problems: list[str], *, named: bool
) -> None:
    try:
        model = prepare(published)
    except SpecError as error:
        if named:
            raise
        if not Outcome("", error=error, named=False).skipped:
            problems.append(str(error))
        return
    found[model.id] = (*found.get(model.id, ()), model)


def vendored(specs: Path, slug: str) -> Prepared:
    """Return a vendored model as its page says it is, without its overlay.

    Raises:
        NotAModel: It describes the endpoints that all models share.
        SpecError: It cannot be used; the file is named.
    """
    path = specs / f"{slug}.yaml"
    try:
        (published,) = read_published(path.read_bytes(), source=str(path))
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}") from error
    known = read_provenance(specs).get(slug)
    if known:
        published = evolve(published, title=known.title, page=known.page)
    return prepare(published, slug=slug)


def differ(old: Models, new: Models) -> Iterator[ModelChanges]:
    """Compare two sets of models: by id, or with each other where each set is of one."""
    if len(old.by_id) == len(new.by_id) == 1:
        (before,), (after,) = old.by_id.values(), new.by_id.values()
        yield from _pages(before, after)
        return
    for model in sorted({*old.by_id, *new.by_id}):
        yield from _pages(old.by_id.get(model, ()), new.by_id.get(model, ()))


def _pages(old: Sequence[Prepared], new: Sequence[Prepared]) -> Iterator[ModelChanges]:
    """Compare the pages of one model; where one side has more, those left over came or went."""
    left = list(new)
    for before in old:
        if left:
            after = closest(before, left)
            left.remove(after)
            yield ModelChanges(before.id, before.title, tuple(compare(before, after)))
        elif new:
            yield _whole(before, "wording", "this page of the model is gone; there is another")
        else:
            yield gone(before.id, before.title)
    for after in left:
        if old:
            yield _whole(after, "wording", "this page of the model is new; there was another")
        else:
            yield _whole(after, "widening", "the model is new")


def closest(model: Prepared, candidates: Sequence[Prepared]) -> Prepared:
    """Return the page that is most likely the later edition of that of `model`: by place, title, file name."""

    def likeness(other: Prepared) -> tuple[bool, bool, bool]:
        here, there = model.published, other.published
        same_page = bool(here.page) and here.page == there.page
        return same_page, model.title == other.title, _file_name(here) == _file_name(there)

    return max(candidates, key=likeness)


def _file_name(published: Published) -> str:
    return Path(published.source).name.partition(":")[0]


def _whole(model: Prepared, kind: Kind, sentence: str) -> ModelChanges:
    return ModelChanges(model.id, model.title, (Change(model.id, "", "", kind, sentence),))


def gone(model: str, title: str) -> ModelChanges:
    """Return what changed for a model that there is no later edition of."""
    sentence = "the model is gone: the later edition has no page of it"
    return ModelChanges(model, title, (Change(model, "", "", "breaking", sentence),))


def check(specs: Path, slug: str, newer: Sequence[Prepared]) -> ModelChanges:
    """Compare a vendored model with the newer page of it, or the closest of several, the overlay applied to both.

    A correction is ours, and not what the page says: applied to the vendored side alone it would look as
    if the newer page had taken it back. What it corrects on the newer page no more is told beside the changes.

    Raises:
        SpecError: The page, the vendored document or the overlay cannot be used.
    """
    old = vendored(specs, slug)
    new = prepare(closest(old, newer).published, slug=slug)
    found = read_overlay(specs, slug)
    if found is None:
        return ModelChanges(old.id, old.title, tuple(compare(old, new)))
    overlay, named = found
    corrected = copy.deepcopy(old.document)
    apply_overlay(corrected, overlay, source=named)
    document, notes = _corrected(new.document, overlay, named)
    changes = compare(_with_document(old, corrected), _with_document(new, document))
    return ModelChanges(old.id, old.title, tuple(changes), tuple(notes))


def _with_document(model: Prepared, document: Json) -> Prepared:
    return evolve(model, document=document, contract=build_contract(document, slug=model.slug))


def _corrected(document: Json, overlay: Json, named: str) -> tuple[Json, list[str]]:
    """Apply what of an overlay still applies to a newer document, and say what does not, or not any more."""
    document, notes = copy.deepcopy(document), []
    for action in overlay.get("actions", ()):
        corrected = copy.deepcopy(document)
        try:
            apply_overlay(corrected, {"actions": [action]}, source=named)
        except KieError as error:
            notes.append(str(error))
            continue
        if as_json(corrected) == as_json(document):
            notes.append(f"{named}: the correction of {action['target']} changes nothing: the page says so by now")
        document = corrected
    return document, notes
