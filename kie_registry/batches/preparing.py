"""What comes before the first job of a batch is sent, and after the last: all of it may block."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from attrs import define, frozen

from kie_registry.batches.folders.beginning import Begun, begin
from kie_registry.batches.folders.folder import BatchFolder
from kie_registry.batches.folders.results_file import ResultsFile
from kie_registry.batches.manifests.jobs import Source
from kie_registry.batches.options import BatchOptions
from kie_registry.batches.plans.planning import Plan, Skipped, check
from kie_registry.batches.running.outcomes import Outcome
from kie_registry.calls import Calls
from kie_registry.ledger.states import State

if TYPE_CHECKING:
    from kie_registry.ledger.protocol import Ledger

_GIVEN_UP = "the program that named it has ended, or stopped the batch; nothing was sent"
_PAGE = 1000

_Started: TypeAlias = tuple[Begun, Callable[[Outcome], None]]
"""How a batch stands in the ledger, and what writes down what came of each of its jobs."""


@define(eq=False)
class Prepared:
    """A batch that can be run.

    Attributes:
        begun: How it stands in the ledger.
        total: How many jobs it has.
        skipped: Those that were wrong and are left out.
        remember: Writes down what came of a job, where others find it.
    """

    begun: Begun
    total: int
    skipped: Skipped
    remember: Callable[[Outcome], None]
    _stack: contextlib.ExitStack

    def close(self) -> None:
        """Leave everything as another run may find it."""
        self._stack.close()


@frozen
class Preparation:
    """Prepares a batch.

    Attributes:
        calls: The calls of the client.
        ledger: Its ledger.
        source: The jobs.
        options: How to run it.
    """

    calls: Calls
    ledger: Ledger
    source: Source
    options: BatchOptions

    def run(self) -> Prepared:
        """Check all jobs, and write them into the ledger.

        Raises:
            InvalidRequest: Jobs are wrong; nothing was sent.
            ConfigurationError: The directory cannot be used, or holds another batch; nothing was sent.
            LedgerError: The ledger cannot be read or written.
        """
        with contextlib.ExitStack() as stack:
            source = self.source
            plan = stack.enter_context(
                check(
                    source.read(),
                    self.calls.registry,
                    base=source.base,
                    skip_invalid=self.options.skip_invalid,
                    unit=source.unit,
                )
            )
            begin_it = self._begin_nowhere if self.options.directory is None else self._begin_in
            begun, remember = begin_it(plan, stack)
            # What is refused now is wanted no more.
            tally = self.ledger.tally(begun.batch).items()
            total = sum(number for state, (number, _) in tally if state != State.REFUSED)
            return Prepared(begun, total, plan.skipped, remember, stack.pop_all())

    def _begin_in(self, plan: Plan, stack: contextlib.ExitStack) -> _Started:
        folder = BatchFolder(self.options.directory or ".")
        stack.enter_context(folder.held())
        begun = begin(
            folder,
            plan,
            self.ledger,
            account=self.calls.session.account,
            manifest=self.source.manifest,
            callback_url=self.options.callback_url,
            add=self.options.add,
        )
        results = ResultsFile(folder.path, plan)
        results.begin(self.ledger, begun.batch)
        stack.callback(results.finish, self.ledger, begun.batch)
        return begun, results.append

    def _begin_nowhere(self, plan: Plan, stack: contextlib.ExitStack) -> _Started:
        """Plan a batch that nobody can go on with later: what is not sent when it ends never is."""
        batch = uuid.uuid4().hex
        account, callback_url = self.calls.session.account, self.options.callback_url
        portions = plan.portions(batch, account=account, directory=None, callback_url=callback_url)
        new = sum(self.ledger.plan(portion) for portion in portions)
        stack.callback(self._give_up, batch)
        return Begun(batch, new), _forget

    def _give_up(self, batch: str) -> None:
        while jobs := self.ledger.batch(batch, states=[State.PLANNED], limit=_PAGE):
            with self.ledger.together():
                for job in jobs:
                    self.ledger.move(job.id, State.REFUSED, reason=_GIVEN_UP)


def _forget(outcome: Outcome) -> None:
    """Write down nothing: the caller has it."""
