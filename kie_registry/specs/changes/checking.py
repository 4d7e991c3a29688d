"""Check the vendored specs against newer pages, or against the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from kie_registry.errors import KieError, NotAModel, SpecError
from kie_registry.specs.changes.editions import ModelChanges, check, find_models, gone
from kie_registry.specs.prepare import Prepared, prepare
from kie_registry.specs.vendor import read_sources


@frozen
class Newer:
    """The newer documents that the vendored ones are checked against.

    Attributes:
        models: The model id -> its pages.
        complete: Whether a model without one is gone, rather than not asked for.
        problems: What could not be read, and why.
        unknown: The vendored models of which nothing can be said for a problem.
    """

    models: Mapping[str, tuple[Prepared, ...]]
    complete: bool
    problems: tuple[str, ...] = ()
    unknown: frozenset[str] = frozenset()


def from_pages(pages: str, specs: Path) -> Newer:
    """Return the documents in a file or a folder; a model without a page in a folder is gone.

    Raises:
        NotAModel: It holds no page of a model.
        KieError: It cannot be read.
    """
    models = find_models(pages, specs)
    if not models.by_id and not models.problems:
        raise NotAModel(f"{pages}: no page in it describes a model, so there is nothing to compare with")
    return Newer(models.by_id, complete=Path(pages).is_dir(), problems=models.problems)


def from_catalog(specs: Path) -> Newer:
    """Return what the catalog says of each vendored model.

    Raises:
        KieError: The catalog cannot be asked.
    """
    from kie_registry.specs.catalog import fetch_document

    found: dict[str, tuple[Prepared, ...]] = {}
    problems, unknown = [], set()
    for source in read_sources(specs).values():
        try:
            found[source.model] = (prepare(fetch_document(source.model)),)
        except SpecError as error:
            if _is_in_catalog(source.model):
                problems.append(str(error))
                unknown.add(source.model)
    return Newer(found, complete=True, problems=tuple(problems), unknown=frozenset(unknown))


def _is_in_catalog(model: str) -> bool:
    """Whether the catalog lists a model, of which it may have no document, or a broken one."""
    from kie_registry.specs.catalog import search_catalog

    return any(entry.id == model for entry in search_catalog(model.rpartition("/")[2]))


def check_against(newer: Newer, specs: Path) -> tuple[list[ModelChanges], list[str], int]:
    """Compare each vendored model with its newer document.

    Returns what changed in each, what could not be compared, and how many newer documents are of models that
    are not vendored.

    Raises:
        SpecError: Nothing is vendored in `specs`, or nothing of it is among the newer documents.
    """
    sources = read_sources(specs)
    if not sources:
        raise SpecError(f"{specs}: no specs are vendored here: there is no sources.toml, or nothing in it")
    found, problems = [], list(newer.problems)
    for slug, source in sorted(sources.items()):
        if source.model in newer.models:
            try:
                found.append(check(specs, slug, newer.models[source.model]))
            except KieError as error:
                problems.append(str(error))
        elif newer.complete and source.model not in newer.unknown:
            found.append(gone(source.model, source.title))
    models = {source.model for source in sources.values()}
    not_vendored = len(set(newer.models) - models)
    if not found and not problems:
        raise SpecError(f"none of the {not_vendored} models in these pages is vendored in {specs}")
    return found, problems, not_vendored
