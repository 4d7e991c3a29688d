"""An adapter file is one that a person would have written, whatever the page says."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kie_registry.specs.adapters import adapter_source
from kie_registry.specs.sentences import plain_title, sentence
from tests.specs.conftest import ROOT

LITERALS = {
    "shape.py": 'Shape = Literal["1:1", "16:9"]',
    "paper.py": 'Paper = Literal["matt", "glossy"]',
    "finish.py": 'Finish = Literal["matt", "glossy"]',
    "steps.py": "Steps = Literal[1, 2]",
    "broken.py": "x = 1",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a generated client, with nothing in it but the types of some parameters."""
    client = tmp_path_factory.mktemp("client")
    (client / "models").mkdir()
    for name, text in LITERALS.items():
        (client / "models" / name).write_text(f"from typing import Literal\n\n{text}\n", "utf-8")
    return client


def contract(parameters: dict[str, Any] | None = None, *required: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "acme/lamp",
        "slug": "lamp",
        "title": "Acme - Lamp",
        "output": "image",
        "input": {"type": "object", "properties": parameters or {}, "required": list(required)},
        "media": {},
        "replaced_by": {},
        "example": None,
        **more,
    }


PICTURE: dict[str, Any] = {"kind": "image", "types": [], "max_bytes": None, "schemes": []}
TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("name", "schema", "line"),
    [
        ("prompt", TEXT, "prompt: str"),
        ("prompt", {**TEXT, "default": "a lamp"}, "prompt: str | None = None"),
        ("steps", {"type": "integer"}, "steps: int"),
        ("strength", {"type": "number"}, "strength: float"),
        ("tiled", {"type": "boolean"}, "tiled: bool"),
        ("camera", {"type": "object"}, "camera: dict[str, Any]"),
        ("words", {"type": "array", "items": TEXT}, "words: list[str]"),
        (
            "boxes",
            {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
            "boxes: list[list[int]]",
        ),
        ("things", {"type": "array"}, "things: list[Any]"),
        ("width", {"type": ["string", "integer", "null"]}, "width: str | int"),
        ("anything", {}, "anything: Any"),
        ("finish", {**TEXT, "enum": ["matt", "glossy"]}, "finish: Finish"),
        ("my_paper", {**TEXT, "enum": ["matt", "glossy", None]}, "my_paper: Paper"),
        ("finishes", {"type": "array", "items": {**TEXT, "enum": ["matt", "glossy"]}}, "finishes: list[Finish]"),
        ("steps", {"type": "integer", "enum": [1, 2]}, "steps: Steps"),
        ("weight", {"type": "number", "enum": [0.5, 1]}, "weight: float"),
        ("mood", {**TEXT, "enum": ["glossy", "matt"]}, "mood: str"),
        ("image_size", {**TEXT, "enum": ["1:1", "16:9"]}, 'aspect_ratio: Shape = native("image_size")'),
        ("class", TEXT, 'class_: str = native("class")'),
        ("x-ray", TEXT, 'x_ray: str = native("x-ray")'),
        ('a"b\\', TEXT, "a_b_: str = native('a\"b\\\\')"),
    ],
)
def test_a_required_parameter_is_declared_as(client: Path, name: str, schema: Any, line: str) -> None:
    assert f"\n    {line}\n" in adapter_source(contract({name: schema}, name), client)


@pytest.mark.parametrize(
    ("name", "schema", "line"),
    [
        ("prompt", TEXT, "prompt: str | None = None"),
        ("anything", {}, "anything: Any = None"),
        (
            "image_urls",
            {"type": "array", "items": TEXT},
            'images: Images | None = native("image_urls", default=None)',
        ),
        ("mask", TEXT, "mask: Image | None = None"),
    ],
)
def test_an_optional_parameter_is_declared_as(client: Path, name: str, schema: Any, line: str) -> None:
    media = {path: PICTURE for path in ("image_urls", "mask") if path == name}
    assert f"\n    {line}\n" in adapter_source(contract({name: schema}, media=media), client)


@pytest.mark.parametrize("name", ["str", "list", "Image", "Any", "größe", "x" * 51])
def test_a_name_that_a_class_cannot_show_is_left_to_the_adapter(client: Path, name: str) -> None:
    source = adapter_source(contract({name: TEXT, "prompt": TEXT}), client)
    (model,) = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    fields = [
        node.target.id
        for node in model.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]
    assert fields == ["prompt"]


