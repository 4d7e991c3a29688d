"""The harness of the chaos test: hands out jobs, makes things go wrong, kills, and has all collected."""

from __future__ import annotations

import itertools
import random
import socket
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue

from kie_registry.ledger import SqliteLedger, State
from kie_registry.sandbox import Sandbox
from kie_registry.sandbox.recording import RecordedRequest
from tests.chaos import misfortunes
from tests.chaos.plan import AT_ONCE, MODEL, Plan, prompt_of, wants_callback
from tests.chaos.processes import Heard, Process

_WORKERS = ("threads", "tasks")
_STAFF = ("threads", "threads", "tasks", "collector")
_COMMANDS_AT_ONCE = 2
_ROUNDS = 20

_MOMENTS = ("took", "submitting", "submitting", "submitting", "submitted", "status", "done", "collected")
"""What a process says just before it is killed; createTask leaves right after the commonest."""

_PATIENCE = 120.0
"""Seconds until a process that says nothing is taken for one that hangs."""

WEBHOOK_KEY = "webhook-key-of-the-chaos-test"


class Chaos:
    """One run.

    Args:
        plan: How much is to happen.
        box: The server.
        home: The home of all processes, with the ledger.
        pictures: Where all files go.

    Attributes:
        plan: The plan.
        ledger: The ledger.
        handed_out: The jobs that a process has begun with.
        kills: How many processes were killed.
        outcomes: How calls ended, as far as their processes could say.
        errors: What they raised.
        mishaps: What should not have happened.
        requests: All requests that the server has had.
    """

    def __init__(self, plan: Plan, box: Sandbox, home: Path, pictures: Path) -> None:
        self.plan = plan
        self.box = box
        self.pictures = pictures
        self.ledger = SqliteLedger(home / "ledger.sqlite3")
        self.handed_out: set[int] = set()
        self.kills = 0
        self.outcomes: Counter[str] = Counter()
        self.errors: list[str] = []
        self.mishaps: list[str] = []
        self.requests: list[RecordedRequest] = []
        self._chance = random.Random(plan.seed)
        self._moment = "submitting"
        self._heard: SimpleQueue[Heard] = SimpleQueue()
        self._living: list[Process] = []
        self._for_commands = deque(range(0, plan.jobs, 15))
        self._for_workers = deque(sorted(set(range(plan.jobs)) - set(self._for_commands)))
        self._rounds = 0
        self._callbacks = _listen()
        self._callback_url = f"http://127.0.0.1:{self._callbacks.getsockname()[1]}/"
        self._environment = {
            "KIE_API_KEY": box.key,
            "KIE_BASE_URL": box.url,
            "KIE_UPLOAD_URL": box.url,
            "KIE_HOME": str(home),
            "KIE_LOG": "info",
        }

    def run(self) -> None:
        """Do all jobs, and collect what can be collected."""
        try:
            self._work()
            self._take_callbacks()
            self._dismiss_all()
            self._collect()
            self._note_requests()
        finally:
            for process in self._living:
                process.kill()
            self._hear_all()
            self._callbacks.close()
            self.ledger.close()

    def _work(self) -> None:
        while self._for_commands or self._for_workers or self._at_work():
            self._hire()
            self._hand_out()
            self._hear()
            self._note_requests()

    def _note_requests(self) -> None:
        """Keep what the server has had: it keeps the latest alone."""
        new = list(itertools.takewhile(lambda each: each not in self.requests[-1:], reversed(self.box.requests)))
        self.requests += reversed(new)

    def _at_work(self) -> bool:
        return any(process.given or process.busy for process in self._living if process.role != "collector")

    def _hire(self) -> None:
        """Start what was not started yet, or was killed."""
        missing = Counter(_STAFF) - Counter(process.role for process in self._living)
        for role in missing.elements():
            url = [self._callback_url] if role in _WORKERS else []
            self._start(role, str(self.pictures), *url)
        if not self._are("receiver"):
            listener = self._callbacks.fileno()
            self._start("receiver", str(listener), WEBHOOK_KEY, descriptors=[listener], steady=True)

    def _hand_out(self) -> None:
        for process in self._living:
            while process.role in _WORKERS and self._has_time(process) and self._for_workers:
                misfortunes.prepare(self.box, self._chance)
                process.give(self._for_workers.popleft())
        while self._for_commands and self._are("kie") < _COMMANDS_AT_ONCE:
            misfortunes.prepare(self.box, self._chance)
            self._generate_by_command(self._for_commands.popleft())

    def _has_time(self, process: Process) -> bool:
        return not process.killed and len(process.given | process.busy) < AT_ONCE

    def _generate_by_command(self, number: int) -> None:
        url = ["--callback-url", self._callback_url] if wants_callback(number) else []
        where = ["--out", str(self.pictures), "--name", f"job-{number}"]
        process = self._start("kie", "generate", MODEL, prompt_of(number), *where, *url)
        process.busy.add(number)
        self.handed_out.add(number)

    def _start(self, *role: str, descriptors: Sequence[int] = (), steady: bool = False) -> Process:
        """Start a process; the clock of a receiver is a steady one, as signatures are not taken any other time."""
        seed = "" if steady else str(self._chance.random())
        self._living.append(Process(role, seed, self._heard, self._environment, descriptors))
        return self._living[-1]

    def _are(self, role: str) -> int:
        return sum(process.role == role for process in self._living)

    def _hear(self, patience: float = _PATIENCE) -> None:
        """Wait for what a process says next, and see whether that was its last word."""
        process, line = self._heard.get(timeout=patience)
        if line is None:
            self._bury(process)
            return
        process.said.append(line)
        match line.split():
            case ["took", number]:
                process.given.discard(int(number))
                process.busy.add(int(number))
                if process.role in _WORKERS:
                    self.handed_out.add(int(number))
            case ["error", *words]:
                self.errors.append(" ".join(words))
            case ["done", number, outcome]:
                process.busy.discard(int(number))
                self._note(process, outcome)
        if self._kill_is_due() and (self._moment in line or not self._for_workers):
            self._kill_one(process)

    def _note(self, process: Process, outcome: str) -> None:
        if process.role == "collector":
            return
        self.outcomes[outcome] += 1
        for collector in self._living:
            if collector.role == "collector" and not collector.given | collector.busy:
                self._rounds += 1
                collector.give(self._rounds)

    def _kill_is_due(self) -> bool:
        """Whether more should have been killed by now; all are, when nine in ten jobs are handed out."""
        return self.kills < min(self.plan.kills, self.plan.kills * len(self.handed_out) / self.plan.jobs / 0.9)

    def _kill_one(self, speaker: Process) -> None:
        """Kill the process that spoke last, or now and then another one; at once, or some moments later."""
        others = [process for process in self._living if not process.killed]
        victim = speaker if not speaker.killed and self._chance.random() < 0.7 else self._chance.choice(others)
        if self._chance.random() < 0.7:
            time.sleep(self._chance.random() ** 2 * 0.02)
        victim.kill()
        self.kills += 1
        self._moment = self._chance.choice(_MOMENTS)

    def _bury(self, process: Process) -> None:
        """Take back what a process that has ended has not begun with."""
        self._living.remove(process)
        process.dismiss()
        if process.role in _WORKERS:
            self._for_workers.extendleft(process.given)
        # The command line says by 1 that a task failed, by 3 that nobody knows whether it was accepted.
        fine = (0, 1, 3) if process.role == "kie" else (0,)
        if any("Traceback" in line or "This is a bug" in line for line in process.said) or not (
            process.killed or process.status in fine
        ):
            said = "\n".join(process.said)
            self.mishaps.append(f"{process.role} ended with {process.status} and said:\n{said}")

    def _take_callbacks(self) -> None:
        """Wait until the server has nothing more to post."""
        while any(callback.state == "pending" for callback in self.box.callbacks):
            self._hire()
            try:
                self._hear(0.1)
            except Empty:
                continue

    def _dismiss_all(self) -> None:
        for process in self._living:
            process.dismiss()
        self._hear_all()

    def _hear_all(self) -> None:
        while self._living:
            self._hear()

    def _collect(self) -> None:
        """Have three at once collect, again and again, until there is nothing more; kill some of them."""
        to_kill = self.plan.kills // 5
        for _ in range(_ROUNDS):
            if not self.is_pending():
                return
            for _ in range(3):
                self._start("kie", "collect", "--out", str(self.pictures))
            while self._living:
                self._hear()
                alive = [process for process in self._living if not process.killed]
                if to_kill and alive and self._chance.random() < 0.1:
                    self._chance.choice(alive).kill()
                    self.kills, to_kill = self.kills + 1, to_kill - 1
        self.mishaps.append(f"after {_ROUNDS} rounds of collecting there is still something to collect")

    def is_pending(self) -> bool:
        """Whether there is anything to collect."""
        self.ledger.recover()
        return bool(self.ledger.jobs(states=[State.RUNNING, State.SUCCEEDED], limit=1))


def _listen() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.set_inheritable(True)
    return listener
