"""Measure what starting costs: the import, and the commands that ask nobody."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.rows import QUICK, ROUNDS, Row
from benchmarks.serving import CHECKOUT

_DISTRIBUTIONS, _OF_EACH = 50, 10
_ADDED = 3 if QUICK else 100


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
        "import, installed": (["-c", "import kie_registry"], more),
        "models, installed": ([*kie, "models"], more),
        "show": ([*kie, "models", "show", "nano-banana-pro"], {}),
        "show, added": ([*kie, "models", "show", "nano-banana-pro"], own),
        "models, added": ([*kie, "models"], own),
        "add": ([*kie, "models", "add", "--replace", str(page)], own),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, (arguments, variables) in commands.items():
            times[name].append(cpu_of(*arguments, **variables))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    return {name: taken - medians["bare"] for name, taken in medians.items()}


def rows() -> list[Row]:
    """Return the rows of the table."""
    with tempfile.TemporaryDirectory() as scratch:
        home, installed, added, pages = (Path(scratch) / name for name in ("home", "installed", "added", "pages"))
        for directory in (installed, pages):
            directory.mkdir()
        os.environ["KIE_HOME"] = str(home)
        install_models(installed)
        starts = start_up(installed, added, add_models(added, pages))
    unit = starts.pop("httpx")
    beside = f"`import httpx`: {unit * 1e3:.0f} ms"
    some, more = f"the same with {_DISTRIBUTIONS * _OF_EACH} installed models", f"{_ADDED} added models"
    named = [
        ("import", "CPU of `import kie_registry` / `import httpx`", "0.6"),
        ("import, installed", some, "no growth"),
        ("models", "CPU of `kie models` / `import httpx`", ""),
        ("models, installed", f"{some}, all listed", "no growth"),
        ("models, added", f"the same with {more}, all listed", "+10 %"),
        ("show", "CPU of `kie models show` / `import httpx`", ""),
        ("show, added", f"the same with {more}", "+10 %"),
        ("add", "CPU of `kie models add PAGE` / `import httpx`", ""),
    ]
    return [Row(measure, f"{starts[name] / unit:.2f}", aim, beside) for name, measure, aim in named]


def add_models(home: Path, pages: Path) -> Path:
    """Add as many models to `home`, from pages of their own, and return one of the pages."""
    published = (CHECKOUT / "specs" / "nano-banana-pro.yaml").read_text("utf-8")
    for at in range(_ADDED):
        (pages / f"{at}.yaml").write_text(published.replace("nano-banana-pro", f"bench/kite-{at}"), "utf-8")
    cpu_of("-m", "kie_registry.cli", "models", "add", str(pages), KIE_HOME=str(home))
    return pages / "0.yaml"


def install_models(directory: Path) -> None:
    """Make as many distributions, each with as many models, as an installer would leave them."""
    for number in range(_DISTRIBUTIONS):
        info = directory / f"kie_bench_{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: kie-bench-{number}\nVersion: 1.0\n")
        lines = [f"bench/model-{number}-{at} = kie_bench_{number}.model_{at}" for at in range(_OF_EACH)]
        (info / "entry_points.txt").write_text("\n".join(["[kie_registry.models]", *lines]) + "\n")
