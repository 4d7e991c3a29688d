"""Run a batch that is killed again and again, and print its figures: ``python -m tests.chaos.batch``."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from kie_registry.testing.serving import fast_sandbox
from tests.chaos.batch_counting import BatchCount
from tests.chaos.batch_harness import BatchChaos
from tests.chaos.counting import Report
from tests.chaos.plan import Plan


def run(plan: Plan, scratch: Path) -> Report:
    """Run it in an empty directory, and return what came of it."""
    pictures = scratch / "pictures"
    with fast_sandbox(
        latency=0.5,
        visible_after=0.05,
        drop_answers=0.01,
        failure_rate=0.03,
        credits=1e9,
        image_scale=0.05,
        seed=plan.seed,
    ) as box:
        chaos = BatchChaos(plan, box, scratch / "home", pictures)
        chaos.run()
        return BatchCount(chaos).report()


def main() -> int:
    """Run it as the arguments say; the exit status says whether all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.batch", description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    started = time.monotonic()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        report = run(Plan(given.jobs, given.kills, given.seed), Path(scratch))
    print(f"{time.monotonic() - started:.0f} s\n\n{report.table()}")
    for problem in report.problems:
        print(f"WRONG: {problem}")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
