"""Nothing is paid twice and nothing paid for is lost, whatever breaks; ``make chaos`` runs it long."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.plan import Plan
from tests.chaos.program import run


def test_nothing_is_paid_twice_and_nothing_paid_for_is_lost(tmp_path: Path) -> None:
    report = run(Plan(jobs=40, kills=5, seed=1), tmp_path)
    print(report.table())
    assert not report.problems
    assert report.figures["processes killed"] >= 5
    assert report.figures["tasks accepted"] >= 20
