"""The database that several machines share: how commands are told of it, and what they need for it."""

from __future__ import annotations

import os

import click

from kie_registry.errors import ConfigurationError
from kie_registry.ledger.postgres_address import is_address, shown

VARIABLE = "KIE_DATABASE"

database_option = click.option(
    "--db",
    "database",
    metavar="URL",
    help=f"The database, postgresql://user:password@host/name. Better set {VARIABLE}: all users of a machine see "
    "command lines.",
)


def database_of(given: str | None) -> str:
    """Return the address of the database, from the option or the environment.

    Raises:
        ConfigurationError: Neither names one, or what a database needs is not installed.
    """
    url = given or os.environ.get(VARIABLE)
    if not url:
        raise ConfigurationError(f"no database is named: give --db postgresql://..., or set {VARIABLE}")
    if not is_address(url):
        raise ConfigurationError(
            f"--db ({VARIABLE}) is {shown(url)!r}; it takes postgresql://user:password@host/name, in which "
            "special characters of the password are encoded: @ as %40, / as %2F, : as %3A"
        )
    try:
        import procrastinate  # noqa: F401
        import psycopg_pool  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            f"batches in a database need {error.name or error}, which cannot be imported: pip install "
            "'kie-registry[batch]'"
        ) from error
    return url


def with_database(command: str) -> str:
    """Return a `kie` command, for a message, with the option that names the database where no variable does."""
    return command if os.environ.get(VARIABLE) else f"{command} --db URL"
