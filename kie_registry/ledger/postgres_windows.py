"""Rate limits that all processes which share a database keep together, on any number of machines.

Each slot of a limit is a row. It is taken when a request is to be sent, and frees its time after the answer, by
the database's clock. Whoever waits looks again when the first slot frees.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from kie_registry.errors import LedgerError
from kie_registry.ledger.postgres_owners import ALIVE, PostgresOwners
from kie_registry.waking import LOOK_AGAIN, Line, Waiter

if TYPE_CHECKING:
    from kie_registry.ledger.postgres_database import PostgresDatabase
    from kie_registry.ledger.postgres_transactions import Statements

_log = logging.getLogger("kie_registry.limits")

# Whoever has no time to wait waits for one look at the database, but not for long.
_ONE_LOOK = 2.0
_AT_ONCE = 100
# A slot that should be free is just being taken by another process.
_SHORTEST = 0.005
# Seconds after which a thread ends that has nothing to do.
_IDLE = 5.0

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
class _Answer:
    """What is to be written of a slot; `statement` ends with its token."""

    statement: str
    token: str
    at: float = field(factory=time.monotonic)

    def write(self, base: Statements) -> None:
        since = (time.monotonic() - self.at,) if self.statement == _ANSWERED else ()
        base.execute(self.statement, (*since, self.token))


class PostgresWindow(Line):
    """A `RateLimit` of all processes that use the same database.

    In each process one thread asks the database, so that no event loop waits for it: it takes as many slots as
    there are free ones and waiters, and hands them out in the order of asking. Between processes whoever comes
    first is served first. A process that has died holds no slot for longer than it counts as alive.

    Args:
        database: The database; slots are not worth a durable one.
        owners: The processes that share it.
        kind: What is limited, such as ``create``.
        account: Whose limit it is; a hash, and never the key itself.
        number: How many requests there may be in `seconds`.
        seconds: The time after its answer for which a request counts.

    Asking raises LedgerError where the database was gone for longer than its patience. `release` does not:
    something was sent by then. It is written as soon as the database is there.
    """

    def __init__(  # noqa: PLR0917
        self,
        database: PostgresDatabase,
        owners: PostgresOwners,
        kind: str,
        account: str,
        number: int,
        seconds: float,
    ) -> None:
        super().__init__()
        self._database = database
        self._owners = owners
        self._line = f"{kind} {account}"
        self._number = number
        self._seconds = seconds
        self._buried_at = 0.0
        self._be_new()

    def start_anew(self) -> None:
        """Forget, in a child process, what is its parent's."""
        super().start_anew()
        self._be_new()

    def _be_new(self) -> None:
        self._stock: deque[str] = deque()
        self._tokens: dict[Waiter, str] = {}
        self._due: list[_Answer] = []
        self._failure: tuple[LedgerError, float] | None = None
        self._look_at = 0.0
        self._given_back = 0
        self._called = threading.Event()
        self._thread: threading.Thread | None = None

    def release(self, *, counted: bool = True) -> None:
        """Give a slot back: for later, or at once where the request was never `counted` by the server."""
        with self._lock:
            self._drop_the_gone()
            # A child process may give back what only its parent holds.
            if (holder := next(iter(self._holders), None)) is not None:
                token = self._tokens.pop(holder)
                del self._holders[holder]
                if counted:
                    self._due.append(_Answer(_ANSWERED, token))
                else:
                    self._give_back(token)
                self._call()

    def settle(self, timeout: float) -> None:
        """Wait, for up to so many seconds, until all that was given back is written."""
        until = time.monotonic() + timeout
        while self._due and time.monotonic() < until:
            time.sleep(0.005)

    def _wait(self, waiter: Any, timeout: float | None, waiting: Callable[[], object] | None) -> bool:
        started = time.monotonic()
        if self._try(waiter) is None:
            return True
        if self._looks():
            waiter.wait(_ONE_LOOK)
            waiter.clear()
        return super()._wait(waiter, _rest(timeout, started), waiting)

    async def _wait_async(self, waiter: Any, timeout: float | None, waiting: Callable[[], object] | None) -> bool:
        started = time.monotonic()
        if self._try(waiter) is None:
            return True
        if self._looks():
            await waiter.wait(_ONE_LOOK)
        return await super()._wait_async(waiter, _rest(timeout, started), waiting)

    def _looks(self) -> bool:
        """Whether the database is being asked, or will be at once."""
        return time.monotonic() >= self._look_at

    def _take(self, waiter: Waiter) -> float | None:
        if self._stock:
            self._tokens[waiter] = self._stock.popleft()
            self._holders[waiter] = None
            return None
        now = time.monotonic()
        if self._failure is not None and now < self._failure[1]:
            raise copy.copy(self._failure[0]) from self._failure[0].__cause__
        self._call()
        return max(self._look_at - now, 0.0) or LOOK_AGAIN

    def _left(self, waiter: Waiter) -> None:
        if (token := self._tokens.pop(waiter, None)) is not None:
            self._give_back(token)
        if self._due or self._stock:
            self._call()

    def _give_back(self, token: str) -> None:
        """Have a slot freed, and looked for at once."""
        self._due.append(_Answer(_UNCOUNTED, token))
        self._given_back += 1
        self._look_at = 0.0

    def _call(self) -> None:
        """Have the thread see what is to be done; needs the lock."""
        self._called.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=f"kie-registry {self._line}", daemon=True)
            # No thread begins any more when the process ends.
            with contextlib.suppress(RuntimeError):
                self._thread.start()

    def _serve(self) -> None:
        """Write what is due, and look for slots, until there is nothing to do."""
        while True:
            self._called.clear()
            if (pause := self._settle()) is None:
                pause = self._look()
            if not self._called.wait(_IDLE if pause is None else pause) and pause is None:
                with self._lock:
                    if not self._called.is_set():
                        self._thread = None
                        return

    def _settle(self) -> float | None:
        """Write what was given back; return after how many seconds to try again, where that failed."""
        with self._lock:
            while self._stock and len(self._stock) > len(self._queue):
                self._due.append(_Answer(_UNCOUNTED, self._stock.pop()))
            due = list(self._due)
        if not due:
            return None
        try:
            for answer in due:
                self._database.read(answer.write)
        except LedgerError as error:
            _log.warning("%s What was to be written of the rate limits is written later.", error)
            self._fail(error)
            return LOOK_AGAIN
        with self._lock:
            del self._due[: len(due)]
            if any(answer.statement != _ANSWERED for answer in due):
                self._look_at = 0.0
        return None

    def _look(self) -> float | None:
        """Take slots for those who wait; return after how many seconds to look again, if anybody does."""
        with self._lock:
            wanted = min(len(self._queue) - len(self._stock), _AT_ONCE)
            pause, given_back = self._look_at - time.monotonic(), self._given_back
            if self._due:
                return 0.0
        if wanted <= 0 or pause > 0:
            return None if wanted <= 0 else pause
        try:
            tokens, pause = self._taken(wanted)
        except LedgerError as error:
            self._fail(error)
            return LOOK_AGAIN
        with self._lock:
            self._stock.extend(tokens)
            if given_back != self._given_back and not tokens:
                return 0.0
            self._look_at = time.monotonic() + pause
            self._wake_first()
        return pause

    def _fail(self, error: LedgerError) -> None:
        """Have all who wait hear of it."""
        with self._lock:
            self._failure = error, time.monotonic() + LOOK_AGAIN
            self._look_at = time.monotonic() + LOOK_AGAIN
            self._wake_first()

    def _taken(self, wanted: int) -> tuple[list[str], float]:
        """Take up to so many slots; return their tokens, and after how many seconds to look for more."""
        tried: list[str] = []
        owner = self._owners.mine()

        def take(base: Statements) -> Any:
            # Where nothing was heard of what an earlier try has taken, that goes back.
            tried.append(uuid.uuid4().hex + "-")
            which = (self._line, self._number, wanted, owner, tried[-1], self._seconds, self._line)
            return base.execute(_TAKE, (*which, self._line, self._number)).fetchone()

        heard: list[str] = []
        try:
            tokens, slots, in_use, frees = self._database.read(take)
            heard = tried[-1:]
        finally:
            with self._lock:
                self._due += [_Answer(_UNSEEN, token) for token in tried if token not in heard]
        if slots < self._number:
            values = (self._line, self._seconds, self._number)
            self._database.read(lambda base: base.execute(_MAKE, values))
            return self._taken(wanted)
        if tokens or (in_use and self._bury_the_dead()):
            return tokens, 0.0
        return tokens, LOOK_AGAIN if frees is None else min(max(frees, _SHORTEST), LOOK_AGAIN)

    def _bury_the_dead(self) -> bool:
        """Count as answered now what processes had in flight that live no more; say whether there were any."""
        now = time.monotonic()
        if now < self._buried_at + LOOK_AGAIN:
            return False
        self._buried_at = now
        values = (self._line, self._owners.dead_after)
        return self._database.read(lambda base: base.execute(_BURY, values).rowcount) > 0


def _rest(timeout: float | None, started: float) -> float | None:
    return None if timeout is None else max(0.0, timeout - (time.monotonic() - started))
