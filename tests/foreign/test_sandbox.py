"""The sandbox keeps to the vendored specs, by the judgement of schemathesis, which nobody here wrote.

It makes up requests, right and wrong ones, from the specs, and looks whether each answer is one that they allow:
right ones are accepted and wrong ones refused with the code of a caller's mistake, keys are asked for, no
method answers but those that there are, and all is what the schema of the answer says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kie_registry.sandbox import Sandbox
from kie_registry.testing.serving import fast_sandbox
from tests.foreign.document import CREATE_TASK, whole_document

_HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A sandbox whose errors have their HTTP status: that is what is judged."""
    with fast_sandbox(error_style="http", catalog_limit=None, credits=1e6) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def run(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The one run of schemathesis, which takes seconds."""
    folder = tmp_path_factory.mktemp("schemathesis")
    (folder / "kie.json").write_text(json.dumps(whole_document()), "utf-8")
    for name in ("schemathesis.toml", "schemathesis_checks.py"):
        shutil.copy(_HERE / name, folder)
    command = [sys.executable, "-m", "schemathesis.cli", "run", "kie.json", "--no-color"]
    return subprocess.run(
        [*command, "--url", box.url, "--header", f"Authorization: Bearer {box.key}"],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


pytestmark = pytest.mark.xdist_group("schemathesis")


def test_no_answer_is_against_the_specs(run: subprocess.CompletedProcess[str]) -> None:
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_endpoint_was_tried_and_gave_both_answers(
    run: subprocess.CompletedProcess[str], box: Sandbox
) -> None:
    given = {(request.path, request.code == 200) for request in box.requests}
    paths = {path for path in whole_document()["paths"] if "{" not in path}
    # Addresses that are made up lead nowhere.
    never_accepted = {"/api/v1/common/download-url", "/api/file-url-upload"}
    wanted = {(path, False) for path in paths} | {(path, True) for path in paths - never_accepted}
    assert wanted <= given


def test_what_was_refused_was_not_billed(run: subprocess.CompletedProcess[str], box: Sandbox) -> None:
    accepted = [each for each in box.requests if each.path == CREATE_TASK and each.code == 200]
    assert (len(box.tasks), box.balance) == (len(accepted), box.credits - box.price * len(accepted))
