"""The wheel, and a third-party plugin beside it, in an environment that knows nothing of the checkout."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from kie_registry.sandbox import Sandbox
from tests.packaging.conftest import CHECKOUT, Environment

pytestmark = pytest.mark.xdist_group("packaging")

SKETCH = CHECKOUT / "tests/third_party/kie-acme/kie_acme/sketch/openapi.yaml"


@pytest.mark.parametrize(
    "name",
    [
        "kie_registry/py.typed",
        "kie_generated/py.typed",
        "kie_models/py.typed",
        "kie_generated/index.json",
        "kie_generated/nano_banana_pro/contract.json",
        "kie_generated/nano_banana_pro/openapi.yaml",
        "kie_registry/specs/openapi-python-client.yaml",
        "kie_registry/specs/templates/endpoint_module.py.jinja",
        "kie_registry/specs/templates/LICENSE",
    ],
)
def test_the_wheel_holds(fresh: Environment, name: str) -> None:
    (wheel,) = (fresh.checkout / "dist").glob("*.whl")
    assert name in zipfile.ZipFile(wheel).namelist()


def test_the_wheel_holds_the_three_packages_alone(fresh: Environment) -> None:
    (wheel,) = (fresh.checkout / "dist").glob("*.whl")
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"kie_registry", "kie_generated", "kie_models", "kie_registry-0.1.0.dist-info"}


def test_the_library_comes_from_the_wheel(fresh: Environment, tmp_path: Path) -> None:
    done = fresh.run("python -c 'import kie_registry; print(kie_registry.__file__)'", tmp_path)
    assert done.stdout.startswith(str(fresh.root))


def test_the_plugin_is_listed(fresh: Environment, tmp_path: Path) -> None:
    listed = json.loads(fresh.run("kie models --json", tmp_path).stdout)
    origins = {each["id"]: each["origin"] for each in listed}
    assert origins["acme/sketch"] == "kie-acme (kie_acme.sketch)"
    assert "nano-banana-pro" in origins


def test_the_plugins_model_is_described(fresh: Environment, tmp_path: Path) -> None:
    shown = json.loads(fresh.run("kie models show sketch --json", tmp_path).stdout)
    assert (shown["id"], shown["aliases"]) == ("acme/sketch", ["sketch"])
    assert [parameter["name"] for parameter in shown["parameters"]] == ["prompt", "image", "style"]


def run_sketch(
    fresh: Environment, box: Sandbox, directory: Path, extra: str = ""
) -> subprocess.CompletedProcess[str]:
    command = f"kie generate sketch 'a pencil sketch' --image photo.jpg {extra}"
    return fresh.run(command, directory, KIE_API_KEY=box.key, KIE_BASE_URL=box.url, KIE_UPLOAD_URL=box.url)


@pytest.mark.usefixtures("photo")
def test_the_plugins_model_runs(fresh: Environment, tmp_path: Path) -> None:
    with Sandbox(latency=0.05, image_scale=0.1, documents={"acme/sketch": SKETCH}) as box:
        done = run_sketch(fresh, box, tmp_path, "--style INK")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / done.stdout.strip()).stat().st_size > 0
        assert set(box.tasks[0].input) == {"text", "image_url", "style"}
        assert box.tasks[0].input["style"] == "ink"


@pytest.mark.usefixtures("photo")
def test_the_plugins_limits_hold(fresh: Environment, tmp_path: Path, box: Sandbox) -> None:
    done = run_sketch(fresh, box, tmp_path, "--style oil")
    assert (done.returncode, '"pencil", "ink"' in done.stderr) == (2, True)
    assert box.requests == []
