"""Connections to a PostgreSQL database, as the ledger needs them.

What a connection is told at its beginning holds for all of its transactions. A pooler between, such as PgBouncer,
must therefore give each its own session: ``pool_mode = session``.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from attrs import field, frozen
from psycopg.conninfo import conninfo_to_dict

from kie_registry.errors import ConfigurationError
from kie_registry.frames import empty_frames
from kie_registry.ledger.postgres_address import password_in, shown
from kie_registry.ledger.postgres_schema import SCHEMA

# A peer that is gone without a word is noticed within half a minute; the address may say otherwise.
_CONNECTING = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
_SESSION = (
    f"SET search_path = {SCHEMA}",
    "SET default_transaction_isolation = 'read committed'",
    # A process that is stopped in the middle holds up the others for no longer.
    "SET idle_in_transaction_session_timeout = '30s'",
    "SET lock_timeout = '10s'",
)
# Of our sessions that have lost us, so that they hold no locks.
_END_LOST = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s "
    "AND pid <> pg_backend_pid() AND usename = current_user AND datname = current_database()"
)

_ENDING = 10.0
_PAUSE = 0.02


@frozen
class Way:
    """How to come to a database; with the password, so that no repr shows it."""

    _known: dict[str, Any] = field(repr=False)
    _session: str

    @classmethod
    def to(cls, url: str, *, durable: bool) -> Way:
        """Return the way to the database with this address.

        Args:
            url: The address.
            durable: Whether what is committed survives a power cut of the server.

        Raises:
            ConfigurationError: The address is none.
        """
        commits = f"SET synchronous_commit = {'on' if durable else 'off'}"
        return cls(_checked(url), "; ".join((*_SESSION, commits)))

    def connect(self, writer: str, *, again: bool) -> psycopg.Connection:
        """Return a new connection of a writer; where it had another before, that one's session ends.

        Raises:
            psycopg.Error: There is no connection; or that session is still there, and may yet write.
        """
        application = f"kie-registry {writer[:16]}"
        try:
            connection = psycopg.connect(**self._known, application_name=application, autocommit=True)
        except BaseException as error:
            # Their local variables hold the password.
            empty_frames(error)
            raise
        try:
            connection.execute(self._session.encode())
            if again:
                _end_lost(connection, application)
        except BaseException:
            connection.close()
            raise
        return connection


def _end_lost(connection: psycopg.Connection, application: str) -> None:
    """End the lost sessions of a writer, and wait until they have: to be told to is not to have ended."""
    until = time.monotonic() + _ENDING
    while connection.execute(_END_LOST, (application,)).rowcount:
        if time.monotonic() > until:
            raise psycopg.OperationalError("an earlier session of this process does not end")
        time.sleep(_PAUSE)


def _checked(url: str) -> dict[str, Any]:
    """Return what an address says, by libpq's names, with what it leaves to us."""
    try:
        known = conninfo_to_dict(url)
    except psycopg.Error:
        known = None
    # Where libpq finds another password, it would show a part of the right one as the host.
    if known is None or password_in(url) not in ("", known.get("password")):
        raise ConfigurationError(
            f"ledger (KIE_LEDGER) is {shown(url)!r}, which is no address of a PostgreSQL database; it looks like "
            "postgresql://user:password@host:5432/database, in which special characters of the password are "
            "encoded: @ as %40, / as %2F, : as %3A."
        ) from None
    return {**_CONNECTING, **known, "client_encoding": "utf8"}
