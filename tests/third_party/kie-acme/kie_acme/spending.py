"""Notes what every call costs in the file that ACME_SPENDING names, and prints the sum: `kie acme-spent`."""

import os
from pathlib import Path

from kie_registry import hookimpl


def spending() -> Path:
    return Path(os.environ.get("ACME_SPENDING", "acme-spending.txt"))


@hookimpl
def after_result(status):
    with spending().open("a") as file:
        file.write(f"{status.credits or 0} {status.task_id}\n")


@hookimpl
def register_commands(cli):
    import click

    @cli.command("acme-spent")
    def acme_spent():
        """Print the credits that were spent."""
        lines = spending().read_text().splitlines()
        click.echo(f"{sum(float(line.split()[0]) for line in lines):g}")
