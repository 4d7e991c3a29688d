"""`kie generate MODEL`: a command made from the model's own parameters."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from kie_registry.cli import output
from kie_registry.cli.output_files import check_output
from kie_registry.cli.progress import Progress
from kie_registry.description import ModelInfo, ParameterInfo
from kie_registry.registry import default_registry

_OUT = click.Option(
    ["--out", "-o"],
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The directory for the files.  [default: the current one]",
)
_COMMON: tuple[click.Option, ...] = (
    _OUT,
    click.Option(["--name"], metavar="NAME", help="The file name, without suffix."),
    click.Option(["--overwrite"], is_flag=True, help="Replace files of the same name."),
    click.Option(["--no-wait"], is_flag=True, help="Submit, print the task id, and leave."),
    click.Option(["--deadline"], type=float, metavar="SECONDS", help="How long to wait.  [default: 900]"),
    click.Option(["--callback-url"], metavar="URL", help="Where kie.ai shall post the record at the end."),
)
_COMMON_NAMES = frozenset({"out", "name", "overwrite", "no_wait", "deadline", "callback_url", "as_json", "prompt"})


class _ModelGroup(click.Group):
    """A group whose commands are the models."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(
            name for summary in default_registry().summaries() for name in (summary.id, *summary.aliases)
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        return _command(default_registry().describe(cmd_name), cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return args[0], self.get_command(ctx, args[0]), args[1:]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _model_first(args))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(summary.id, summary.title or summary.origin) for summary in default_registry().summaries()]
        with formatter.section("Models"):
            formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in self.list_commands(ctx) if name.startswith(incomplete)]


@click.group(
    cls=_ModelGroup,
    options_metavar="",
    subcommand_metavar="MODEL [PROMPT] [OPTIONS]",
    epilog="`kie generate MODEL --help` lists the parameters of a model.",
)
def generate_command() -> None:
    """Generate with MODEL and save the files.

    PROMPT may stand anywhere among the options; `-` reads it from standard input.
    """


def _model_first(args: list[str]) -> list[str]:
    """Move the model to the front where options stand before it: `kie generate --json MODEL`."""
    flags = {"--json", "--overwrite", "--no-wait", "-h", "--help"}
    at = 0
    while at < len(args) and args[at].startswith("-") and args[at] != "-":
        attached = "=" in args[at] or (args[at].startswith("-o") and args[at] != "-o")
        takes_value = args[at] not in flags and not attached
        at += 2 if takes_value else 1
    if at == 0 or at >= len(args):
        return args
    return [args[at], *args[:at], *args[at + 1 :]]


def _command(info: ModelInfo, name: str) -> click.Command:
    parameters: list[click.Parameter] = []
    by_destination: dict[str, str] = {}
    if any(parameter.name == "prompt" for parameter in info.parameters):
        parameters.append(click.Argument(["prompt"], required=False))
    for parameter in info.parameters:
        option, destination = _option(parameter)
        parameters.append(option)
        by_destination[destination] = parameter.name

    def callback(**values: Any) -> None:
        given = {by_destination[key]: values.pop(key) for key in by_destination}
        _generate(name, given, **values)

    return click.Command(
        name,
        callback=callback,
        params=[*parameters, *_COMMON, output.json_flag()],
        help=f"{info.title} ({info.id}).\n\n{info.summary}",
        short_help=info.title,
    )


def _option(parameter: ParameterInfo) -> tuple[click.Option, str]:
    """Return the option for a parameter, and the name under which click hands over its value."""
    destination = f"parameter_{parameter.name}"
    flag = parameter.name.replace("_", "-")
    if parameter.name in _COMMON_NAMES and parameter.name != "prompt":
        flag = f"input-{flag}"
    declarations = [f"--{flag}", destination]
    if parameter.many and flag.endswith("s"):
        declarations.insert(0, f"--{flag.removesuffix('s')}")
    option = click.Option(
        declarations,
        multiple=parameter.many,
        metavar=_metavar(parameter),
        help=_help(parameter),
        shell_complete=_completer(parameter.choices),
    )
    return option, destination


def _completer(choices: Iterable[Any]) -> Any:
    return lambda _context, _parameter, incomplete: [
        str(choice) for choice in choices if str(choice).startswith(incomplete)
    ]


def _metavar(parameter: ParameterInfo) -> str:
    if parameter.type == "file":
        return "PATH|URL"
    if parameter.choices and len(parameter.choices) <= 5:
        return "|".join(str(choice) for choice in parameter.choices)
    return {"string": "TEXT", "boolean": "true|false"}.get(parameter.type, parameter.type.upper())


def _help(parameter: ParameterInfo) -> str:
    # Of what the documentation says, its limits are said again below, and a file may be local here.
    described = re.sub(r"\s*\((Max length|File URL)[^)]*\)", "", parameter.description)
    parts = [_sentence(described)]
    if len(parameter.choices) > 5:
        parts.append(f"One of {', '.join(str(choice) for choice in parameter.choices)}.")
    if parameter.limits:
        parts.append(f"Takes {'; '.join(parameter.limits)}.")
    notes = ["required"] if parameter.required else []
    if parameter.default is not None:
        notes.append(f"default at kie.ai: {parameter.default}")
    if parameter.many:
        notes.append("may be repeated")
    if parameter.native != parameter.name:
        notes.append(f"kie.ai calls it {parameter.native}")
    if parameter.deprecated:
        notes.append("deprecated")
    if notes:
        parts.append(f"[{'; '.join(notes)}]")
    return " ".join(part for part in parts if part)


def _sentence(text: str) -> str:
    return text if not text or text.endswith(".") else f"{text}."


def _generate(  # one argument for each option
    model: str,
    parameters: dict[str, Any],
    *,
    out: Path,
    name: str | None,
    overwrite: bool,
    no_wait: bool,
    deadline: float | None,
    callback_url: str | None,
    as_json: bool,
    prompt: str | None = None,
) -> None:
    from kie_registry.client import Kie

    given: dict[str, Any] = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in parameters.items()
        if value not in (None, ())
    }
    if prompt is not None:
        if "prompt" in given:
            raise click.UsageError("the prompt is given twice, as an argument and as --prompt")
        given["prompt"] = sys.stdin.read().strip() if prompt == "-" else prompt
    if not no_wait:
        check_output(out, name, overwrite=overwrite)
    with Kie() as kie, Progress() as progress:
        if no_wait:
            task = kie.submit(model, callback_url=callback_url, on_event=progress.show, **given)
        else:
            result = kie.generate(
                model, deadline=deadline, callback_url=callback_url, on_event=progress.show, **given
            )
            paths = result.save(out, name=name, overwrite=overwrite)
    if no_wait:
        _show_task(task.id, task.model, as_json=as_json)
    else:
        output.show_result(result, paths, as_json=as_json)


def _show_task(task_id: str, model: str | None, *, as_json: bool) -> None:
    if as_json:
        output.show_json({"task_id": task_id, "model": model})
        return
    output.show(task_id)
    output.note(f"Collect it with: kie task wait {task_id}")
