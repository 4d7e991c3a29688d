"""How the queue's database is connected to, and what it finds wrong, in plain words."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from kie_registry.errors import ConfigurationError, LedgerError
from kie_registry.frames import empty_frames
from kie_registry.ledger.postgres_address import is_address, password_in, shown
from kie_registry.ledger.postgres_ways_out import way_out

_CONNECT_TIMEOUT = 10

# What these say is said by us, once and in plain words.
_LOUD = ("procrastinate", "psycopg.pool")


def conninfo(url: str, *schemas: str) -> str:
    """Return how to connect to a database so that names are looked up in these schemas.

    Raises:
        ConfigurationError: It is no address of a PostgreSQL database, or a package is missing.
    """
    if not is_address(url):
        raise ConfigurationError(f"{shown(url)!r} is no database: it takes postgresql://user:password@host/name")
    try:
        from psycopg import ProgrammingError, conninfo
    except ImportError:
        raise ConfigurationError(
            "a queue in PostgreSQL needs psycopg and procrastinate: pip install 'kie-registry[batch]'"
        ) from None
    try:
        given = conninfo.conninfo_to_dict(url)
        options = f"{given.pop('options', '')} -c search_path={','.join(schemas)}".strip()
        given.setdefault("connect_timeout", _CONNECT_TIMEOUT)
        return conninfo.make_conninfo("", **{**given, "options": options})
    except ProgrammingError as error:
        raise ConfigurationError(f"{shown(url)} is no database: {without_password(url, error)}") from None


@contextlib.contextmanager
def connecting(url: str) -> Iterator[None]:
    """Turn what PostgreSQL finds wrong within it into a LedgerError that says what to do."""
    import psycopg
    from procrastinate.exceptions import ConnectorException

    try:
        yield
    except (psycopg.Error, ConnectorException) as error:
        empty_frames(error)
        found = error if isinstance(error, psycopg.Error) else error.__cause__
        code = found.sqlstate if isinstance(found, psycopg.Error) else None
        reason = without_password(url, found or error)
        raise LedgerError(f"The queue in {shown(url)}: {reason}. {way_out(code, reason)}") from None


def without_password(url: str, error: BaseException) -> str:
    """Return the first line of what an error says, without the password."""
    words = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    password = password_in(url)
    return words.replace(password, "...") if password else words


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the lines of procrastinate and of its connections from the log, unless somebody asked for them."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    asked = [logger for logger in loggers if logger.level == logging.NOTSET]
    for logger in asked:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger in asked:
            logger.setLevel(logging.NOTSET)
