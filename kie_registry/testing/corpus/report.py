"""Say what a run over pages found: for people, and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import asdict

from kie_registry.testing.corpus.checking import Report

_HEADINGS = ("PAGE", "MODEL", "MAKES", "PARAMETERS", "LIMITS", "REPAIRS", "VERDICT")


def lines(reports: Sequence[Report]) -> Iterator[str]:
    """Yield a table, then the reasons, then the summary."""
    yield from _table([_row(report) for report in reports])
    yield from _section("Examples that a rule changed:", [(each, list(each.example)) for each in reports])
    told = [(each, [each.instead]) for each in reports if each.instead]
    yield from _section("No models:", told)
    yield from _section("Not working:", [(each, each.failures) for each in reports])
    yield ""
    yield summary(reports)


def as_data(reports: Sequence[Report]) -> dict[str, Any]:
    """Return everything as plain data, for JSON."""
    pages = [{**asdict(report), "verdict": report.verdict} for report in reports]
    working, models = _count(reports)
    dropped = sum(report.dropped for report in reports)
    return {"works": working, "models": models, "examples_dropped": dropped, "pages": pages}


def all_work(reports: Sequence[Report]) -> bool:
    """Whether there are models, and each of them works."""
    working, models = _count(reports)
    return models > 0 and working == models


def summary(reports: Sequence[Report]) -> str:
    """Return how many models work, in one line, and of how many the example was given up."""
    working, models = _count(reports)
    dropped = sum(report.dropped for report in reports)
    told = f"; {dropped} {'example' if dropped == 1 else 'examples'} dropped" if dropped else ""
    return f"{working} of {models} models work{told}"


def _count(reports: Sequence[Report]) -> tuple[int, int]:
    models = [report for report in reports if not report.instead]
    return sum(report.works for report in models), len(models)


def _row(report: Report) -> tuple[str, ...]:
    counts = (report.parameters, report.limits, len(report.repairs))
    told = ["" if report.instead else str(count) for count in counts]
    return (report.page, report.model, report.makes, *told, report.verdict)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    for row in [_HEADINGS, *rows]:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _section(heading: str, told: Sequence[tuple[Report, Sequence[str]]]) -> Iterator[str]:
    if any(reasons for _, reasons in told):
        yield ""
        yield heading
    for report, reasons in told:
        for reason in reasons:
            yield f"  {report.page}: {' '.join(reason.split())}"
