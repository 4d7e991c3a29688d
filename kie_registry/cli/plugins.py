"""`kie plugins`: list what installed distributions offer, and make a distribution from pages."""

from __future__ import annotations

import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from kie_registry.cli import output
from kie_registry.cli.options import sources_argument
from kie_registry.cli.spec_add import Reading

_SHOWN = 3


@output.with_json
@click.group(invoke_without_command=True)
@click.pass_context
def plugins_command(context: click.Context, *, as_json: bool) -> None:
    """List the plugins that are installed, or make a new one."""
    if context.invoked_subcommand is None:
        _show_plugins(as_json=as_json)


@output.with_json
@plugins_command.command("list")
def list_plugins(*, as_json: bool) -> None:
    """List the distributions that offer models, what they offer, and whether it loads."""
    _show_plugins(as_json=as_json)


@plugins_command.command("new")
@sources_argument
@click.option("--name", required=True, help="The name of the distribution, such as kie-flux.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The directory to make, or an empty one; default: one of that name.",
)
def new_plugin_command(sources: tuple[str, ...], *, name: str, out: Path | None) -> int:
    """Make a plugin of the models of SOURCES: a distribution of its own, ready to publish.

    A SOURCE is a documentation page, an OpenAPI file, a folder of them, an address, a model id, or - for
    standard input. Needs the extra codegen.
    """
    from kie_registry.specs.plugins import new_plugin

    reading = Reading(sources)
    today = datetime.datetime.now(tz=datetime.UTC).date()
    plugin = new_plugin(
        reading.documents(), name=name, out=out or Path(name), today=today, on_failure=reading.refuse
    )
    output.show(str(plugin.directory))
    for model in plugin.models:
        output.note(f"  {model}")
    output.note(f"Next: pip install --editable '{plugin.directory}[test]' && pytest {plugin.directory}")
    return 1 if reading.failed else 0


def _show_plugins(*, as_json: bool) -> None:
    plugins = _installed()
    if as_json:
        output.show_json(plugins)
        return
    rows = [
        (each["name"], each["version"], _some(each["models"]), "; ".join(each["problems"]) or "loads")
        for each in plugins
    ]
    output.table(("PLUGIN", "VERSION", "MODELS", "STATE"), rows)


def _some(models: list[str]) -> str:
    left = len(models) - _SHOWN
    return ", ".join(models[:_SHOWN]) + (f" and {left} more" if left > 0 else "")


def _installed() -> list[dict[str, Any]]:
    """Return what each distribution offers, in the order of their names."""
    from kie_registry import discovery
    from kie_registry.registry import Registry

    registry = Registry()
    problems = registry.problems()
    entries = [entry for group in (discovery.MODELS, discovery.PLUGINS) for entry in discovery.find(group)]
    summaries = registry.summaries()
    plugins = []
    for name in sorted({entry.distribution for entry in entries}):
        own = [entry for entry in entries if entry.distribution == name]
        origins = {entry.origin for entry in own}
        plugins.append(
            {
                "name": name,
                "version": _version(name),
                "modules": sorted({entry.module for entry in own}),
                "models": [summary.id for summary in summaries if summary.origin in origins],
                "problems": [str(each) for each in problems if any(origin in each.plugin for origin in origins)],
            }
        )
    return plugins


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
