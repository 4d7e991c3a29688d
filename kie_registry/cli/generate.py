"""`kie generate MODEL`: a command made from the model's own parameters."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from kie_registry.cli import output
from kie_registry.cli.jobs import open_client
from kie_registry.cli.options import DIRECTORY, LEDGER_FILE, LEDGER_HELP
from kie_registry.cli.output_files import check_output
from kie_registry.cli.progress import Progress
from kie_registry.description import ModelInfo, ParameterInfo
from kie_registry.flows.submit import Destination
from kie_registry.ledger.opening import with_ledger
from kie_registry.registry import default_registry
from kie_registry.vocabulary import OTHER_NUMBER

_OUT = click.Option(
    ["--out", "-o"],
    type=DIRECTORY,
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
    click.Option(["--ledger"], type=LEDGER_FILE, metavar="FILE", help=LEDGER_HELP),
)
_OWN_FLAGS = frozenset({"--json", "--help"}.union(*(option.opts for option in _COMMON)))


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

    def get_help(self, ctx: click.Context) -> str:
        return output.visible(super().get_help(ctx))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in self.list_commands(ctx) if name.startswith(incomplete)]


class _ModelCommand(click.Command):
    """The command of one model, whose help has words of the page that the model is from."""

    def get_help(self, ctx: click.Context) -> str:
        return output.visible(super().get_help(ctx))


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
    options = _options(info.parameters)
    arguments: list[click.Parameter] = []
    if any(parameter.name == "prompt" for parameter in info.parameters):
        arguments.append(click.Argument(["prompt"], required=False))

    def callback(**values: Any) -> None:
        given = {
            parameter.name: _one_or_all(option, parameter, texts)
            for option, parameter in zip(options, info.parameters, strict=True)
            if (texts := values.pop(str(option.name)))
        }
        _generate(name, given, **values)

    return _ModelCommand(
        name,
        callback=callback,
        params=[*arguments, *options, *_COMMON, output.json_flag()],
        help=f"{info.title} ({info.id}).\n\n{info.summary}",
        short_help=info.title,
    )


def _options(parameters: Sequence[ParameterInfo]) -> list[click.Option]:
    """Return an option for each parameter, in order; none hides another, or an option of our own."""
    names = {parameter.name for parameter in parameters}
    taken = set(_OWN_FLAGS)
    flags = [_free_flag(parameter.name, taken) for parameter in parameters]
    options = []
    for at, (parameter, flag) in enumerate(zip(parameters, flags, strict=True)):
        declarations = [flag]
        other = OTHER_NUMBER.get(parameter.name)
        if parameter.type == "file" and other is not None and other not in names:
            declarations.append(_free_flag(other, taken))
        own = _flag(parameter.native)
        native = [] if own in taken else [own]
        taken.update(native)
        options.append(_option(parameter, f"parameter_{at}", [*sorted(declarations), *native]))
    return options


def _flag(name: str) -> str:
    plain = re.sub(r"[\W_]+", "-", name).strip("-") or "parameter"
    return f"--{plain}"


def _free_flag(name: str, taken: set[str]) -> str:
    """Return the flag for a name, and note that it is taken now."""
    flag = _flag(name)
    plain = flag.removeprefix("--")
    for number in itertools.count(1):
        if flag not in taken:
            break
        flag = f"--input-{plain}" if number == 1 else f"--input-{plain}-{number}"
    taken.add(flag)
    return flag


def _option(parameter: ParameterInfo, destination: str, flags: Sequence[str]) -> click.Option:
    choices = parameter.choices or (("true", "false") if parameter.type == "boolean" else ())
    # A switch alone turns it on; without this it would take the next option for its value.
    alone: dict[str, Any] = {"is_flag": False, "flag_value": "true"} if parameter.type == "boolean" else {}
    # All may be repeated as far as click is concerned: it would quietly take the last of several values.
    return click.Option(
        [*flags, destination],
        multiple=True,
        metavar=_metavar(parameter),
        help=_help(parameter),
        shell_complete=_complete_file if parameter.file_kind else _completer(choices),
        **alone,
    )


def _one_or_all(option: click.Option, parameter: ParameterInfo, texts: Sequence[str]) -> str | list[str]:
    """Return the one text, which may be a whole list as JSON, or the list of several."""
    if len(texts) == 1:
        return texts[0]
    if not parameter.many and parameter.type != "file":
        raise click.UsageError(f"{option.opts[0]} takes one value, and is given {len(texts)} times")
    return list(texts)


def _complete_file(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]


def _completer(choices: Iterable[Any]) -> Any:
    return lambda _context, _parameter, incomplete: [
        str(choice) for choice in choices if str(choice).startswith(incomplete)
    ]


def _metavar(parameter: ParameterInfo) -> str:
    if parameter.file_kind:
        return "PATH|URL" if parameter.file_kind == "file" else f"{parameter.file_kind.upper()}-PATH|URL"
    if parameter.choices and len(parameter.choices) <= 5:
        return "|".join(str(choice) for choice in parameter.choices)
    named = {"string": "TEXT", "boolean": "true|false", "object": "JSON", "array": "JSON", "any": "VALUE"}
    return "|".join(named.get(kind, kind.upper()) for kind in parameter.type.split(" or "))


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
        notes.append(f"default at kie.ai: {output.as_text(parameter.default)}")
    if parameter.many:
        notes.append("may be repeated, or one JSON list" if parameter.type == "object" else "may be repeated")
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
    ledger: Path | str | None,
    as_json: bool,
    prompt: str | None = None,
) -> None:
    given = dict(parameters)
    if prompt is not None:
        if "prompt" in given:
            raise click.UsageError("the prompt is given twice, as an argument and as --prompt")
        given["prompt"] = sys.stdin.read().strip() if prompt == "-" else prompt
    if not no_wait:
        check_output(out, name, overwrite=overwrite)
    with open_client(ledger) as kie, Progress(ledger=ledger) as progress:
        deadline_at = kie._calls.session.deadline_at(deadline)
        task = kie._submit(
            model,
            given,
            callback_url,
            deadline_at,
            progress.show,
            # Until this process has saved the files, or ends, `kie collect` leaves the task to it.
            until="submitted" if no_wait else "collected",
            destination=Destination(out, name),
        )
        if not no_wait:
            result = task._wait(deadline_at, progress.show)
            paths = result.save(out, name=name, overwrite=overwrite)
    if no_wait:
        _show_task(task.id, task.model, ledger, as_json=as_json)
    else:
        output.show_result(result, paths, as_json=as_json)


def _show_task(task_id: str, model: str | None, ledger: Path | str | None, *, as_json: bool) -> None:
    if as_json:
        output.show_json({"task_id": task_id, "model": model})
        return
    output.show(task_id)
    wait, collect = with_ledger(f"kie task wait {task_id}", ledger), with_ledger("kie collect", ledger)
    output.note(f"Collect it with: {wait}, or together with others: {collect}")
