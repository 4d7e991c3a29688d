"""One batch by ``kie batch run``, which is killed at random moments and run again until nothing is left to do."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kie_registry.ledger import SqliteLedger
from kie_registry.sandbox import Sandbox
from kie_registry.sandbox.recording import RecordedRequest
from tests.chaos import misfortunes
from tests.chaos.plan import MODEL, Plan, prompt_of

_ROOT = Path(__file__).parents[2]
_ROUNDS = 30
_TICK = 0.02
_STALLED = 120.0
"""Seconds without a request after which a run is taken for one that hangs."""


class BatchChaos:
    """One run.

    Args:
        plan: How much is to happen.
        box: The server.
        home: The home of all processes, with the ledger.
        pictures: Where all files go.

    Attributes:
        plan: The plan.
        ledger: The ledger.
        handed_out: The numbers of all jobs.
        kills: How many processes were killed.
        rounds: How often the command was run.
        told: What the last run said of the batch, as JSON, and its exit status.
        mishaps: What should not have happened.
        requests: All requests to create a task that the server has had.
    """

    def __init__(self, plan: Plan, box: Sandbox, home: Path, pictures: Path) -> None:
        self.plan = plan
        self.box = box
        self.pictures = pictures
        self.ledger = SqliteLedger(home / "ledger.sqlite3")
        self.handed_out = set(range(plan.jobs))
        self.kills = 0
        self.rounds = 0
        self.told: dict[str, Any] = {}
        self.status = 0
        self.mishaps: list[str] = []
        self.requests: list[RecordedRequest] = []
        self._last: RecordedRequest | None = None
        self._chance = random.Random(plan.seed)
        self._manifest = home / "jobs.jsonl"
        self._environment = {
            **os.environ,
            "KIE_API_KEY": box.key,
            "KIE_BASE_URL": box.url,
            "KIE_UPLOAD_URL": box.url,
            "KIE_HOME": str(home),
        }
        # By how many tasks there are; before the first, while the jobs are planned.
        self._moments = sorted(self._chance.uniform(-0.1, 0.98) * plan.jobs for _ in range(plan.kills))

    def run(self) -> None:
        """Run the batch until nothing is left to do."""
        self._manifest.parent.mkdir(exist_ok=True)
        lines = (json.dumps({"prompt": prompt_of(number)}) + "\n" for number in range(self.plan.jobs))
        self._manifest.write_text("".join(lines), "utf-8")
        try:
            while self._moments or self.told.get("left", 1) or self.told.get("late"):
                self._run_once()
                if self.rounds > _ROUNDS:
                    self.mishaps.append(f"after {_ROUNDS} runs there is still something to do")
                    break
        finally:
            self.ledger.close()

    def _run_once(self) -> None:
        self.rounds += 1
        # On odd runs the clock jumps.
        seed = str(self._chance.random()) if self.rounds % 2 else ""
        command = [sys.executable, "-m", "tests.chaos.batch_command", seed, "batch", "run", str(self._manifest)]
        options = ["--model", MODEL, "--out", str(self.pictures), "--concurrency", "400", "--json"]
        with subprocess.Popen(
            [*command, *options],
            cwd=_ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            began = time.monotonic()
            while process.poll() is None:
                time.sleep(_TICK)
                self._note_requests()
                self._trouble()
                if self._kill_is_due(time.monotonic() - began):
                    time.sleep(self._chance.random() ** 2 * 0.05)
                    process.kill()
                    self.kills += 1
                    self._moments.pop(0)
                    break
            output, said = process.communicate(timeout=_STALLED)
            self._note_requests()
            if process.returncode >= 0:
                self._read(process.returncode, output, said)

    def _read(self, status: int, output: str, said: str) -> None:
        """Read what a run said that ended by itself."""
        self.status = status
        try:
            self.told = json.loads(output)
        except ValueError:
            self.mishaps.append(f"a run ended with {status}, and said {said[-2000:]}")
            self.told = {}
        if self._moments and not self.told.get("left", 1):
            self._moments.clear()

    def _kill_is_due(self, seconds: float) -> bool:
        """Whether it is time to kill: for so many tasks, or while the first are being planned."""
        if not self._moments:
            return False
        moment = self._moments[0]
        return (moment < 0 and seconds > -moment / self.plan.jobs * 10) or 0 <= moment <= self._tasks()

    def _tasks(self) -> int:
        return len(self.box._service.tasks._tasks)

    def _trouble(self) -> None:
        """Let something go wrong now and then."""
        if self._chance.random() < 0.05:
            misfortunes.prepare(self.box, self._chance)

    def _note_requests(self) -> None:
        """Keep what the server has had: it keeps the latest alone."""
        new = list(itertools.takewhile(lambda each: each is not self._last, reversed(self.box.requests)))
        if new:
            self._last = new[0]
        self.requests += [each for each in reversed(new) if each.path.endswith("/createTask")]
