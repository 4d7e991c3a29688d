"""The slots of rate limits, in a PostgreSQL database.

Each slot of a limit is a row. It is taken when a request is to be sent, and frees its time after the answer, by
the database's clock.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from kie_registry.ledger.postgres_owners import ALIVE, PostgresOwners
from kie_registry.waking import LOOK_AGAIN

if TYPE_CHECKING:
    from kie_registry.ledger.postgres_database import PostgresDatabase
    from kie_registry.ledger.postgres_transactions import Statements

# Seconds. A slot that should be free is just being taken by another process.
_SHORTEST = 0.005

_TAKE = """
WITH free AS (
    SELECT n FROM slots WHERE line = ? AND n <= ? AND frees_at <= clock_timestamp()
    ORDER BY frees_at, n LIMIT ? FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE slots SET holder = ?, token = ? || slots.n, seconds = ?, frees_at = 'infinity'
    FROM free WHERE slots.line = ? AND slots.n = free.n RETURNING token
)
SELECT
    ARRAY(SELECT token FROM taken),
    count(*),
    count(*) FILTER (WHERE frees_at = 'infinity'),
    extract(epoch FROM min(frees_at) FILTER (WHERE frees_at < 'infinity') - clock_timestamp())::float8
FROM slots WHERE line = ? AND n <= ?
"""
_MAKE = (
    "INSERT INTO slots (line, n, seconds, frees_at) SELECT ?, n, ?, 'epoch' FROM generate_series(1, ?) AS n "
    "ON CONFLICT DO NOTHING"
)
_ANSWERED = (
    "UPDATE slots SET holder = NULL, token = NULL, "
    "frees_at = clock_timestamp() + make_interval(secs => seconds - ?) WHERE token = ?"
)
_UNCOUNTED = "UPDATE slots SET holder = NULL, token = NULL, frees_at = clock_timestamp() WHERE token = ?"
_UNSEEN = f"{_UNCOUNTED.removesuffix('= ?')}LIKE ? || '%'"
_BURY = (
    "UPDATE slots SET holder = NULL, token = NULL, frees_at = clock_timestamp() + make_interval(secs => seconds) "  # noqa: S608
    "WHERE line = ? AND frees_at = 'infinity' "
    f"AND NOT EXISTS (SELECT 1 FROM owners WHERE owners.id = slots.holder AND {ALIVE})"
)


@frozen
class GivenBack:
    """What is to be written of a slot that was given back.

    Attributes:
        token: Its token, or the beginning of all that were taken with it.
        counted: Whether its request was answered, and counts from then on.
        at: When that was, by the monotonic clock.
    """

    token: str
    counted: bool
    at: float = field(factory=time.monotonic)

    def write(self, base: Statements) -> None:
        """Write it; twice is as good as once."""
        if self.counted:
            base.execute(_ANSWERED, (time.monotonic() - self.at, self.token))
        else:
            base.execute(_UNSEEN if self.token.endswith("-") else _UNCOUNTED, (self.token,))


@define(eq=False)
class PostgresSlots:
    """The slots of one rate limit, for one thread.

    Attributes:
        database: The database.
        owners: The processes that share it.
        line: The name of the limit.
        number: How many slots there are.
        seconds: The time after its answer for which a slot stays taken.
        unheard: What may have been taken, where the answer was lost; to be given back.
    """

    database: PostgresDatabase
    owners: PostgresOwners
    line: str
    number: int
    seconds: float
    unheard: list[GivenBack] = field(factory=list, init=False)
    _buried_at: float = field(default=0.0, init=False)

    def take(self, wanted: int) -> tuple[list[str], float]:
        """Take up to so many slots; return their tokens, and after how many seconds to look for more.

        Raises:
            LedgerError: The database cannot be used.
        """
        tokens, slots, in_use, frees = self._take(wanted)
        if tokens:
            return tokens, 0.0
        if slots < self.number:
            values = (self.line, self.seconds, self.number)
            self.database.read(lambda base: base.execute(_MAKE, values))
            return self.take(wanted)
        if in_use and self._bury_the_dead():
            return [], 0.0
        return [], LOOK_AGAIN if frees is None else min(max(frees, _SHORTEST), LOOK_AGAIN)

    def write(self, given_back: Sequence[GivenBack]) -> None:
        """Write down what was given back; raises as `take` does."""
        for each in given_back:
            self.database.read(each.write)

    def _take(self, wanted: int) -> Any:
        tried: list[str] = []
        owner = self.owners.mine()

        def take(base: Statements) -> Any:
            tried.append(f"{uuid.uuid4().hex}-")
            which = (self.line, self.number, wanted, owner, tried[-1], self.seconds, self.line)
            return base.execute(_TAKE, (*which, self.line, self.number)).fetchone()

        heard: list[str] = []
        try:
            found = self.database.read(take)
            heard = tried[-1:]
        finally:
            self.unheard += [GivenBack(token, counted=False) for token in tried if token not in heard]
        return found

    def _bury_the_dead(self) -> bool:
        """Count as answered now what processes had in flight that live no more; say whether there were any."""
        now = time.monotonic()
        if now < self._buried_at + LOOK_AGAIN:
            return False
        self._buried_at = now
        values = (self.line, self.owners.dead_after)
        return self.database.read(lambda base: base.execute(_BURY, values).rowcount) > 0
