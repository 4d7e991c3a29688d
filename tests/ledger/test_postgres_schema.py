"""The tables of a ledger in PostgreSQL, and what may stand in their way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kie_registry.errors import LedgerError
from kie_registry.ledger import PostgresLedger
from kie_registry.ledger.postgres_schema import MIGRATIONS
from tests.ledger.jobs import added
from tests.ledger.postgres import Server, World

pytestmark = pytest.mark.xdist_group("postgres")


def test_ten_that_begin_at_once_make_the_tables_once(postgres_server: Server) -> None:
    with postgres_server.database() as name, ThreadPoolExecutor(10) as pool:
        ledgers = [PostgresLedger(postgres_server.url(name)) for _ in range(10)]
        list(pool.map(added, ledgers))
        assert postgres_server.run("SELECT count(*) FROM jobs", name) == [(len(ledgers),)]
        assert postgres_server.run("SELECT version FROM version", name) == [(len(MIGRATIONS),)]
        for each in ledgers:
            each.close()


def newer(server: Server, database: str, user: str) -> None:
    PostgresLedger(server.url(database)).jobs()
    server.run("UPDATE version SET version = 99", database)
    allow(server, database, user, "SELECT, INSERT, UPDATE, DELETE")


def allow(server: Server, database: str, user: str, rights: str) -> None:
    server.run(f"GRANT USAGE ON SCHEMA kie_registry TO {user}", database)
    server.run(f"GRANT {rights} ON ALL TABLES IN SCHEMA kie_registry TO {user}", database)


def only_read(server: Server, database: str, user: str) -> None:
    PostgresLedger(server.url(database)).jobs()
    allow(server, database, user, "SELECT")


def hidden(server: Server, database: str, user: str) -> None:
    PostgresLedger(server.url(database)).jobs()


def nothing(server: Server, database: str, user: str) -> None:
    pass


def replica(server: Server, database: str, user: str) -> None:
    PostgresLedger(server.url(database)).jobs()
    allow(server, database, user, "SELECT, INSERT, UPDATE, DELETE")
    server.run(f"ALTER ROLE {user} SET default_transaction_read_only = on")


TROUBLES: dict[str, tuple[Callable[[Server, str, str], None], str]] = {
    "no right to make the tables": (nothing, "permission denied for database .*GRANT CREATE ON DATABASE"),
    "no right to see the tables": (hidden, "permission denied .*GRANT CREATE ON DATABASE"),
    "no right to write": (only_read, "permission denied for table .* the right"),
    "a newer version": (newer, rf"version 99, .* version {len(MIGRATIONS)} .* Upgrade kie-registry"),
    "a database that is only read": (replica, "read-only transaction.* replica"),
}


@pytest.fixture
def user(postgres_server: Server) -> Iterator[str]:
    """The name of one who has no rights of his own."""
    postgres_server.run("CREATE ROLE kie_test_user LOGIN PASSWORD 'secret'")
    yield "kie_test_user"
    postgres_server.run("DROP ROLE kie_test_user")


@pytest.mark.parametrize(("trouble", "said"), TROUBLES.values(), ids=TROUBLES.keys())
def test_a_database_that_cannot_be_used_is_named_with_the_way_out(
    postgres_server: Server, user: str, trouble: Callable[[Server, str, str], None], said: str
) -> None:
    with postgres_server.database() as name:
        trouble(postgres_server, name, user)
        with pytest.raises(LedgerError, match=rf"The ledger postgresql://{user}@/{name}.* {said}") as caught:
            added(PostgresLedger(postgres_server.url(name, user, "secret")))
        assert "secret" not in str(caught.value)


def test_a_database_without_unicode_is_refused(postgres_server: Server) -> None:
    postgres_server.run("CREATE DATABASE kie_test_ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'")
    try:
        with pytest.raises(LedgerError, match=r"encoded in SQL_ASCII.* --encoding=UTF8"):
            PostgresLedger(postgres_server.url("kie_test_ascii")).jobs()
    finally:
        postgres_server.run("DROP DATABASE kie_test_ascii WITH (FORCE)")


ADDRESSES: dict[str, tuple[str, str]] = {
    "nobody listens": ("postgresql://me:secret@127.0.0.1:1/jobs", "See that the server runs"),
    "no socket": ("postgresql://me:secret@/jobs?host=/nowhere", "See that the server runs"),
    "no host": ("postgresql://me:secret@host.invalid/jobs", "See that the server runs"),
    "an impossible port": ("postgresql://me:secret@127.0.0.1:123456/jobs", "See that the server runs"),
}


@pytest.mark.parametrize(("address", "way_out"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_a_server_that_cannot_be_reached_is_named_at_once(address: str, way_out: str) -> None:
    with pytest.raises(LedgerError, match=way_out) as caught:
        PostgresLedger(address).jobs()
    assert address.replace(":secret", "") in str(caught.value)


@pytest.mark.parametrize(
    ("options", "way_out"), [({"user": "nobody_of_this_name"}, "user and the password"), ({}, "createdb")]
)
def test_who_is_not_let_in_is_told_so(postgres_server: Server, options: dict[str, Any], way_out: str) -> None:
    url = postgres_server.url("kie_test_no_such", **options)
    with pytest.raises(LedgerError, match=way_out):
        PostgresLedger(url).jobs()


def test_tables_of_another_program_are_left_alone(postgres: World) -> None:
    postgres.run("CREATE TABLE public.jobs (name TEXT)")
    try:
        added(postgres.ledger())
        assert postgres.run("SELECT count(*) FROM public.jobs") == [(0,)]
    finally:
        postgres.run("DROP TABLE public.jobs")
