"""The README, followed line by line in the fresh environment, against a sandbox."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kie_registry.sandbox import Sandbox
from kie_registry.specs.vendor import read_sources
from tests.ledger.postgres import Server
from tests.packaging.conftest import CHECKOUT, README, Environment, blocks

pytestmark = pytest.mark.xdist_group("packaging")

KITE = CHECKOUT / "tests/fixtures/paint-kite.md"
PLUGIN = CHECKOUT / "tests/third_party/kie-acme"
IN_THE_CHECKOUT = [
    command
    for block in blocks("sh")
    if block.startswith(("make ", "kie plugins ", "kie specs "))
    for command in block.splitlines()
    if command not in ("make test", "make wheel") and not command.startswith("pip ")
]
IN_THE_SHELL = [
    block for block in blocks("sh") if block.startswith(("kie batch ", "kie generate ", "kie models ", "TASK="))
]
(MANY_MACHINES,) = [block for block in blocks("sh") if "kie worker" in block]
(MANIFEST,) = blocks("json")
(CALLBACKS,) = [block for block in blocks("sh") if "kie webhook listen" in block]
PLUGINS = [block for block in blocks("python") if "def register_models" in block]
TESTS = [block for block in blocks("python") if "AdapterConformance" in block]
PROGRAMS = [block for block in blocks("python") if block not in (*PLUGINS, *TESTS)]


@pytest.fixture(scope="module")
def service() -> Iterator[dict[str, str]]:
    """The variables that lead to a sandbox."""
    with Sandbox(latency=0.1, image_scale=0.2) as box:
        yield {"KIE_API_KEY": box.key, "KIE_BASE_URL": box.url, "KIE_UPLOAD_URL": box.url}


def test_there_is_something_to_follow() -> None:
    assert (len(IN_THE_CHECKOUT), len(IN_THE_SHELL), len(PROGRAMS)) == (8, 5, 9)


@pytest.mark.parametrize("command", IN_THE_CHECKOUT)
def test_commands_for_the_checkout(fresh: Environment, command: str) -> None:
    newer = fresh.checkout / "newer-pages"
    newer.mkdir(exist_ok=True)
    for slug, source in read_sources(CHECKOUT / "specs").items():
        document = (CHECKOUT / "specs" / f"{slug}.yaml").read_text("utf-8")
        page = f"# {source.title}\n\n## OpenAPI\n\n````yaml\n{document}````\n"
        (newer / f"{slug}.md").write_text(page, "utf-8")
    for path in (fresh.checkout / "page.md", newer / "page.md"):
        shutil.copy(KITE, path)
    # The environment of the copy is ours, into which nothing may be installed.
    done = fresh.run(
        f"PATH=$PWD/.venv/bin:$PATH; {command}", fresh.checkout, PIP_DRY_RUN="1", KIE_BENCH_ROUNDS="1"
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", IN_THE_SHELL, ids=range(len(IN_THE_SHELL)))
def test_commands_for_the_shell(fresh: Environment, service: dict[str, str], photo: Path, block: str) -> None:
    shutil.copy(KITE, photo.parent / "page.md")
    (photo.parent / "jobs.jsonl").write_text(MANIFEST, "utf-8")
    home = os.environ["KIE_HOME"]
    done = fresh.run(f"set -euo pipefail\n{block}", photo.parent, **service, KIE_HOME=home)
    assert done.returncode == 0, done.stdout + done.stderr


def test_commands_for_many_machines(
    fresh: Environment, service: dict[str, str], postgres_server: Server, tmp_path: Path
) -> None:
    (tmp_path / "jobs.jsonl").write_text(MANIFEST, "utf-8")
    pictures = tmp_path / "pictures"
    with postgres_server.database() as name:
        export, *commands = MANY_MACHINES.replace("/mnt/pictures", str(pictures)).splitlines()
        assert export.startswith("export KIE_DATABASE=")
        install = f'pip install "$(ls {fresh.checkout}/dist/*.whl)[batch]"'
        script = "\n".join(("set -euo pipefail", install, *commands))
        here = {**service, "KIE_HOME": str(tmp_path / "home"), "KIE_DATABASE": postgres_server.url(name)}
        done = fresh.run(script, tmp_path, **here)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.suffix for path in pictures.iterdir()] == [".png", ".png"]


def test_commands_for_callbacks(fresh: Environment, tmp_path: Path) -> None:
    listen, generate = CALLBACKS.replace("--port 8787", "--port 0").splitlines()
    # What stands for the key in the README is the key here.
    with Sandbox(latency=0.1, image_scale=0.2, webhook_key="...") as box:
        service = {"KIE_API_KEY": box.key, "KIE_BASE_URL": box.url, "KIE_HOME": str(tmp_path / "home")}
        with subprocess.Popen(
            ["bash", "-c", listen.replace(" kie ", " exec kie ")],
            cwd=tmp_path,
            env={**fresh.variables(), **service},
            stdout=subprocess.PIPE,
            text=True,
        ) as listening:
            assert listening.stdout is not None
            address = listening.stdout.readline().strip()
            done = fresh.run(generate.replace("https://you.example/", address), tmp_path, **service)
            taken = listening.stdout.readline()
            listening.send_signal(signal.SIGINT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (taken.split()[0] in ("200", "409"), listening.returncode) == (True, 0)


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_programs(fresh: Environment, service: dict[str, str], photo: Path, program: str) -> None:
    script = photo.parent / "program.py"
    script.write_text(program, "utf-8")
    done = fresh.run(f"python -W error {script}", photo.parent, **service)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("program", TESTS, ids=range(len(TESTS)))
def test_tests(fresh: Environment, tmp_path: Path, program: str) -> None:
    (tmp_path / "test_shown.py").write_text(program, "utf-8")
    done = fresh.run(f"{sys.executable} -m pytest -p no:cacheprovider {tmp_path}", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_plugin_shown_is_the_one_that_is_tested() -> None:
    (shown,) = PLUGINS
    assert shown == (PLUGIN / "kie_acme/sketch/__init__.py").read_text("utf-8")


def test_the_hooks_shown_are_those_that_are_tested() -> None:
    assert (CHECKOUT / "examples/credits_per_project.py").read_text("utf-8") in PROGRAMS


def test_its_entry_points_too() -> None:
    (shown,) = blocks("toml")
    assert shown in (PLUGIN / "pyproject.toml").read_text("utf-8")


def test_it_starts_with_what_it_is_and_the_two_commands() -> None:
    assert README.index("```sh\nmake demo\nmake test\n```") < 500
