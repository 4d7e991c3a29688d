"""What the commands around batches have in common: the manifest, and what holds for all its lines."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from kie_registry.cli.batch_problems import folded
from kie_registry.errors import ConfigurationError, InvalidRequest

_ARGUMENT = click.argument("manifest", metavar="FILE")
_OPTIONS = (
    click.option("--model", metavar="MODEL", help="The model of lines that name none."),
    click.option(
        "--set",
        "settings",
        metavar="NAME=VALUE",
        multiple=True,
        help="A parameter of lines that say nothing else; may be repeated, with the same NAME for a list. "
        "`kie models show MODEL` lists the names. Paths begin in the folder of FILE.",
    ),
    click.option("--skip-invalid", is_flag=True, help="Leave out lines that are wrong, and send the others."),
)


def manifest_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the manifest, and what says how to read it; many lines with one mistake are told as one."""

    @functools.wraps(function)
    def told(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except InvalidRequest as error:
            error.args = (folded(error),)
            raise

    command: Callable[..., Any] = told
    for option in reversed(_OPTIONS):
        command = option(command)
    return _ARGUMENT(command)


def check_manifest(manifest: str) -> None:
    """Raise ConfigurationError where a manifest is none before it is looked into."""
    if manifest == "-":
        raise ConfigurationError(
            "FILE is -, and a manifest is read again whenever its batch goes on, which standard input cannot be; "
            "write it to a file. Nothing was sent."
        )
    if Path(manifest).is_dir():
        raise ConfigurationError(
            f"FILE is {manifest}, a folder; name the file of the jobs in it. Nothing was sent."
        )


def defaults_of(model: str | None, settings: Sequence[str]) -> dict[str, Any]:
    """Return what holds for all lines; ends the command where it cannot be made out."""
    given: dict[str, list[str]] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        name = name.strip()
        if not equals or not name:
            raise click.UsageError(f"--set {setting}: it takes NAME=VALUE, such as --set aspect_ratio=16:9")
        if name == "model":
            raise click.UsageError(f"--set {setting}: the model is given as --model {value}")
        if name in ("id", "name"):
            raise click.UsageError(f"--set {setting}: {name} is one line's own, and stands in the file")
        given.setdefault(name, []).append(value)
    parameters: dict[str, Any] = {
        name: values[0] if len(values) == 1 else values for name, values in given.items()
    }
    return parameters if model is None else {**parameters, "model": model}