def test_required_fields_stand_first(client: Path) -> None:
    source = adapter_source(contract({"prompt": TEXT, "seed": TEXT, "z": TEXT}, "z"), client)
    assert re.findall(r"^    (\w+):", source, re.MULTILINE) == ["z", "prompt", "seed"]


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        ("nano-banana-pro", "NanoBananaPro"),
        ("kling-3-0-video", "Kling30Video"),
        ("4o-image", "M4oImage"),
        ("adapter", "AdapterModel"),
        ("images", "ImagesModel"),
        ("shape", "ShapeModel"),
    ],
)
def test_class_is_named_after_the_slug(client: Path, slug: str, name: str) -> None:
    shape = {"shape": {**TEXT, "enum": ["1:1", "16:9"]}}
    assert f"class {name}(Adapter," in adapter_source(contract(shape, slug=slug), client)


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("Google - Nano Banana Edit", "Google Nano Banana Edit"),
        ("Z-Image", "Z-Image"),
        ("elevenlabs/text-to-dialogue-v3", "elevenlabs/text-to-dialogue-v3"),
        ('end"""\nimport os\nos.abort()', "end import os os.abort()"),
        ("tail\\", "tail"),
        ("{{ 7 * 7 }}{% raw %}", "7 7 raw"),
        ("<Card href='x'>Lamp</Card> **bold**", "Lamp bold"),
        ("Crème “brûlée”", "Creme brulee"),
        ("灯", "acme/lamp"),
        ("", "acme/lamp"),
        ("word " * 40, "word " * 11 + "word"),
        ("w" * 200, "acme/lamp"),
    ],
)
def test_title_is_nothing_but_words(title: str, plain: str) -> None:
    assert plain_title(title, otherwise="acme/lamp") == plain


VIDEO, SOUND = {**PICTURE, "kind": "video"}, {**PICTURE, "kind": "audio"}
LIST = {"type": "array", "items": TEXT}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Make an image, with Acme Lamp"),
        ({"input": {"properties": {"prompt": TEXT}}}, "Make an image from text, with Acme Lamp"),
        ({"output": "audio", "input": {"properties": {"text": TEXT}}}, "Make audio from text, with Acme Lamp"),
        ({"output": "odd"}, "Make a file, with Acme Lamp"),
        (
            {"output": "video", "input": {"properties": {"prompt": TEXT, "a": TEXT}}, "media": {"a": PICTURE}},
            "Make a video from text and an image, with Acme Lamp",
        ),
        (
            {
                "input": {"properties": {"a": LIST, "b": TEXT, "c": TEXT}},
                "media": {"a": PICTURE, "b": VIDEO, "c": SOUND},
            },
            "Make an image from images, a video and audio, with Acme Lamp",
        ),
        (
            {"id": "acme/lamp-upscale", "input": {"properties": {"a": TEXT}}, "media": {"a": PICTURE}},
            "Upscale an image, with Acme Lamp",
        ),
        (
            {"id": "acme/edit", "input": {"properties": {"prompt": TEXT, "a": LIST}}, "media": {"a": PICTURE}},
            "Edit images after a text instruction, with Acme Lamp",
        ),
    ],
)
def test_sentence_says_what_the_model_does(changes: dict[str, Any], said: str) -> None:
    assert sentence(contract(**changes)) == said


HOSTILE = contract(
    {'"); import os; os.abort() #': TEXT, "\n": TEXT, "prompt": TEXT, "\U0001d429rompt": TEXT, "imageUrl": TEXT},
    title='"""\nraise SystemExit\n',
    id="acme/lamp",
)


@pytest.mark.parametrize("clients", ["kie_generated", "kie_acme.clients"])
def test_lint_and_format_hold_whatever_the_page_says(client: Path, clients: str) -> None:
    source = adapter_source(HOSTILE, client, clients=clients)
    ruff = [sys.executable, "-m", "ruff"]
    file = str(ROOT / "plugins" / "kie_models" / "lamp.py")
    ignored = [] if clients == "kie_generated" else ["--ignore=I001"]
    for command in (["check", *ignored], ["format", "--check"]):
        done = subprocess.run(
            [*ruff, *command, "--stdin-filename", file, "-"],
            input=source,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_of_a_page_is_code(client: Path) -> None:
    tree = ast.parse(adapter_source(HOSTILE, client))
    assert [type(node).__name__ for node in tree.body] == ["Expr", "ImportFrom", "ClassDef", "FunctionDef"]
