"""`kie webhook listen`: take callbacks, until interrupted."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kie_registry.cli import output
from kie_registry.cli.options import LEDGER_FILE, LEDGER_HELP
from kie_registry.secret import Secret

if TYPE_CHECKING:
    from kie_registry.webhooks import Receipt


def _hide(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Secret | None:
    """Keep a key out of the frames of what follows."""
    return Secret.of(value)


@click.group()
def webhook_command() -> None:
    """Take callbacks, by which kie.ai tells at once that a task has ended."""


@webhook_command.command("listen")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="0 takes a free one.")
@click.option("--path", default="/", show_default=True, help="The path at which callbacks are taken.")
@click.option(
    "--key",
    callback=_hide,
    help="The account's webhook key. Better set KIE_WEBHOOK_KEY: all users of a machine see command lines.",
)
@click.option("--unsigned", is_flag=True, help="Take unsigned callbacks, of an account without a webhook key.")
@click.option("--ledger", type=LEDGER_FILE, metavar="FILE", help=LEDGER_HELP)
def listen(
    host: str, port: int, path: str, key: Secret | None, ledger: Path | str | None, *, unsigned: bool
) -> None:
    """Take callbacks until interrupted, and write down in the ledger what their tasks' records say.

    What it prints first on stdout is the address to give as --callback-url. kie.ai must be able to reach it: from
    outside, lead a public HTTPS address of yours to it. Then comes a line for each callback.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_listen(host, port, path, key, ledger, unsigned=unsigned))


async def _listen(
    host: str, port: int, path: str, key: Secret | None, ledger: Path | str | None, *, unsigned: bool
) -> None:
    from kie_registry.async_client import AsyncKie
    from kie_registry.webhooks.receiver import Receiver
    from kie_registry.webhooks.serving import serve

    def started(address: str) -> None:
        output.show(f"{address}/{path.strip('/')}")
        output.note("Taking callbacks until interrupted (Ctrl-C).")

    async with AsyncKie(ledger=ledger or True) as kie:
        receiver = Receiver(kie, key=key, unsigned=unsigned, path=path, on_receipt=_show)
        await serve(receiver, host, port, started)


def _show(receipt: Receipt) -> None:
    what = f"{receipt.task_id or '-'} {receipt.state or '-'}"
    output.show(f"{receipt.status} {what} {receipt.message}")
