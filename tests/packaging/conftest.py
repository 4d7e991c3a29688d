"""A fresh virtual environment in which the built wheel is installed, outside the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

CHECKOUT = Path(__file__).parents[2]
README = (CHECKOUT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of the README in one language."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", README)


def shell_commands() -> list[str]:
    """Return every command of the README, in order."""
    return [line for block in blocks("sh") for line in block.splitlines()]


@frozen
class Environment:
    """A virtual environment, and a copy of the checkout that may be written to.

    Attributes:
        root: The directory of the virtual environment.
        checkout: The copy; its ``.venv`` is that of the checkout.
    """

    root: Path
    checkout: Path

    def variables(self) -> dict[str, str]:
        """Return the environment variables with this environment's commands first."""
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "KIE_"))}
        return {**outside, "PATH": f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    def run(self, command: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command with the commands of this environment."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=cwd,
            env={**self.variables(), **variables},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )


def copy_of_the_checkout(target: Path) -> Path:
    """Copy what belongs to the checkout to `target`; the copy borrows the virtual environment."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (CHECKOUT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target / name)
    (target / ".venv").symlink_to(sys.prefix)
    return target


def make_venv(path: Path) -> Path:
    """Make a virtual environment with our pip, which is there already, and to which it compiles nothing."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)
    pip = path / "bin" / "pip"
    ours = f'"{sys.executable}" -m pip --python "{path}/bin/python"'
    pip.write_text(f'#!/bin/sh\nPIP_COMPILE=0 exec {ours} "$@"\n', "utf-8")
    pip.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Install as the README says, and the third-party plugin from its own wheel."""
    root = tmp_path_factory.mktemp("fresh")
    checkout = copy_of_the_checkout(root / "checkout")
    environment = Environment(make_venv(root / "venv"), checkout)
    build, install = shell_commands()[2:4]
    plugin = f"{sys.executable} -m build --wheel --no-isolation --outdir {root}/plugin tests/third_party/kie-acme"
    for command in (build, install, plugin, f"pip install --no-deps {root}/plugin/*.whl"):
        done = environment.run(command, checkout)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return environment
