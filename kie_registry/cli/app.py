"""The commands of `kie`. Each lives in a module of its own, imported when it is called.

Plugins are loaded only where they may matter: for help, and for a command that is none of ours.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping

import click

from kie_registry._version import __version__

_COMMANDS = {
    "generate": ("kie_registry.cli.generate", "Generate with a model and save the files."),
    "models": ("kie_registry.cli.models", "List the models, show one, or add your own from their pages."),
    "batch": ("kie_registry.cli.batch", "Generate all that a file names, on this machine or on many."),
    "worker": ("kie_registry.cli.worker", "See to the jobs that were put into a database."),
    "task": ("kie_registry.cli.task", "List, show, wait for or settle what was submitted."),
    "collect": ("kie_registry.cli.collect", "Wait for and save everything submitted and not collected."),
    "credits": ("kie_registry.cli.account", "Print the balance of the account."),
    "upload": ("kie_registry.cli.account", "Upload files and print their URLs."),
    "webhook": ("kie_registry.cli.webhook", "Take callbacks, which tell at once that a task has ended."),
    "sandbox": ("kie_registry.cli.sandbox", "Serve a local kie.ai, for trials and tests."),
    "plugins": ("kie_registry.cli.plugins", "List the installed plugins, or make one from pages."),
    "specs": ("kie_registry.cli.specs", "Vendor specs and generate their clients."),
}


class _LazyGroup(click.Group):
    """A group that imports a command's module when the command is called, and lists without importing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_COMMANDS, *_of_plugins(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return _of_plugins(ctx).get(cmd_name)
        command = getattr(importlib.import_module(_COMMANDS[cmd_name][0]), f"{cmd_name}_command")
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _COMMANDS and args[0] not in _of_plugins(ctx):
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if near:
                ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])
        added = {name: command for name, command in _of_plugins(ctx).items() if not command.hidden}
        if added:
            with formatter.section("Commands of plugins"):
                formatter.write_dl([(name, command.get_short_help_str(70)) for name, command in added.items()])


def _of_plugins(ctx: click.Context) -> Mapping[str, click.Command]:
    """Return the commands that plugins add, found once for each run."""
    key = "kie_registry.plugin_commands"
    if key not in ctx.meta:
        from kie_registry.cli import plugin_commands

        ctx.meta[key] = plugin_commands.find(_COMMANDS)
    found: Mapping[str, click.Command] = ctx.meta[key]
    return found


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="kie-registry")
def app() -> None:
    """Generate images, video and audio with any kie.ai model.

    The key comes from KIE_API_KEY; get one at https://kie.ai/api-key. For a trial without a key, run
    `kie sandbox` in another terminal and set what it prints.
    """
