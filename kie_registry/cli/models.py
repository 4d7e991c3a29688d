"""`kie models`, and `kie models show`."""

from __future__ import annotations

from typing import Any

import click
from attrs import asdict

from kie_registry.cli import output
from kie_registry.cli.own_models import add_models, remove_models, repair_lines
from kie_registry.cli.search import search_models
from kie_registry.description import ModelInfo, ParameterInfo
from kie_registry.registry import default_registry


@output.with_json
@click.group(invoke_without_command=True)
@click.pass_context
def models_command(context: click.Context, *, as_json: bool) -> None:
    """List the models, show one, or add your own from their documentation pages."""
    if context.invoked_subcommand is not None:
        return
    summaries = default_registry().summaries()
    if as_json:
        output.show_json([asdict(summary) for summary in summaries])
        return
    rows = [(each.id, ", ".join(each.aliases), each.output, each.title, each.origin) for each in summaries]
    output.table(("MODEL", "ALSO", "MAKES", "TITLE", "FROM"), rows)
    for problem in default_registry().added_problems():
        output.fail(str(problem))


models_command.add_command(add_models)
models_command.add_command(remove_models)
models_command.add_command(search_models)


@output.with_json
@models_command.command("show")
@click.argument("model")
@click.option("-v", "--verbose", is_flag=True, help="Show what was repaired in the document of an added model.")
def show_model(model: str, *, verbose: bool, as_json: bool) -> None:
    """Show the parameters of MODEL, with types, choices, defaults and limits."""
    info = default_registry().describe(model)
    own = _own(info)
    if as_json:
        output.show_json({**info.as_dict(), **({"added": own} if own else {})})
        return
    output.show(f"{info.title}  ({info.id})")
    for line in _facts(info):
        output.show(line)
    if own:
        output.show(f"Added on: {own['date']}, from {own['source']}")
        output.show(f"Kept in: {own['file']}")
    output.show("")
    rows = [
        (parameter.name, parameter.native, _kind(parameter), _need(parameter), _values(parameter))
        for parameter in info.parameters
    ]
    output.table(("PARAMETER", "AT KIE.AI", "TYPE", "DEFAULT", "VALUES AND LIMITS"), rows)
    if own and verbose:
        output.show("\nRepaired in its document:")
        for line in repair_lines((repair["rule"], repair["places"]) for repair in own["repairs"]):
            output.show(f"  {line}")


def _own(info: ModelInfo) -> dict[str, Any] | None:
    """Return where an added model comes from; None for another's."""
    model = default_registry().added(info.id)
    if model is None or model.origin != info.origin:
        return None
    from kie_registry import added

    kept = added.load(model.path)
    told = {key: kept[key] for key in ("source", "date", "sha256", "replaces", "repairs")}
    return {"file": str(model.path), **told}


def _facts(info: ModelInfo) -> list[str]:
    facts = [info.summary, f"Makes: {info.output}", f"From: {info.origin}"]
    if info.aliases:
        facts.insert(1, f"Also called: {', '.join(info.aliases)}")
    return [fact for fact in facts if fact]


def _kind(parameter: ParameterInfo) -> str:
    return f"list of {parameter.type}s" if parameter.many else parameter.type


def _need(parameter: ParameterInfo) -> str:
    if parameter.required:
        return "required"
    return "" if parameter.default is None else output.as_text(parameter.default)


def _values(parameter: ParameterInfo) -> str:
    choices = " ".join(output.as_text(choice) for choice in parameter.choices)
    deprecated = "deprecated" if parameter.deprecated else ""
    return "; ".join(part for part in (choices, *parameter.limits, deprecated) if part)
