"""Connections to PostgreSQL: what is lost has ended, and no password is left behind."""

from __future__ import annotations

import traceback

import psycopg
import pytest

from kie_registry.batches.workers.queue import prepare
from kie_registry.errors import LedgerError
from kie_registry.ledger import PostgresLedger
from kie_registry.ledger.postgres_connections import Way
from tests.ledger.postgres import World

pytestmark = pytest.mark.xdist_group("postgres")

NOWHERE = "postgresql://me:geheim@127.0.0.1:1/x"
_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"


def test_a_lost_session_has_ended_when_its_writer_goes_on(postgres: World) -> None:
    way = Way.to(postgres.url, durable=True)
    lost = [way.connect("writer", again=False) for _ in range(5)]
    with way.connect("writer", again=True) as connection:
        assert connection.execute(_SESSIONS, ("kie-registry writer",)).fetchone() == (1,)
    for each in lost:
        with pytest.raises(psycopg.OperationalError):
            each.execute("SELECT 1")
        each.close()


def _ask_ledger() -> None:
    PostgresLedger(NOWHERE).jobs()


def _prepare_queue() -> None:
    prepare(NOWHERE)


@pytest.mark.parametrize("fails", [_ask_ledger, _prepare_queue])
def test_no_frame_of_an_error_holds_the_password_in_its_own_words(fails: object) -> None:
    assert callable(fails)
    with pytest.raises(LedgerError) as caught:
        fails()
    link: BaseException | None = caught.value
    found = []
    while link is not None:
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if "psycopg" in frame.f_code.co_filename:
                found += [name for name, value in frame.f_locals.items() if "geheim" in repr(value)]
        link = link.__cause__ or link.__context__
    assert found == []
