"""Simulate the reading of task records in virtual time: how late ends are seen, and after how many reads.

The limit is kept as the client keeps it: ten slots, in the order of asking, each free a second after its answer.
"""

from __future__ import annotations

import heapq
import math
import random
import statistics
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from attrs import define, field, frozen

from kie_registry.polling import Polling

SLOTS, SECONDS = 10, 1.0
CREATES, CREATE_SECONDS = 20, 10.0
ROUND_TRIP = 0.15
MODEL = "model"


@define(eq=False)
class Task:
    """A task that is waited for."""

    created: float
    duration: float
    next_pause: Callable[[float], float]
    ended: Callable[[float], object]
    reads: int = 0
    seen: float = 0.0

    @property
    def latency(self) -> float:
        return self.seen - self.created - self.duration


@frozen
class Figures:
    """What came of a run."""

    median: float
    late: float
    mean_reads: float
    most_reads: int

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> Figures:
        latencies, reads = [task.latency for task in tasks], [task.reads for task in tasks]
        return cls(
            statistics.median(latencies),
            statistics.quantiles(latencies, n=10)[-1],
            statistics.mean(reads),
            max(reads),
        )


@define
class Simulation:
    """One account's tasks.

    Attributes:
        start: Makes a task from the moment of its creation and its duration.
        durations: Those of the tasks to come, in seconds.
        limited: Whether creating tasks is limited too.
    """

    start: Callable[[float, float], Task]
    durations: deque[float]
    limited: bool
    done: list[Task] = field(factory=list)
    _events: list[tuple[float, int, Callable[[float], None]]] = field(factory=list)
    _line: deque[Task] = field(factory=deque)
    _slots: int = SLOTS
    _creates: int = CREATES
    _wanted: int = 0
    _number: int = 0

    def run(self, at_once: int) -> list[Task]:
        """Keep so many tasks running until all have ended and were seen to."""
        self._wanted = at_once
        self._create(0.0)
        while self._events:
            now, _, happen = heapq.heappop(self._events)
            happen(now)
        return self.done

    def _at(self, moment: float, happen: Callable[[float], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (moment, self._number, happen))

    def _create(self, now: float) -> None:
        while self._wanted and self.durations and (self._creates or not self.limited):
            self._wanted -= 1
            if self.limited:
                self._creates -= 1
                self._at(now + ROUND_TRIP + CREATE_SECONDS, self._may_create)
            self._sleep(now, self.start(now, self.durations.popleft()))

    def _may_create(self, now: float) -> None:
        self._creates += 1
        self._create(now)

    def _sleep(self, now: float, task: Task) -> None:
        self._at(now + task.next_pause(now - task.created), lambda then: self._ask(then, task))

    def _ask(self, now: float, task: Task) -> None:
        self._line.append(task)
        self._read(now)

    def _read(self, now: float) -> None:
        while self._slots and self._line:
            self._slots -= 1
            task = self._line.popleft()
            task.reads += 1
            self._at(now + ROUND_TRIP, lambda then, task=task: self._answer(then, task))  # type: ignore[misc]

    def _answer(self, now: float, task: Task) -> None:
        self._at(now + SECONDS, self._may_read)
        if task.created + task.duration > now - ROUND_TRIP / 2:
            self._sleep(now, task)
            return
        task.seen = now
        task.ended(task.duration)
        self.done.append(task)
        self._wanted += 1
        self._create(now)

    def _may_read(self, now: float) -> None:
        self._slots += 1
        self._read(now)


def simulate(
    durations: Iterable[float],
    *,
    at_once: int,
    history: Iterable[float] = (),
    fresh: bool = True,
    limited: bool = True,
    learning: bool = True,
) -> Figures:
    """Wait for tasks of one model, `at_once` of them at any moment, and return how that went.

    Args:
        durations: Those of the tasks, in seconds.
        at_once: How many run at any moment.
        history: Durations that are known beforehand.
        fresh: Whether each task is waited for from its creation on, or taken up.
        limited: Whether creating tasks is limited too.
        learning: Whether the client reads as it does, or by kie.ai's advice alone.
    """
    polling = Polling(SLOTS / SECONDS)
    polling.durations.seed(MODEL, history)

    def start(moment: float, duration: float) -> Task:
        # What has no model learns nothing; what is waited for by a poller of its own is in no crowd.
        pace = (polling if learning else Polling(SLOTS / SECONDS)).pace(MODEL if learning else None, fresh=fresh)
        return Task(moment, duration, pace.next_pause, pace.ended)

    return Figures.of(Simulation(start, deque(durations), limited).run(at_once))


def collect(durations: Sequence[float], *, history: Iterable[float] = (), learning: bool = True) -> Figures:
    """Take up all tasks at once that were created just now."""
    return simulate(
        durations, at_once=len(durations), history=history, fresh=False, limited=False, learning=learning
    )


def lognormal(mean: float, number: int, *, seed: int, variation: float = 0.2) -> list[float]:
    """Return durations with this mean and coefficient of variation."""
    spread = math.sqrt(math.log(1 + variation**2))
    chance = random.Random(seed)
    return [chance.lognormvariate(math.log(mean) - spread**2 / 2, spread) for _ in range(number)]


def _row(what: str, figures: Figures) -> None:
    print(
        f"| {what} | {figures.median:.2f} s | {figures.late:.1f} s "
        f"| {figures.mean_reads:.1f} | {figures.most_reads} |"
    )


def main() -> None:
    """Print the table."""
    print("| tasks | end to read, median | 9 of 10 within | reads, mean | most |\n|---|---|---|---|---|")
    for mean in (15, 60, 240):
        tasks, history = lognormal(mean, 600, seed=1), lognormal(mean, 50, seed=2)
        what = f"100 running, {mean} s"
        _row(f"{what}, kie.ai's advice", simulate(tasks, at_once=100, learning=False))
        _row(f"{what}, learning", simulate(tasks, at_once=100))
        _row(f"{what}, known", simulate(tasks, at_once=100, history=history))
    chance = random.Random(1)
    pending = {
        "1 to 600 s": [chance.uniform(1, 600) for _ in range(1000)],
        "about 240 s": lognormal(240, 1000, seed=1),
        "about 300 s, spread wide": [min(each, 600) for each in lognormal(300, 1000, seed=1, variation=0.5)],
        "600 s": [600.0] * 1000,
    }
    for name, tasks in pending.items():
        what = f"1,000 collected, {name}"
        _row(f"{what}, kie.ai's advice", collect(tasks, learning=False))
        _row(f"{what}, learning", collect(tasks))
        _row(f"{what}, known", collect(tasks, history=tasks[:50]))


if __name__ == "__main__":
    main()
