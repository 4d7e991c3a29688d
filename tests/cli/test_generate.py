"""`kie generate`: what it prints where, what it exits with, and how it is interrupted."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pty
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kie_registry.ledger import SqliteLedger
from kie_registry.sandbox import Sandbox
from kie_registry.settings import home
from tests.cli.conftest import KIE, Run

PRO = ("generate", "nano-banana-pro")


def test_the_paths_of_the_files_are_on_stdout(run: Run, tmp_path: Path) -> None:
    done = run(*PRO, "a cat", "--out", "pictures")
    assert done.returncode == 0
    (path,) = done.stdout.splitlines()
    assert (tmp_path / path).stat().st_size > 0


def test_piped_the_task_id_is_on_stderr(box: Sandbox, run: Run) -> None:
    assert run(*PRO, "a cat").stderr == f"task {box.tasks[0].id} is submitted\n"


def test_json_is_one_document(box: Sandbox, run: Run) -> None:
    done = json.loads(run(*PRO, "a cat", "--json").stdout)
    assert done["task_id"] == box.tasks[0].id
    assert (done["model"], done["credits"], len(done["paths"]), len(done["urls"])) == (
        "nano-banana-pro",
        4.0,
        1,
        1,
    )


ORDERS: dict[str, tuple[str, ...]] = {
    "prompt first": ("generate", "nano-banana-pro", "a cat", "--aspect-ratio", "16:9"),
    "prompt last": ("generate", "nano-banana-pro", "--aspect-ratio", "16:9", "a cat"),
    "prompt as an option": ("generate", "nano-banana-pro", "--prompt", "a cat", "--aspect-ratio=16:9"),
    "options before the model": ("generate", "--no-wait", "nano-banana-pro", "a cat", "--aspect-ratio", "16:9"),
    "an option with a value before the model": (
        *("generate", "--out", "x", "nano-banana-pro", "--aspect-ratio", "16:9", "a cat"),
    ),
}


@pytest.mark.parametrize("arguments", ORDERS.values(), ids=ORDERS.keys())
def test_arguments_in_any_order(box: Sandbox, run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).returncode == 0
    assert box.tasks[0].input == {"prompt": "a cat", "aspect_ratio": "16:9"}


def test_the_prompt_from_standard_input(box: Sandbox, run: Run) -> None:
    run(*PRO, "-", stdin="a cat\n")
    assert box.tasks[0].input["prompt"] == "a cat"


def test_images_are_repeatable_and_uploaded(box: Sandbox, run: Run, photo: Path) -> None:
    other = "https://example.com/1.png"
    done = run("generate", "nano-banana-edit", "night", "--image", str(photo), "--image", other)
    assert done.returncode == 0
    first, second = box.tasks[0].input["image_urls"]
    assert (first.startswith(box.url), second) == (True, other)


def test_no_wait_prints_the_task_id(box: Sandbox, run: Run) -> None:
    done = run(*PRO, "a cat", "--no-wait")
    assert done.stdout == f"{box.tasks[0].id}\n"
    assert f"kie task wait {box.tasks[0].id}" in done.stderr


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown model": (("generate", "nano-banana-por", "a cat"), "nano-banana-pro"),
    "misspelt parameter": ((*PRO, "a cat", "--aspect-ration", "1:1"), "--aspect-ratio"),
    "another model's parameter": (("generate", "nano-banana-edit", "x", "--resolution", "2K"), "--resolution"),
    "value not listed": ((*PRO, "a cat", "--resolution", "8K"), '"1K", "2K", "4K"'),
    "missing prompt": (PRO, "prompt: is missing"),
    "missing file": ((*PRO, "a cat", "--image", "missing.png"), "missing.png does not exist"),
    "prompt twice": ((*PRO, "a cat", "--prompt", "a dog"), "twice"),
    "no model": (("generate",), "Usage"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_request_exits_with_2(box: Sandbox, run: Run, arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert box.requests == []


def test_all_problems_in_one_json_document(run: Run) -> None:
    done = run("generate", "nano-banana-edit", "x" * 5001, "--aspect-ratio", "7:7", "--json")
    error = json.loads(done.stdout)["error"]
    assert (error["type"], error["charged"]) == ("InvalidRequest", "no")
    found = {(problem["parameter"], problem["native"]) for problem in error["problems"]}
    assert found == {("prompt", None), ("images", "image_urls"), ("aspect_ratio", "image_size")}


ANSWERS: dict[str, tuple[dict[str, Any], int]] = {
    "401": ({"code": 401}, 1),
    "402": ({"code": 402}, 1),
    "422": ({"code": 422, "message": "bad prompt"}, 2),
    "455": ({"code": 455}, 1),
    "500": ({"code": 500}, 3),
    "a cut connection": ({"cut": "after"}, 3),
}


@pytest.mark.parametrize(("answer", "status"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_the_server_says_decides_the_exit(
    box: Sandbox, run: Run, answer: dict[str, Any], status: int
) -> None:
    box.answer_next("createTask", **answer)
    done = run(*PRO, "a cat")
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("Error: ")


@pytest.mark.parametrize("code", [400, 401, 422])
def test_an_error_after_submission_is_not_called_a_wrong_request(box: Sandbox, run: Run, code: int) -> None:
    box.answer_next("recordInfo", code=code, message="no", times=9)
    done = run(*PRO, "a cat")
    assert (done.returncode, f"kie task wait {box.tasks[0].id}" in done.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [("--name", "a/b"), ("--out", "/dev/null/x")])
def test_where_the_files_go_is_checked_before_anything_is_paid(
    box: Sandbox, run: Run, arguments: tuple[str, ...]
) -> None:
    done = run(*PRO, "a cat", *arguments)
    assert (done.returncode, box.requests) == (2, [])


def test_a_usage_error_is_json_too(run: Run) -> None:
    error = json.loads(run(*PRO, "a cat", "--bogus", "1", "--json").stdout)["error"]
    assert "--bogus" in error["message"]


def test_a_failed_task_exits_with_1(box: Sandbox, run: Run) -> None:
    box.end_next(fail_code="501", fail_message="tired")
    done = run(*PRO, "a cat")
    assert done.returncode == 1
    assert "tired" in done.stderr


def test_a_missed_deadline_exits_with_4(box: Sandbox, run: Run) -> None:
    box.end_next(latency=math.inf)
    done = run(*PRO, "a cat", "--deadline", "0.5")
    assert done.returncode == 4
    assert f"kie task wait {box.tasks[0].id}" in done.stderr


def test_without_a_key(run: Run) -> None:
    done = run(*PRO, "a cat", KIE_API_KEY="")
    assert done.returncode == 2
    assert "https://kie.ai/api-key" in done.stderr


def test_a_file_in_the_way_is_not_replaced(box: Sandbox, run: Run, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_text("mine")
    done = run(*PRO, "a cat", "--name", "cat")
    assert (done.returncode, "--overwrite" in done.stderr) == (2, True)
    assert (tmp_path / "cat.png").read_text() == "mine"
    assert box.requests == []


def test_help_lists_the_models_own_parameters(run: Run) -> None:
    text = " ".join(run("generate", "nano-banana-edit", "--help").stdout.split())
    for word in ("--image, --images", "--aspect-ratio", "21:9", "up to 5,000 characters", "image_size"):
        assert word in text
    assert "--resolution" not in text


def test_a_tilde_is_the_users_own_directory(run: Run, tmp_path: Path) -> None:
    done = run(*PRO, "a cat", "--out=~/pictures", HOME=str(tmp_path / "me"))
    (job,) = SqliteLedger(home() / "ledger.sqlite3").jobs()
    assert {Path(done.stdout).parent, Path(job.directory or "")} == {tmp_path / "me" / "pictures"}
    assert not (tmp_path / "~").exists()


def test_a_tilde_of_nobody_costs_nothing(box: Sandbox, run: Run) -> None:
    done = run(*PRO, "a cat", "--out=~nobody-of-this-name/pictures", "--no-wait")
    assert (done.returncode, "nobody-of-this-name" in done.stderr, box.requests) == (2, True, [])


def interrupted(box: Sandbox, tmp_path: Path, when: str) -> subprocess.CompletedProcess[str]:
    """Press Ctrl-C as soon as the sandbox has been asked for `when`."""
    command = [*KIE, *PRO, "a cat"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, **pipes) as process, contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        for _ in range(1000):
            if any(when in request.path for request in box.requests):
                break
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.mark.usefixtures("environment")
def test_ctrl_c_while_waiting_says_how_to_go_on(box: Sandbox, tmp_path: Path) -> None:
    box.end_next(latency=math.inf)
    done = interrupted(box, tmp_path, "recordInfo")
    assert done.returncode == 130
    assert f"kie task wait {box.tasks[0].id}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("environment")
def test_ctrl_c_while_submitting_says_that_the_outcome_is_unknown(box: Sandbox, tmp_path: Path) -> None:
    box.answer_next("createTask", delay=60)
    done = interrupted(box, tmp_path, "createTask")
    assert done.returncode == 130
    assert "not known" in done.stderr


@pytest.mark.usefixtures("environment")
def test_on_a_terminal_progress_is_drawn(box: Sandbox, tmp_path: Path) -> None:
    box.end_next(latency=1.5)
    here, there = pty.openpty()
    done = subprocess.run(
        [*KIE, *PRO, "a cat"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=there, stdin=there, check=True
    )
    os.close(there)
    drawn = os.read(here, 65536).decode()
    os.close(here)
    assert "is generating" in drawn
    assert done.stdout.decode().endswith(".png\n")
