"""`kie batch`: many jobs, named by a file."""

from __future__ import annotations

import click

from kie_registry.cli.batch_run import run_batch


@click.group()
def batch_command() -> None:
    """Generate all that a file names, on this machine or on many, and pay for nothing twice."""


batch_command.add_command(run_batch)
