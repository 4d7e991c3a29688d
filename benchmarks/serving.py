"""Run minimal servers in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]


@contextmanager
def minimal_server(name: str = "server", *arguments: object) -> Iterator[str]:
    """Run a minimal server, by default kie.ai's, and yield its address."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()
