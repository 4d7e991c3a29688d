"""What a ledger must be able to do, whatever keeps it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State
from kie_registry.limits import RateLimit


class Ledger(Protocol):
    """Remembers every job. All methods may be called from any thread, and from many processes at once.

    What a method has written when it returns survives the end of the process and of the machine. Every one of them
    raises LedgerError where the ledger cannot be read or written.
    """

    @property
    def owner(self) -> str:
        """The id of this process, as jobs name it that it works on."""

    def together(self) -> AbstractContextManager[None]:
        """Write all that this thread writes within it at once, when it ends.

        What is refused within it, such as an `IllegalMove`, changes nothing and stands in no other's way. Where
        the ledger itself fails, LedgerError is raised at the end too, and nothing at all is written; nor is it
        where an error leaves the block.
        """

    def add(self, job: Job) -> None:
        """Write a new job down, in one of the states in which a job may begin.

        Raises:
            IllegalMove: There is a job of its id, or one of its account with the same task id.
        """

    def move(
        self, job_id: str, to: State, *, seen: Job | None = None, let_go: bool = False, **changes: Any
    ) -> None:
        """Bring a job into another state, and set other fields of it with that; its owner follows from the state.

        Args:
            job_id: The job.
            to: The state.
            seen: The job as the caller knows it: nothing is done where its state or its attempt is another by now,
                or another process owns it.
            let_go: Whether a job that this process holds is to be anybody's from now on.
            changes: Fields of the job and their values.

        Raises:
            IllegalMove: There is no such job, it cannot go there from where it stands or is not as it was seen, or
                its task id is another job's.
        """

    def get(self, job_id: str) -> Job | None:
        """Return a job."""

    def find(self, account: str, name: str) -> Job | None:
        """Return the account's job with this id, the beginning of an id that no other has, or this task id."""

    def jobs(
        self,
        *,
        account: str | None = None,
        states: Collection[State] | None = None,
        limit: int | None = None,
    ) -> list[Job]:
        """Return jobs, the newest first."""

    def claim(self, job_id: str) -> Job | None:
        """Take a job on for this process.

        None where a process that lives has it, this one included, or where nothing is to be done any more.
        """

    def release(self, job_id: str) -> None:
        """Let a job go that this process took on.

        One that it has yet to send, or is sending, stays its own; but a planned one of a batch is anybody's then.
        """

    def recover(self) -> int:
        """Free the jobs of processes that have ended, and return their number.

        What such a process was just sending is ``unknown`` from now on; what it had yet to send is ``refused``, or
        still ``planned`` and nobody's where it is a batch's.
        """

    def plan(self, jobs: Sequence[Job]) -> int:
        """Write down jobs of batches, `PLANNED` and nobody's, in this order, and return how many are new.

        A job whose batch has one of the same key already is left out.
        """

    def replan(self, batch: str) -> int:
        """Make those of a batch's jobs `PLANNED` again that were refused, and return their number."""

    def take(self, batch: str, limit: int) -> list[Job]:
        """Take on for this process up to `limit` planned jobs of a batch that nobody has, in their order."""

    def batch(
        self, batch: str, *, states: Collection[State] | None = None, after: int = 0, limit: int | None = None
    ) -> list[Job]:
        """Return jobs of a batch whose number is above `after`, in the order of planning."""

    def tally(self, batch: str) -> Mapping[State, tuple[int, float]]:
        """Return how many jobs of a batch stand in each state where any do, and the credits that these cost."""

    def durations(self, model: str) -> list[float]:
        """Return how many seconds the latest tasks of a model took."""

    def window(self, kind: str, account: str, number: int, seconds: float) -> RateLimit:
        """Return a rate limit that all users of the ledger keep together."""

    def close(self) -> None:
        """Close the files; a later call opens them again."""
