"""The other commands of `kie`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from kie_registry import Adapter, Contract, Kie, Registry
from kie_registry.sandbox import Sandbox
from tests.cli.conftest import KIE, Run


def test_models_piped_are_plain_columns(run: Run) -> None:
    lines = run("models").stdout.splitlines()
    assert lines[0].split() == ["MODEL", "ALSO", "MAKES", "TITLE", "FROM"]
    models = [line.split()[0] for line in lines[1:]]
    assert models == sorted({*models, "google/nano-banana-edit", "nano-banana-pro"})


def test_models_need_no_key(run: Run) -> None:
    assert run("models", KIE_API_KEY="").returncode == 0


def test_models_as_json(run: Run) -> None:
    listed = {each["id"]: each for each in json.loads(run("models", "--json").stdout)}
    edit = listed["google/nano-banana-edit"]
    assert (edit["aliases"], edit["output"]) == (["nano-banana-edit"], "image")


def test_models_show(run: Run) -> None:
    text = run("models", "show", "nano-banana-edit").stdout
    for word in ("Google - Nano Banana Edit", "image_urls", "1 to 10", "up to 10 MB each", "21:9"):
        assert word in text


def test_models_show_as_json(run: Run) -> None:
    info = json.loads(run("models", "show", "nano-banana-pro", "--json").stdout)
    resolution = next(each for each in info["parameters"] if each["name"] == "resolution")
    assert resolution["choices"] == ["1K", "2K", "4K"]


def test_models_show_an_unknown_one(run: Run) -> None:
    done = run("models", "show", "nano")
    assert (done.returncode, "nano-banana-pro" in done.stderr) == (2, True)


def test_task_show(kie: Kie, run: Run) -> None:
    task = kie.submit("nano-banana-pro", "a cat")
    task.wait()
    text = run("task", "show", task.id).stdout
    assert "success" in text
    assert task.id in text


def test_task_show_as_json(kie: Kie, run: Run) -> None:
    task = kie.submit("nano-banana-pro", "a cat")
    task.wait()
    shown = json.loads(run("task", "show", task.id, "--json").stdout)
    assert (shown["state"], shown["credits"], shown["raw"]["taskId"]) == ("success", 4.0, task.id)


def test_task_show_an_unknown_one(run: Run) -> None:
    done = run("task", "show", "task_mistyped")
    assert (done.returncode, "Check the id" in done.stderr) == (1, True)


def test_task_wait_saves(kie: Kie, run: Run, tmp_path: Path) -> None:
    task = kie.submit("nano-banana-pro", "a cat")
    done = run("task", "wait", task.id, "--out", "pictures")
    assert (tmp_path / done.stdout.strip()).stat().st_size > 0


def test_credits(run: Run) -> None:
    assert run("credits").stdout == "1000\n"
    assert json.loads(run("credits", "--json").stdout) == {"credits": 1000.0}


def test_upload(run: Run, photo: Path) -> None:
    assert run("upload", str(photo)).stdout.strip().endswith(".jpg")


def test_upload_as_json(run: Run, photo: Path) -> None:
    (uploaded,) = json.loads(run("upload", str(photo), "--json").stdout)
    assert uploaded["file"] == str(photo)


@pytest.mark.parametrize("arguments", [("nonsense",), ("task",), ("upload",), ("task", "show"), ("credits", "x")])
def test_usage_errors_exit_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_unreachable_server_is_an_error(run: Run) -> None:
    done = run("credits", KIE_BASE_URL="http://127.0.0.1:9")
    assert (done.returncode, done.stderr.splitlines()[0][:28]) == (1, "Error: cannot connect to 127")


def test_a_logging_level_is_taken(run: Run) -> None:
    assert "DEBUG kie_registry" in run("generate", "nano-banana-pro", "a cat", KIE_LOG="debug").stderr


def test_a_logging_level_that_is_none_is_named(run: Run) -> None:
    done = run("credits", KIE_LOG="loud")
    assert (done.returncode, "KIE_LOG=loud" in done.stderr) == (0, True)


def test_a_reader_that_leaves_is_no_error(environment: None) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*KIE, "models"], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


SKETCH = Path(__file__).parents[1] / "third_party/kie-acme/kie_acme/sketch/openapi.yaml"


@pytest.fixture
def served() -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """`kie sandbox` with a model of one's own, and the variables that it prints."""
    command = [*KIE, "sandbox", "--port", "0", "--latency", "0", "--document", "acme/sketch", str(SKETCH)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline().strip() for _ in range(3)]
            yield process, dict(line.removeprefix("export ").split("=", 1) for line in lines)
        finally:
            process.kill()


def test_sandbox_prints_what_leads_to_it(served: tuple[subprocess.Popen[str], dict[str, str]]) -> None:
    _, variables = served
    assert list(variables) == ["KIE_BASE_URL", "KIE_UPLOAD_URL", "KIE_API_KEY"]
    with Kie(variables["KIE_API_KEY"], base_url=variables["KIE_BASE_URL"]) as kie:
        assert kie.credits() == 1000.0


def test_sandbox_serves_a_model_of_ones_own(served: tuple[subprocess.Popen[str], dict[str, str]]) -> None:
    _, variables = served
    registry = Registry(entry_points=False)
    registry.register(sketch())
    with Kie(variables["KIE_API_KEY"], base_url=variables["KIE_BASE_URL"], registry=registry) as kie:
        assert kie.submit("acme/sketch", "a sketch", image_url="https://example.com/1.png").id


def test_sandbox_ends_quietly_when_interrupted(served: tuple[subprocess.Popen[str], dict[str, str]]) -> None:
    process, _ = served
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, "Traceback" in err) == (0, False)


def sketch() -> type[Adapter]:
    contract = Contract.from_json(json.loads(SKETCH.with_name("contract.json").read_text("utf-8")))
    adapter: type[Adapter] = types.new_class("Sketch", (Adapter,), {"contract": contract})
    return adapter


def test_the_shell_completes_models(run: Run) -> None:
    done = run(_KIE_COMPLETE="bash_complete", COMP_WORDS="kie generate nano-banana-p", COMP_CWORD="2")
    assert "nano-banana-pro" in done.stdout


def test_the_shell_completes_choices(run: Run) -> None:
    words = "kie generate nano-banana-pro --resolution "
    done = run(_KIE_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD="4")
    assert done.stdout.split() == ["plain,1K", "plain,2K", "plain,4K"]


def test_a_mistyped_command_is_suggested(run: Run) -> None:
    assert "Did you mean 'generate'?" in run("genrate").stderr


def test_a_port_that_is_taken_is_named(run: Run, box: Sandbox) -> None:
    done = run("sandbox", "--port", str(box.port))
    assert (done.returncode, str(box.port) in done.stderr) == (2, True)
