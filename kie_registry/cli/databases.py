"""The database that several machines share: how commands are told of it, and what they need for it."""

from __future__ import annotations

import os

import click

from kie_registry.errors import ConfigurationError

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
    try:
        import procrastinate  # noqa: F401
        import psycopg_pool  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            f"batches in a database need {error.name or error}, which cannot be imported: pip install "
            "'kie-registry[batch]'"
        ) from error
    return url
