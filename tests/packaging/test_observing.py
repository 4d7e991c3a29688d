"""A plugin that observes calls and adds a command, installed from a wheel of its own beside ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from kie_registry.sandbox import Sandbox
from tests.packaging.conftest import Environment

pytestmark = pytest.mark.xdist_group("packaging")


def test_an_installed_plugin_sees_what_a_call_costs(fresh: Environment, tmp_path: Path, box: Sandbox) -> None:
    variables = {"KIE_API_KEY": box.key, "KIE_BASE_URL": box.url, "KIE_HOME": str(tmp_path / "home")}
    done = fresh.run("kie generate nano-banana-pro 'a lighthouse' && kie acme-spent", tmp_path, **variables)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "4"), done.stderr


def test_the_command_of_an_installed_plugin_is_listed(fresh: Environment, tmp_path: Path) -> None:
    listed = fresh.run("kie --help", tmp_path).stdout
    assert "acme-spent  Print the credits that were spent." in listed
