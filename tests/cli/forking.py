"""Running `kie` in processes that have imported it already: each is forked from one that waits for orders.

It is `kie` as its users run it, with arguments, a directory, an environment and streams of its own: all but the
importing, which takes most of the time. ``python -m tests.cli.forking`` is the one that waits.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from attrs import define

_ROOT = Path(__file__).parents[2]
_PATIENCE = 60
"""Seconds that a process may take."""

_IMPORTED = (
    *(f"kie_registry.cli.{name}" for name in ("run", "generate", "models", "task", "account", "plugins", "specs")),
    "encodings.idna",
    "filelock",
    "h11",
    "httpcore",
    "jsonschema_rs",
    "kie_generated.catalog.list_models",
    "kie_generated.nano_banana_edit.create_task",
    "kie_generated.nano_banana_pro.create_task",
    "kie_models.nano_banana_edit",
    "kie_models.nano_banana_pro",
    "kie_registry.adding",
    "kie_registry.client",
    "kie_registry.ledger.database",
    "kie_registry.ledger.filesystems",
    "kie_registry.ledger.owners",
    "kie_registry.ledger.sqlite",
    "kie_registry.results",
    "kie_registry.schemas",
    "kie_registry.specs.catalog",
    "kie_registry.specs.scaffold",
)


@define(eq=False)
class Forks:
    """The process that waits, seen from the tests."""

    _process: subprocess.Popen[str]

    @classmethod
    def start(cls) -> Forks:
        """Start it; it is ready once it has imported everything."""
        command = [sys.executable, "-m", "tests.cli.forking"]
        return cls(subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))

    def run(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], stdin: str, scratch: Path
    ) -> subprocess.CompletedProcess[str]:
        """Run `kie` in a fork, and return what came of it; its streams are files in `scratch`."""
        streams = [scratch / name for name in ("stdin", "stdout", "stderr")]
        streams[0].write_text(stdin, "utf-8")
        order = {
            "arguments": list(arguments),
            "cwd": str(cwd),
            "environment": dict(environment),
            "streams": list(map(str, streams)),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        out, err = (path.read_text() for path in streams[1:])
        return subprocess.CompletedProcess(["kie", *arguments], status, out, err)

    def stop(self) -> None:
        """End it."""
        self._process.communicate()


def _become(order: Mapping[str, Any]) -> NoReturn:
    """Be `kie`, in a process that was forked for it."""
    signal.alarm(_PATIENCE)
    modes = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor, (path, mode) in enumerate(zip(order["streams"], modes, strict=True)):
        os.dup2(os.open(path, mode), descriptor)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.path[0] = order["cwd"]
    sys.argv = ["kie", *order["arguments"]]
    runpy.run_module("kie_registry.cli", run_name="__main__", alter_sys=True)
    sys.exit()


def main() -> None:
    """Take orders, one a line, and answer each with an exit status."""
    # The streams are the forks' own; what is said here goes another way.
    orders, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    for order in orders:
        child = os.fork()
        if child == 0:
            _become(json.loads(order))
        answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        answers.flush()


if __name__ == "__main__":
    main()
