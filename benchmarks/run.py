"""Measure, in ratios within one run: CPU time, because the wall clock of a busy machine tells nothing.

Each figure is the median of several rounds in which what is compared takes turns.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.ledger import cpu_per_job
from kie_registry import Kie

_HERE = Path(__file__).parent
_ROUNDS = int(os.environ.get("KIE_BENCH_ROUNDS", "5"))
_CALLS = 150
_INPUT: dict[str, Any] = {"prompt": "a lighthouse at dawn", "aspect_ratio": "16:9", "resolution": "2K"}


@contextmanager
def minimal_server() -> Iterator[str]:
    """Run the minimal server in a process of its own and yield its address."""
    with subprocess.Popen([sys.executable, _HERE / "server.py"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def cpu_per_call(call: Callable[[], object]) -> float:
    """Return the CPU seconds that one call takes in this process."""
    started = time.process_time()
    for _ in range(_CALLS):
        call()
    return (time.process_time() - started) / _CALLS


def generate_ratio(address: str) -> tuple[float, float]:
    """Return our CPU time for one generate as a ratio to raw httpx, and raw httpx's in seconds."""
    with (
        httpx.Client(base_url=address, headers={"Authorization": "Bearer key"}) as raw,
        Kie("key", base_url=address, upload_url=address, creates=None, reads=None, poll_interval=0) as kie,
    ):

        def with_httpx() -> None:
            body = {"model": "nano-banana-pro", "input": _INPUT}
            created = raw.post("/api/v1/jobs/createTask", json=body).json()
            raw.get("/api/v1/jobs/recordInfo", params={"taskId": created["data"]["taskId"]}).json()

        def with_kie() -> None:
            kie.generate("nano-banana-pro", **_INPUT)

        with_httpx()
        with_kie()
        rounds = [(cpu_per_call(with_kie), cpu_per_call(with_httpx)) for _ in range(_ROUNDS)]
    ratios = [ours / theirs for ours, theirs in rounds]
    return statistics.median(ratios), statistics.median(theirs for _, theirs in rounds)


def cpu_of(*arguments: str, **variables: str) -> float:
    """Return the CPU seconds of a whole Python process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, **variables}
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def start_up(installed: Path, added: Path, page: Path) -> dict[str, float]:
    """Return the CPU seconds of each start, without those of the bare interpreter."""
    more, own = {"PYTHONPATH": str(installed)}, {"KIE_HOME": str(added)}
    kie = ["-m", "kie_registry.cli"]
    commands: dict[str, tuple[list[str], dict[str, str]]] = {
        "bare": (["-c", "pass"], {}),
        "httpx": (["-c", "import httpx"], {}),
        "import": (["-c", "import kie_registry"], {}),
        "models": ([*kie, "models"], {}),
        "import 500": (["-c", "import kie_registry"], more),
        "models 500": ([*kie, "models"], more),
        "show": ([*kie, "models", "show", "nano-banana-pro"], {}),
        "show 100": ([*kie, "models", "show", "nano-banana-pro"], own),
        "models 100": ([*kie, "models"], own),
        "add": ([*kie, "models", "add", "--replace", str(page)], own),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(_ROUNDS):
        for name, (arguments, variables) in commands.items():
            times[name].append(cpu_of(*arguments, **variables))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    return {name: taken - medians["bare"] for name, taken in medians.items()}


def add_models(home: Path, pages: Path, *, number: int) -> Path:
    """Add as many models to `home`, from pages of their own, and return one of the pages."""
    published = (_HERE.parent / "specs" / "nano-banana-pro.yaml").read_text("utf-8")
    for at in range(number):
        (pages / f"{at}.yaml").write_text(published.replace("nano-banana-pro", f"bench/kite-{at}"), "utf-8")
    cpu_of("-m", "kie_registry.cli", "models", "add", str(pages), KIE_HOME=str(home))
    return pages / "0.yaml"


def install_models(directory: Path, *, distributions: int, models: int) -> None:
    """Make as many distributions, each with as many models, as an installer would leave them."""
    for number in range(distributions):
        info = directory / f"kie_bench_{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: kie-bench-{number}\nVersion: 1.0\n")
        lines = [f"bench/model-{number}-{at} = kie_bench_{number}.model_{at}" for at in range(models)]
        (info / "entry_points.txt").write_text("\n".join(["[kie_registry.models]", *lines]) + "\n")


def main() -> None:
    """Print the table."""
    with minimal_server() as address:
        ratio, raw = generate_ratio(address)
    with tempfile.TemporaryDirectory() as scratch:
        home, installed, added, pages = (Path(scratch) / name for name in ("home", "installed", "added", "pages"))
        for directory in (installed, pages):
            directory.mkdir()
        os.environ["KIE_HOME"] = str(home)
        install_models(installed, distributions=50, models=10)
        starts = start_up(installed, added, add_models(added, pages, number=100))
    unit = starts["httpx"]
    rows = [
        (f"CPU of one `generate()` / raw httpx doing the same two requests ({raw * 1e3:.1f} ms)", ratio, "1.25"),
        (f"CPU of `import kie_registry` / `import httpx` ({unit * 1e3:.0f} ms)", starts["import"] / unit, "0.6"),
        ("the same with 500 installed models", starts["import 500"] / unit, "no growth"),
        ("CPU of `kie models` / `import httpx`", starts["models"] / unit, ""),
        ("the same with 500 installed models, all listed", starts["models 500"] / unit, "no growth"),
        ("the same with 100 added models, all listed", starts["models 100"] / unit, "+10 %"),
        ("CPU of `kie models show` / `import httpx`", starts["show"] / unit, ""),
        ("the same with 100 added models", starts["show 100"] / unit, "+10 %"),
        ("CPU of `kie models add PAGE` / `import httpx`", starts["add"] / unit, ""),
        ("CPU that the ledger adds to a job, in ms", cpu_per_job() * 1e3, "1"),
    ]
    print("| measure | ratio | aim |\n|---|---|---|")
    for measure, value, aim in rows:
        print(f"| {measure} | {value:.2f} | {aim} |")


if __name__ == "__main__":
    main()
