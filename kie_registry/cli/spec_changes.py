"""`kie specs diff` and `kie specs check`: what changed in the pages of models.

Both exit with 0 where nothing of consequence changed, with 1 where something did (``--fail-on`` says what counts),
and with 2 where a page could not be read.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from attrs import asdict

from kie_registry.cli import output
from kie_registry.cli.options import specs_option
from kie_registry.cli.touched import Touched, touched
from kie_registry.specs.changes.editions import ModelChanges
from kie_registry.specs.changes.findings import KINDS

_FAIL_ON = click.option(
    "--fail-on",
    type=click.Choice(KINDS),
    default="widening",
    show_default=True,
    help="Exit with 1 if there is a change of this kind, or a graver one.",
)
_COLOURS = {"breaking": "red", "widening": "yellow", "wording": "bright_black"}


@output.with_json
@click.command("diff")
@click.argument("old")
@click.argument("new")
@specs_option
@_FAIL_ON
@click.pass_context
def diff_pages(context: click.Context, old: str, new: str, specs: Path, fail_on: str, *, as_json: bool) -> None:
    """Tell what changed for a caller from OLD to NEW.

    Each is a page or an OpenAPI document, a folder of them (matched by model id), the address of one, or a
    vendored model, by its slug or id.
    """
    from kie_registry.specs.changes.editions import differ, find_models

    before, after = find_models(old, specs), find_models(new, specs)
    problems = [*before.problems, *after.problems]
    _report(context, list(differ(before, after)), problems, {}, fail_on, as_json=as_json)


@output.with_json
@click.command("check")
@click.argument("pages", required=False)
@specs_option
@_FAIL_ON
@click.pass_context
def check_specs(context: click.Context, pages: str | None, specs: Path, fail_on: str, *, as_json: bool) -> None:
    """Compare the vendored specs with newer PAGES: a file, a folder, or without it kie.ai's catalog.

    Overlays are applied to both sides; those that no longer correct anything are named. The catalog is asked for
    one model each second.
    """
    from kie_registry.specs.changes.checking import check_against, from_catalog, from_pages

    newer = from_catalog(specs) if pages is None else from_pages(pages, specs)
    found, problems, not_vendored = check_against(newer, specs)
    _report(context, found, problems, {"not_vendored": not_vendored}, fail_on, as_json=as_json)


def _report(
    context: click.Context,
    found: Sequence[ModelChanges],
    problems: Sequence[str],
    counted: dict[str, int],
    fail_on: str,
    *,
    as_json: bool,
) -> None:
    changed = [each for each in found if each]
    if as_json:
        output.show_json(
            {
                "models": [_as_dict(each) for each in changed],
                "unchanged": len(found) - len(changed),
                **counted,
                "problems": list(problems),
            }
        )
    else:
        for each in changed:
            _show(each)
        output.show(_summary(found, counted))
    for problem in problems:
        output.note(f"Not compared: {problem}")
    context.exit(_status(changed, problems, fail_on))


def _status(changed: Sequence[ModelChanges], problems: Sequence[str], fail_on: str) -> int:
    grave = KINDS[: KINDS.index(fail_on) + 1]
    of_consequence = any(change.kind in grave for each in changed for change in each.changes)
    # An overlay that no longer fits stops the next generation, whatever else changed.
    stale = fail_on != "breaking" and any(each.overlays for each in changed)
    if of_consequence or stale:
        return 1
    return 2 if problems else 0


def _as_dict(each: ModelChanges) -> dict[str, Any]:
    return {
        "model": each.model,
        "title": each.title,
        "changes": [asdict(change) for change in each.changes],
        "overlays": list(each.overlays),
        "adapters": [asdict(adapter) for adapter in touched(each.model, each.changes)],
    }


def _show(each: ModelChanges) -> None:
    output.show(f"  ({each.title})", start=each.model, bold=True)
    for change in each.changes:
        sentence = f"{change.sentence} (`{change.common}` here)" if change.common else change.sentence
        _line(change.kind, sentence, _COLOURS[change.kind])
    for note in each.overlays:
        _line("overlay", note, "yellow")
    for adapter in touched(each.model, each.changes):
        _line("touches", _adapter(adapter), "cyan")
    output.show("")


def _adapter(adapter: Touched) -> str:
    where = adapter.file or "built from its contract"
    fields = f": {', '.join(adapter.fields)}" if adapter.fields else ""
    return f"{adapter.adapter} ({where}){fields}"


def _line(label: str, text: str, colour: str) -> None:
    """Show a line: in full where it is piped, wrapped on a terminal."""
    start = f"  {label:<8}  "
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    whole = text if width < 40 else textwrap.fill(text, width - len(start), break_on_hyphens=False)
    lines = textwrap.indent(whole, " " * len(start))[len(start) :]
    output.show(lines, start=start, colour=colour)


def _summary(found: Sequence[ModelChanges], counted: dict[str, int]) -> str:
    kinds = [change.kind for each in found for change in each.changes]
    changes = ", ".join(f"{kinds.count(kind)} {kind}" for kind in KINDS if kind in kinds)
    number = len([each for each in found if each.changes])
    of_models = f"{len(found)} {'model' if len(found) == 1 else 'models'}"
    said = f"{number} of {of_models} changed: {changes}" if changes else f"nothing changed in {of_models}"
    more = "".join(f"; {count} not vendored" for count in counted.values() if count)
    return said + more
