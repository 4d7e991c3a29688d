"""Run the chaos test and print its figures: ``python -m tests.chaos``."""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from kie_registry.testing.serving import fast_sandbox
from tests.chaos.counting import Count, Report
from tests.chaos.harness import WEBHOOK_KEY, Chaos
from tests.chaos.plan import CREATES, Plan


def run(plan: Plan, scratch: Path) -> Report:
    """Run it in an empty directory, and return what came of it."""
    pictures = scratch / "pictures"
    pictures.mkdir()
    with fast_sandbox(
        latency=0.3,
        visible_after=0.05,
        rate_limit=CREATES,
        drop_answers=0.03,
        failure_rate=0.03,
        credits=1e9,
        image_scale=0.05,
        seed=plan.seed,
        webhook_key=WEBHOOK_KEY,
        callback_retry=0.2,
    ) as box:
        chaos = Chaos(plan, box, scratch / "home", pictures)
        chaos.run()
        return Count(chaos).report()


def main() -> int:
    """Run it as the arguments say; the exit status says whether all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=50)
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
