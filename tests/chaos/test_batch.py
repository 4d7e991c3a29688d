"""A batch that is killed in the middle loses nothing and pays for nothing twice; ``make chaos`` runs it long."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.batch import run
from tests.chaos.plan import Plan


def test_a_batch_that_is_killed_pays_for_nothing_twice_and_loses_nothing(tmp_path: Path) -> None:
    report = run(Plan(jobs=200, kills=2, seed=1), tmp_path)
    print(report.table())
    assert not report.problems
    assert report.figures["processes killed"] == 2
    assert report.figures["tasks accepted"] >= 100
