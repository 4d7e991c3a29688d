"""`kie batch`: many jobs, named by a file."""

from __future__ import annotations

import click

from kie_registry.cli.batch_results import show_results
from kie_registry.cli.batch_run import run_batch
from kie_registry.cli.batch_status import show_status
from kie_registry.cli.batch_submit import submit_manifest


@click.group()
def batch_command() -> None:
    """Generate all that a file names, on this machine or on many, and pay for nothing twice."""


for _command in (run_batch, show_status, show_results, submit_manifest):
    batch_command.add_command(_command)
