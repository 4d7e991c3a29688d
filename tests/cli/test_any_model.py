"""`kie generate` with models that nobody has written a class for: every parameter has an option that works."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kie_registry.sandbox import Sandbox
from tests.cli.conftest import Run
from tests.models import SWITCH, TEXT, URL, URLS, WHOLE, published, written

FILE = "https://files.example/a"
SCHEMA: dict[str, Any] = {
    "properties": {
        "prompt": TEXT,
        "image_url": URL,
        "video_urls": URLS,
        "audio_url": URL,
        "sound": SWITCH,
        "seed": WHOLE,
        "duration": {"type": "string", "enum": ["5", "10"], "default": "5"},
        "mode": {"type": "string", "enum": ["std", "pro"]},
        "camera": {"type": "object", "properties": {"zoom": {"type": "number"}}},
        "shots": {
            "type": "array",
            "items": {"type": "object", "properties": {"prompt": TEXT, "duration": WHOLE}},
            "maxItems": 5,
        },
        "boxes": {"type": "array", "items": {"type": "array", "items": WHOLE}},
        "tags": {"type": "array", "items": TEXT},
        "style": {"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
        "from": TEXT,
        "max-tokens": WHOLE,
        "out": TEXT,
        "deadline": WHOLE,
        "größe": TEXT,
    },
    "required": ["prompt"],
}
PLUGIN = """
import json, pathlib
from kie_registry import Contract, hookimpl
from kie_registry.building import build_adapter

@hookimpl
def register_models(register):
    contract = json.loads(pathlib.Path(__file__).with_name("film.json").read_text("utf-8"))
    register(build_adapter(Contract.from_json(contract), slug="film"))
"""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox that serves a model of our own, which is added to the user's own models as well."""
    made = published("maker/film", SCHEMA, {"prompt": "a"})
    kinds = {"image_url": "image", "video_urls": "video", "audio_url": "audio"}
    media: dict[str, Any] = {path: {"types": [], "max_bytes": None, "kind": kind} for path, kind in kinds.items()}
    plugins = Path(os.environ["KIE_HOME"], "plugins")
    plugins.mkdir(parents=True)
    (plugins / "film.json").write_text(json.dumps({**made.contract, "media": media}), "utf-8")
    (plugins / "film.py").write_text(PLUGIN, "utf-8")
    documents = {"maker/film": written(made, tmp_path)}
    with Sandbox(latency=0.02, rate_limit=None, read_limit=None, image_scale=0.1, documents=documents) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (("--image", FILE), {"image_url": FILE}),
        (("--images", FILE), {"image_url": FILE}),
        (("--video", FILE, "--videos", FILE), {"video_urls": [FILE, FILE]}),
        (("--audios", FILE), {"audio_url": FILE}),
        (("--generate-audio", "True", "--seed", "5"), {"sound": True, "seed": 5}),
        (("--duration", "10", "--mode", "PRO"), {"duration": "10", "mode": "pro"}),
        (("--camera", '{"zoom": "1.5"}'), {"camera": {"zoom": 1.5}}),
        (
            ("--shots", '{"prompt": "a", "duration": 1}', "--shots", '{"prompt": "b"}'),
            {"shots": [{"prompt": "a", "duration": 1}, {"prompt": "b"}]},
        ),
        (("--shots", '[{"prompt": "a"}, {"prompt": "b"}]'), {"shots": [{"prompt": "a"}, {"prompt": "b"}]}),
        (("--boxes", "[[1, 2], [3]]", "--tags", "a", "--tags", "b"), {"boxes": [[1, 2], [3]], "tags": ["a", "b"]}),
        (("--style", "a"), {"style": "a"}),
        (("--style", "a", "--style", "b"), {"style": ["a", "b"]}),
        (
            ("--from", "a", "--max-tokens", "1", "--input-out", "b", "--input-deadline", "2", "--größe", "c"),
            {"from": "a", "max-tokens": 1, "out": "b", "deadline": 2, "größe": "c"},
        ),
    ],
    ids=ascii,
)
def test_what_an_option_says_is_sent(
    box: Sandbox, run: Run, arguments: tuple[str, ...], sent: dict[str, Any]
) -> None:
    done = run("generate", "maker/film", "a", *arguments, "--no-wait")
    assert (done.returncode, done.stderr.count("Invalid")) == (0, 0), done.stderr
    assert box.tasks[0].input == {"prompt": "a", **sent}


@pytest.mark.usefixtures("box")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seed", "1", "--seed", "2"), "--seed takes one value, and is given 2 times"),
        (("--image", FILE, "--image", FILE), "takes one image, and 2 are given"),
        (("--shots", "{broken"), "is of the wrong type; it takes object"),
        (("--generate-audio", "maybe"), '"maybe" is of the wrong type; it takes boolean'),
    ],
    ids=["one value", "one image", "no JSON", "no truth value"],
)
def test_what_is_wrong_is_said(run: Run, arguments: tuple[str, ...], message: str) -> None:
    done = run("generate", "maker/film", "a", *arguments, "--no-wait")
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr


@pytest.mark.usefixtures("box")
def test_help_shows_every_parameter(run: Run) -> None:
    text = " ".join(run("generate", "maker/film", "--help").stdout.split())
    for words in (
        "--image, --images",
        "IMAGE-PATH|URL",
        "--video, --videos",
        "VIDEO-PATH|URL",
        "--audio, --audios",
        "AUDIO-PATH|URL",
        "--generate-audio",
        "true|false",
        "--duration 5|10",
        "default at kie.ai: 5",
        "--mode std|pro",
        "--seed INTEGER",
        "--camera JSON",
        "up to 5 of them; each with prompt (string; optional)",
        "may be repeated, or one JSON list",
        "--input-out TEXT",
        "kie.ai calls it deadline",
    ):
        assert words in text


@pytest.mark.usefixtures("box")
@pytest.mark.parametrize(
    ("words", "offered"),
    [("--mode ", ["std", "pro"]), ("--mode p", ["pro"]), ("--generate-audio ", ["true", "false"])],
)
def test_completion_offers_the_choices(run: Run, words: str, offered: list[str]) -> None:
    words = f"kie generate maker/film {words}"
    at = str(len(words.split(" ")) - 1)
    done = run(_KIE_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=at)
    assert done.stdout.splitlines() == [f"plain,{value}" for value in offered]
