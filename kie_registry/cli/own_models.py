"""`kie models add` and `kie models remove`: models of the user's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict, define, field

from kie_registry.cli import output
from kie_registry.cli.options import sources_argument
from kie_registry.errors import InvalidRequest, KieError, NotAModel, Problem, SpecError
from kie_registry.registry import default_registry

if TYPE_CHECKING:
    from kie_registry.adding import Adding, Addition
    from kie_registry.specs.reading import Outcome

_SHOWN = 5
# Where nearly every place begins.
_LONG = re.compile(
    r"^\$\.paths\./api/v1/jobs/createTask\.post\.(requestBody\.content\.application/json\.schema\.properties\.)?"
)


@define
class _Report:
    """What came of a run, in the order of the sources."""

    verbose: bool
    as_json: bool
    added: list[Addition] = field(factory=list)
    skipped: list[tuple[str, str]] = field(factory=list)
    failed: list[tuple[str, str]] = field(factory=list)

    def add(self, addition: Addition) -> None:
        self.added.append(addition)
        for note in addition.notes:
            output.note(note)
        if self.as_json:
            return
        model = addition.model
        output.show("  ".join([model.id, *model.aliases, f"from {model.source}"]))
        if self.verbose:
            for line in repair_lines((repair.rule, repair.places) for repair in addition.repairs):
                output.show(f"    {line}")

    def skip(self, source: str, reason: str) -> None:
        self.skipped.append((source, reason))
        output.note(f"skipped: {reason}")

    def fail(self, source: str, error: KieError) -> None:
        self.failed.append((source, str(error)))
        output.fail(str(error))

    def as_data(self) -> dict[str, Any]:
        return {
            "added": [
                {
                    **asdict(each.model),
                    "path": str(each.model.path),
                    "repairs": [asdict(repair) for repair in each.repairs],
                    "notes": list(each.notes),
                }
                for each in self.added
            ],
            "skipped": [{"source": source, "reason": reason} for source, reason in self.skipped],
            "failed": [{"source": source, "reason": reason} for source, reason in self.failed],
        }


@output.with_json
@click.command("add")
@sources_argument
@click.option("--replace", is_flag=True, help="Take the place of models with the same ids.")
@click.option("--alias", metavar="NAME", help="One more name, where one model is added.")
@click.option("-v", "--verbose", is_flag=True, help="Show what was repaired in each document, by which rule.")
def add_models(sources: tuple[str, ...], *, replace: bool, alias: str | None, verbose: bool, as_json: bool) -> int:
    """Add models from their documentation pages or OpenAPI documents, to be used at once.

    A SOURCE is a file, a folder, an address, - for standard input, or a model id, which kie.ai's catalog is asked
    for. The models are kept in KIE_HOME; `kie models remove` removes them.
    """
    from kie_registry.adding import Adding
    from kie_registry.specs.reading import read_sources

    adding = Adding(default_registry(), replace=replace, alias=alias)
    report = _Report(verbose, as_json)
    for outcome in read_sources(sources):
        _add(outcome, adding, report)
    if as_json:
        output.show_json(report.as_data())
    elif report.failed:
        output.note(f"{len(report.added)} added, {len(report.failed)} failed, {len(report.skipped)} skipped")
    if not (report.added or report.failed):
        output.note(f"nothing was added: {len(report.skipped)} skipped, and none describes a model")
    return 0 if report.added and not report.failed else 1


def _add(outcome: Outcome, adding: Adding, report: _Report) -> None:
    if outcome.error is not None:
        _refuse(outcome, outcome.source, outcome.error, report)
    for published in outcome.published:
        try:
            addition = adding.add(published)
        except KieError as error:
            _refuse(outcome, published.source, error, report)
            continue
        if addition is None:
            report.skip(published.source, f"{published.source}: the same page was added before")
        else:
            report.add(addition)


def _refuse(outcome: Outcome, source: str, error: KieError, report: _Report) -> None:
    if isinstance(error, NotAModel) and not outcome.named:
        report.skip(source, str(error))
    else:
        report.fail(source, error)


@output.with_json
@click.command("remove")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
def remove_models(models: tuple[str, ...], *, as_json: bool) -> None:
    """Remove models that were added with `kie models add`, by id or short name."""
    from kie_registry import added

    known = {name: _own_model(name) for name in models}
    removed = {model.id: model for model in known.values()}
    for model in removed.values():
        added.remove(model)
        if not as_json:
            output.show(f"removed {model.id} ({model.path})")
    if as_json:
        output.show_json({"removed": list(removed)})


def _own_model(name: str) -> Any:
    """Return the added model of this name; say of others how to be rid of them."""
    registry = default_registry()
    if (model := registry.added(name)) is not None:
        return model
    if claimant := registry.claimant(name):
        distribution = claimant.partition(" ")[0]
        way_out = (
            "it comes with this library and cannot be removed; `kie models add --replace` takes its place"
            if distribution in ("kie-registry", "kie_generated,")
            else f"delete that file, or uninstall the distribution: pip uninstall {distribution}"
        )
        raise InvalidRequest([Problem("", f"{name} was not added by you: {claimant} offers it; {way_out}")])
    registry.get(name)
    raise SpecError(f"{name} was not added by you")


def repair_lines(repairs: Any) -> list[str]:
    """Return a line for each rule with the places that it changed; long lists are cut."""
    lines = []
    for rule, places in repairs:
        shown = "; ".join(_LONG.sub("", place) for place in places[:_SHOWN])
        more = f"; and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
        lines.append(f"{rule}: {shown}{more}")
    return lines
