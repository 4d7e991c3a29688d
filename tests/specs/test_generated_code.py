"""The generated code has names that a person would choose, and runs wherever it stands."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from kie_registry.specs.codegen import generate
from kie_registry.specs.documents import Json, dump_document

MakeDocument = Callable[..., Json]

pytestmark = pytest.mark.xdist_group("generated")

PARAMETERS: Json = {
    "prompt": {"type": "string"},
    "aspect_ratio": {"type": "string", "enum": ["9:16", "1:1", "auto", "16:9"], "default": "1:1"},
    "finish": {"type": "string", "enum": ["matt", "glossy"], "default": "matt"},
    "watts": {"type": "integer", "enum": [60, 25, 40], "default": 25},
    "colours": {"type": "array", "items": {"type": "string", "enum": ["red", "blue", "green"]}},
    "dimmed": {"type": "boolean", "default": False},
}


@pytest.fixture(scope="module")
def models(make_document: MakeDocument, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The freshly generated models of a lamp, imported as a package of another name."""
    home = tmp_path_factory.mktemp("lamp")
    document = make_document(PARAMETERS, info={"title": "Lamp"})
    body = document["paths"]["/api/v1/jobs/createTask"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    body["properties"]["input"]["required"] = ["prompt", "finish"]
    (home / "specs").mkdir()
    (home / "specs" / "lamp-pro.yaml").write_text(dump_document(document), "utf-8")
    generate(home / "specs", home / "fresh_lamp_clients")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(home))
        return importlib.import_module("fresh_lamp_clients.lamp_pro.models")


@pytest.mark.parametrize(
    "name", ["LampProInput", "AspectRatio", "Finish", "Watts", "CreateTaskRequest", "CreateTaskResponse"]
)
def test_class_has_a_plain_name(models: Any, name: str) -> None:
    assert name in models.__all__


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("jobs", {"create_task", "get_task", "get_credits", "get_download_url"}),
        ("files", {"upload_base64", "upload_stream", "upload_url"}),
        ("nano_banana_edit", {"create_task"}),
        ("nano_banana_pro", {"create_task"}),
    ],
)
def test_committed_package_has_one_module_for_each_endpoint(
    committed_package: Path, path: str, names: set[str]
) -> None:
    assert {module.stem for module in (committed_package / path).glob("*.py")} == {"__init__", *names}


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("nano_banana_pro", "NanoBananaProInput"),
        ("nano_banana_pro", "AspectRatio"),
        ("nano_banana_pro", "Resolution"),
        ("nano_banana_pro", "OutputFormat"),
        ("nano_banana_edit", "NanoBananaEditInput"),
        ("nano_banana_edit", "ImageSize"),
        ("jobs", "TaskRecord"),
        ("files", "UploadedFile"),
    ],
)
def test_committed_class_has_a_plain_name(package: str, name: str) -> None:
    assert hasattr(importlib.import_module(f"kie_generated.{package}.models"), name)


@pytest.mark.parametrize("name", ["aspect_ratio", "finish", "watts"])
def test_literal_is_in_the_order_of_the_spec(models: Any, name: str) -> None:
    values = [get_args(part) for part in vars(models).values() if get_args(part)]
    assert tuple(PARAMETERS[name]["enum"]) in values


def test_literal_of_items_is_in_the_order_of_the_spec(models: Any) -> None:
    values = [get_args(part) for part in vars(models).values() if get_args(part)]
    assert ("red", "blue", "green") in values


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="only-what-is-required"),
        pytest.param({"aspect_ratio": "1:1"}, id="a-default-that-is-given"),
        pytest.param({"dimmed": False}, id="false"),
        pytest.param({"colours": []}, id="empty-list"),
    ],
)
def test_only_what_is_given_is_sent(models: Any, given: Json) -> None:
    given = {"prompt": "a", "finish": "glossy", **given}
    assert models.LampProInput(**given).to_dict() == given


def test_required_parameter_with_a_default_is_sent(models: Any) -> None:
    assert models.LampProInput(prompt="a").to_dict() == {"prompt": "a", "finish": "matt"}


def test_default_that_is_not_sent_is_documented(models: Any) -> None:
    assert 'Default: "1:1"' in models.LampProInput.__doc__


def test_generated_package_runs_under_another_name_by_itself(generated: Path, tmp_path: Path) -> None:
    shutil.copytree(generated / "clients", tmp_path / "elsewhere")
    program = """
import json
from elsewhere.paint_lantern.create_task import request_kwargs
from elsewhere.paint_lantern.models import CreateTaskRequest, PaintLanternInput
given = PaintLanternInput(prompt="a", finish="glossy", aspect_ratio="16:9")
print(json.dumps(request_kwargs(body=CreateTaskRequest(input_=given))))
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == {
        "method": "POST",
        "url": "/api/v1/jobs/createTask",
        "json": {
            "model": "acme/paint-lantern",
            "input": {"prompt": "a", "finish": "glossy", "aspect_ratio": "16:9"},
        },
    }


def test_parameter_called_x_ray_reaches_the_code(generated: Path) -> None:
    code = (generated / "clients" / "paint_kite" / "models" / "paint_kite_input.py").read_text("utf-8")
    assert '"x-ray"' in code
