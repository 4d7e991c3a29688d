"""`kie credits` and `kie upload`."""

from __future__ import annotations

import click

from kie_registry.cli import output


@output.with_json
@click.command()
def credits_command(*, as_json: bool) -> None:
    """Print the balance of the account, in credits (1 credit = 0.005 USD)."""
    from kie_registry.client import Kie

    with Kie() as kie:
        balance = kie.credits()
    if as_json:
        output.show_json({"credits": balance})
    else:
        output.show(f"{balance:g}")


@output.with_json
@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def upload_command(files: tuple[str, ...], *, as_json: bool) -> None:
    """Upload files and print their URLs, which are valid for a day at least."""
    from kie_registry.client import Kie

    with Kie() as kie:
        addresses = {file: kie.upload(file) for file in files}
    if as_json:
        output.show_json([{"file": file, "url": address} for file, address in addresses.items()])
        return
    for file in files:
        output.show(addresses[file])
