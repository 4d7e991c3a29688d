"""The processes of the chaos test."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import TypeAlias

_ROOT = Path(__file__).parents[2]

Heard: TypeAlias = "tuple[Process, str | None]"
"""A line that a process has said; None when it has ended."""


class Process:
    """A process, started here.

    Args:
        role: Its role, and what belongs to that.
        seed: What its clock jumps by.
        heard: Where its lines go.
        environment: Its environment.
        descriptors: What it inherits.

    Attributes:
        role: The name of its role.
        given: The numbers that it was given and has not read, as far as is known.
        busy: The numbers that it has read and is not done with.
        killed: Whether it was killed.
        said: The last lines that it has said.
    """

    def __init__(
        self,
        role: Sequence[str],
        seed: str,
        heard: SimpleQueue[Heard],
        environment: Mapping[str, str],
        descriptors: Sequence[int] = (),
    ) -> None:
        self.role = role[0]
        self.given: set[int] = set()
        self.busy: set[int] = set()
        self.killed = False
        self.said: deque[str] = deque(maxlen=40)
        self._heard = heard
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.worker", seed, *role],
            cwd=_ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=descriptors,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def give(self, number: int) -> None:
        """Tell it a number."""
        self.given.add(number)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{number}\n")
            self._process.stdin.flush()

    def dismiss(self) -> None:
        """Tell it that there is nothing more."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def kill(self) -> None:
        """End it, in the middle of whatever it does."""
        self.killed = True
        self._process.kill()

    @property
    def status(self) -> int | None:
        """Its exit status, once it has ended."""
        return self._process.returncode

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._heard.put((self, line.rstrip()))
        self._process.wait()
        self._heard.put((self, None))
