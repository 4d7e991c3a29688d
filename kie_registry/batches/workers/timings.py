"""How often workers look after what."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Timings:
    """Times, in seconds.

    Attributes:
        beat: Between two signs of life.
        dead_after: Without one, after which a worker counts as dead. At least five beats.
        sweep: Between two looks for jobs that nobody sees to.
        look: Between two looks into a queue that was empty.
        rest: For which an account rests after what passes by itself, such as maintenance at kie.ai.
    """

    beat: float = 5.0
    dead_after: float = 30.0
    sweep: float = 10.0
    look: float = 1.0
    rest: float = 30.0
