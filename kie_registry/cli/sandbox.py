"""`kie sandbox`: a local kie.ai, until interrupted."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import click

from kie_registry.cli import output


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 takes a free one.")
@click.option("--key", default="sandbox-key", show_default=True, help="The API key that is accepted.")
@click.option("--latency", type=float, default=3.0, show_default=True, help="Seconds that a task takes.")
@click.option("--failure-rate", type=float, default=0.0, show_default=True, help="Share that fails, 0 to 1.")
@click.option("--credits", type=float, default=1000.0, show_default=True, help="The balance at the start.")
@click.option("--price", type=float, default=4.0, show_default=True, help="Credits that a task costs.")
@click.option(
    "--drop-answers",
    type=float,
    default=0.0,
    show_default=True,
    help="Share of createTask answers, 0 to 1, that are lost after the task was accepted.",
)
@click.option("--rate-limit", type=int, default=20, show_default=True, help="Tasks in 10 s; 0: no limit.")
@click.option(
    "--document",
    "documents",
    type=(str, click.Path(exists=True, path_type=Path)),
    metavar="MODEL PATH",
    multiple=True,
    help="Serve one more model, after its OpenAPI document; may be repeated.",
)
@click.option("--webhook-key", help="Sign callbacks with this key.")
def sandbox_command(rate_limit: int, documents: tuple[tuple[str, Path], ...], **options: Any) -> None:
    """Serve a local kie.ai, for trials and tests, until interrupted.

    What it prints on stdout are the shell commands that lead other terminals to it.
    """
    from kie_registry.sandbox import Sandbox

    limit = (rate_limit, 10.0) if rate_limit else None
    with (
        contextlib.suppress(KeyboardInterrupt),
        Sandbox(rate_limit=limit, documents=dict(documents), **options) as box,
    ):
        output.show(f"export KIE_BASE_URL={box.url}")
        output.show(f"export KIE_UPLOAD_URL={box.url}")
        output.show(f"export KIE_API_KEY={box.key}")
        output.note("Serving until interrupted (Ctrl-C). Set the three lines above in another terminal.")
        threading.Event().wait()
