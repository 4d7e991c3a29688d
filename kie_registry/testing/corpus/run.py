"""Take every page of a folder the whole way."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from kie_registry.client import Kie
from kie_registry.registry import Registry
from kie_registry.specs.documents import dump_document
from kie_registry.specs.prepare import Prepared, prepare
from kie_registry.specs.published import Published, read_published
from kie_registry.specs.reading import SUFFIXES, read_file
from kie_registry.testing.corpus.checking import Report, Way
from kie_registry.testing.serving import client_options, fast_sandbox


@frozen
class _Ready:
    """A model that can be tried."""

    prepared: Prepared
    report: Report


def run_corpus(folder: Path) -> list[Report]:
    """Take every page in `folder` and below it the whole way; one report for each document, in order."""
    reports, ready = [], []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()):
        for report, prepared in _read(path, str(path.relative_to(folder))):
            reports.append(report)
            if prepared is not None:
                ready.append(_Ready(prepared, report))
    for together in _apart(ready):
        _try_all(together)
    return reports


def _read(path: Path, page: str) -> Iterator[tuple[Report, Prepared | None]]:
    report = Report(page)
    found: list[Published] = []
    if not report.attempt("read", lambda: found.extend(read_published(read_file(path), source=page))):
        yield report, None
    for published in found:
        yield _repair(Report(page), published)


def _repair(report: Report, published: Published) -> tuple[Report, Prepared | None]:
    found: list[Prepared] = []
    report.attempt("repair", lambda: found.append(prepare(published)))
    for prepared in found:
        report.model, report.makes = prepared.id, str(prepared.contract["output"])
        report.repairs = tuple(repair.rule for repair in prepared.repairs)
    return report, found[0] if found else None


def _apart(ready: Iterable[_Ready]) -> list[list[_Ready]]:
    """Return groups in which no two models have the same id: editions of one model cannot be served at once."""
    groups: list[dict[str, _Ready]] = []
    for each in ready:
        group = next((group for group in groups if each.prepared.id not in group), None)
        if group is None:
            groups.append(group := {})
        group[each.prepared.id] = each
    return [list(group.values()) for group in groups]


def _try_all(together: list[_Ready]) -> None:
    """Add models to a home of their own, serve them, and take each the rest of the way."""
    with tempfile.TemporaryDirectory() as name, _home(Path(name) / "home"):
        directory = Path(name)
        registry = Registry()
        added = [each for each in together if each.report.attempt("add", functools.partial(_add, registry, each))]
        documents = {each.prepared.id: _document(each.prepared, directory) for each in added}
        with (
            fast_sandbox(latency=0, credits=1e9, documents=documents) as box,
            Kie(box.key, registry=registry, **client_options(box)) as kie,
        ):
            for each in added:
                Way(each.prepared, each.report, box, kie, directory / "results").go()


def _add(registry: Registry, each: _Ready) -> None:
    from kie_registry.adding import Adding

    Adding(registry, replace=True).add(each.prepared.published)


def _document(prepared: Prepared, directory: Path) -> Path:
    # Two ids may have one short name.
    path = directory / f"{prepared.published.sha256}.yaml"
    path.write_text(dump_document(prepared.document), "utf-8")
    return path


@contextlib.contextmanager
def _home(path: Path) -> Iterator[None]:
    before = os.environ.get("KIE_HOME")
    os.environ["KIE_HOME"] = str(path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["KIE_HOME"]
        else:
            os.environ["KIE_HOME"] = before
