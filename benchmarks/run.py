"""Measure, in ratios within one run: CPU time, because the wall clock of a busy machine tells nothing.

Each figure is the median of several rounds in which what is compared takes turns.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.generating import ROUNDS, generate_at_once_ratio, generate_ratio, minimal_server
from benchmarks.ledger import cpu_per_job

_HERE = Path(__file__).parent


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
    for _ in range(ROUNDS):
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
        at_once, raw_at_once = asyncio.run(generate_at_once_ratio(address))
    with tempfile.TemporaryDirectory() as scratch:
        home, installed, added, pages = (Path(scratch) / name for name in ("home", "installed", "added", "pages"))
        for directory in (installed, pages):
            directory.mkdir()
        os.environ["KIE_HOME"] = str(home)
        install_models(installed, distributions=50, models=10)
        starts = start_up(installed, added, add_models(added, pages, number=100))
    unit = starts["httpx"]
    rows = [
        (f"CPU of one `generate()` / raw httpx doing the same two requests ({raw * 1e3:.1f} ms)", ratio, "1.15"),
        (
            f"CPU of one asynchronous, 100 at once / raw httpx doing the same ({raw_at_once * 1e3:.1f} ms)",
            at_once,
            "0.4",
        ),
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
