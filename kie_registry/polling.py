"""When to read a task's record: late enough not to read in vain, and often when it is about to end.

A task of a model that is known is not read before its quickest tasks end (but for one early read, which shows
early failures), then the more often the likelier its end is, and more rarely again when it is late. Many tasks
share the few reads that kie.ai allows, and its rate limit stretches their pauses. In a crowd of a thousand, each
task keeps to long pauses after the others have ended, so that none is read a hundred times.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from weakref import WeakSet

from attrs import define, field, frozen

_SAMPLES = 50
"""How many of the latest tasks of a model tell how long the next one takes."""

# Where little is known of a model, its tasks' durations are taken to spread so much, as if so many had shown it.
_SPREAD = 0.25
_SPREAD_WEIGHT = 3

# In standard deviations: one task in ten ends before the one, one in thirty after the other.
_QUICK = -1.28
_LATE = 1.84

# Pauses of a task that is due: a part of its usual duration, longer before that, and shorter after it.
_PART = 1 / 20
_SHORTEST, _LONGEST = 0.5, 2.5
_STEEPNESS = 0.7
_SHORTENED = 0.5

_BACK_OFF = 0.2
_RAREST = 30.0

_FIRST_READ = 1.0
_EARLY_READ = 2.5
# Age of the task in seconds -> seconds until the next read, after kie.ai's own advice.
_ADVICE = ((30.0, 2.5), (60.0, 5.0), (120.0, 8.0), (600.0, 15.0), (float("inf"), _RAREST))

# kie.ai runs about so many tasks at once. Of the pauses that more than these have together, so much is kept.
_RUNNING = 100
_KEPT = 0.65


@frozen
class Expectation:
    """When tasks of a model end: their durations are lognormal, more or less.

    Attributes:
        mean: The mean of the logarithm of the seconds.
        spread: Its standard deviation.
    """

    mean: float
    spread: float

    @classmethod
    def of(cls, samples: Iterable[float]) -> Expectation:
        """Learn from the durations of some tasks, in seconds."""
        logarithms = [math.log(seconds) for seconds in samples]
        mean = sum(logarithms) / len(logarithms)
        squares = sum((each - mean) ** 2 for each in logarithms) + _SPREAD_WEIGHT * _SPREAD**2
        return cls(mean, math.sqrt(squares / (len(logarithms) + _SPREAD_WEIGHT)))

    def at(self, deviations: float) -> float:
        """Return the seconds that lie so many standard deviations from the mean."""
        return math.exp(self.mean + deviations * self.spread)

    def pause(self, age: float) -> float:
        """Return the seconds until the next read of a task that is due."""
        usual = min(max(self.at(0) * _PART, _SHORTEST), _LONGEST)
        deviations = (math.log(age) - self.mean) / self.spread
        late = max(age - self.at(_LATE), 0.0) * _BACK_OFF
        return min(usual * max(math.exp(-_STEEPNESS * deviations), _SHORTENED) + late, _RAREST)


class Durations:
    """How long tasks take, by model; learned from those that ended. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_for: set[str] = set()
        self._samples: dict[str, list[float]] = {}
        self._expected: dict[str, Expectation] = {}

    def is_new(self, model: str) -> bool:
        """Whether nobody has asked this before: who is told so looks for earlier tasks, and seeds."""
        with self._lock:
            new = model not in self._asked_for
            self._asked_for.add(model)
            return new

    def seed(self, model: str, samples: Iterable[float]) -> None:
        """Learn from the durations of earlier tasks, in seconds, the latest first."""
        with self._lock:
            self._learn(model, [*reversed([*samples][:_SAMPLES]), *self._samples.get(model, ())])

    def observe(self, model: str, seconds: float) -> None:
        """Learn from a task that ended with a result, `seconds` after it was created."""
        with self._lock:
            self._learn(model, [*self._samples.get(model, ()), seconds])

    def expect(self, model: str | None) -> Expectation | None:
        """Return when a task of the model will end; None where no task of it has been seen."""
        if model is None:
            return None
        with self._lock:
            if model not in self._expected and model in self._samples:
                self._expected[model] = Expectation.of(self._samples[model])
            return self._expected.get(model)

    def _learn(self, model: str, samples: Iterable[float]) -> None:
        known = [seconds for seconds in samples if 0 < seconds < math.inf][-_SAMPLES:]
        if known:
            self._samples[model] = known
            self._expected.pop(model, None)


@define(eq=False)
class Polling:
    """What the tasks have in common that one client waits for.

    Attributes:
        rate: Reads a second that are allowed for all of them together.
        interval: Seconds between two reads of a task, whatever is known of it; None to adapt.
        durations: How long tasks take.
    """

    rate: float
    interval: float | None = None
    durations: Durations = field(factory=Durations)
    _waited_for: WeakSet[Pace] = field(factory=WeakSet, init=False)

    def pace(self, model: str | None, *, fresh: bool) -> Pace:
        """Return the pace at which to read one task; `fresh` says that it was created just now."""
        pace = Pace(self, model, fresh)
        self._waited_for.add(pace)
        return pace

    @property
    def tasks(self) -> int:
        """How many tasks are waited for."""
        return len(self._waited_for)

    def leave(self, pace: Pace) -> None:
        """Count a task no more; one of which nobody keeps the pace is not counted either."""
        self._waited_for.discard(pace)


@define(eq=False)
class Pace:
    """When to read one task.

    Attributes:
        model: Its model, where that is known.
    """

    _polling: Polling
    model: str | None
    _fresh: bool
    _reads: int = field(default=0, init=False)
    _crowd: int = field(default=0, init=False)

    def next_pause(self, age: float) -> float:
        """Return the seconds until the next read of the task, which is `age` seconds old; call it once a read."""
        self._reads += 1
        self._crowd = max(self._crowd, self._polling.tasks)
        first = self._reads == 1
        if first and not self._fresh:
            return 0.0
        if (interval := self._polling.interval) is not None:
            return min(interval, _FIRST_READ) if first else interval
        expected = self._polling.durations.expect(self.model)
        if expected is None:
            return _FIRST_READ if first else max(_advised(age), self._least)
        if age < (due := expected.at(_QUICK)):
            # The early read is not for a crowd, where it would be at the cost of those that are due.
            early = first and age < _EARLY_READ < due / 2 and self._crowd <= self._polling.rate
            return (_EARLY_READ if early else due) - age
        return max(expected.pause(age), self._least)

    def ended(self, seconds: float | None) -> None:
        """Note that the task ended; with a result after `seconds`, or None without one or where nobody says."""
        self._polling.leave(self)
        if self.model is not None and seconds is not None:
            self._polling.durations.observe(self.model, seconds)

    @property
    def _least(self) -> float:
        return _KEPT * max(self._crowd - _RUNNING, 0) / self._polling.rate


def _advised(age: float) -> float:
    return next(pause for until, pause in _ADVICE if age < until)
