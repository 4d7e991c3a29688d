"""What a benchmark says. It needs nothing, so that other clients can be measured in environments of their own."""

from __future__ import annotations

import os
from typing import NamedTuple

ROUNDS = int(os.environ.get("KIE_BENCH_ROUNDS", "5"))
"""How often what is compared takes turns."""

QUICK = ROUNDS == 1
"""Whether it is only tried that all of it runs: with few jobs, whose figures tell nothing."""


class Row(NamedTuple):
    """One line of the table.

    Attributes:
        measure: What is measured.
        figure: What came out.
        aim: What it should be, where somebody said so.
        beside: What it is compared with, measured in the same run.
    """

    measure: str
    figure: str
    aim: str = ""
    beside: str = ""

    def __str__(self) -> str:
        return f"| {' | '.join(self)} |"
