"""The run over a folder of pages: what it says of pages that work, that do not, and that are none."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from kie_registry.specs import normalize
from kie_registry.specs.documents import Json
from kie_registry.specs.request import request_content
from kie_registry.specs.rules import RULES
from kie_registry.testing.corpus import examples
from kie_registry.testing.corpus.__main__ import main
from kie_registry.testing.corpus.checking import Report
from kie_registry.testing.corpus.run import run_corpus
from kie_registry.violations import Violation
from tests.pages import PROMPT, around, document, write

FIXTURES = Path(__file__).parents[1] / "fixtures"
QUIRKY = FIXTURES / "pages"


def run(folder: Path) -> dict[str, Report]:
    return {report.page: report for report in run_corpus(folder)}


@pytest.fixture(scope="module")
def quirky() -> dict[str, Report]:
    """What the run says of the quirky pages."""
    return run(QUIRKY)


@pytest.mark.parametrize("page", sorted(path.name for path in QUIRKY.glob("*.md")))
def test_quirky_page_works(quirky: dict[str, Report], page: str) -> None:
    assert (quirky[page].failures, quirky[page].verdict) == ([], "works")


@pytest.mark.parametrize(
    ("page", "model", "makes"),
    [
        ("wrong-model-id.md", "acme/glow-text-to-image", "image"),
        ("trailing-spaces.md", "acme/tide-image-to-video", "video"),
        ("huge-choice-of-voices.md", "acme/speak", "audio"),
    ],
)
def test_what_a_model_is(quirky: dict[str, Report], page: str, model: str, makes: str) -> None:
    assert (quirky[page].model, quirky[page].makes) == (model, makes)


@pytest.mark.parametrize(
    ("page", "rules"),
    [
        pytest.param("all-of.md", (), id="as published"),
        pytest.param("contradicting-example.md", ("fit-example",), id="of another type"),
        pytest.param("example-as-text.md", ("read-example",), id="as text"),
        pytest.param("huge-choice-of-voices.md", (), id="none"),
    ],
)
def test_rules_that_changed_the_example_are_named(
    quirky: dict[str, Report], page: str, rules: tuple[str, ...]
) -> None:
    assert quirky[page].example == rules


def test_every_limit_is_tried(quirky: dict[str, Report]) -> None:
    # The prompt: missing, too long, no text. The pages: too few, too many, no number. The whole: unknown.
    assert quirky["example-as-text.md"].limits == 7


def test_editions_of_one_model_do_not_collide(tmp_path: Path) -> None:
    write(tmp_path / "later" / "kite.md", "acme/kite", tail={"type": "integer"})
    write(tmp_path / "kite.md", "acme/kite")
    reports = run(tmp_path)
    assert {page: (report.works, report.parameters) for page, report in reports.items()} == {
        "kite.md": (True, 1),
        "later/kite.md": (True, 2),
    }


def test_a_built_in_model_is_tried_as_its_page_says(tmp_path: Path) -> None:
    write(tmp_path / "page.md", "nano-banana-pro", tail={"type": "integer", "maximum": 3})
    assert (run(tmp_path)["page.md"].works, run(tmp_path)["page.md"].parameters) == (True, 2)


def test_several_models_of_one_page(tmp_path: Path) -> None:
    pages = [write(tmp_path / name, f"acme/{name}").read_text("utf-8") for name in ("a", "b")]
    (tmp_path / "both.md").write_text("".join(pages), "utf-8")
    assert [(report.page, report.model) for report in run_corpus(tmp_path)] == [
        ("both.md", "acme/a"),
        ("both.md", "acme/b"),
    ]


def test_no_trace_is_left_in_the_users_own_home(tmp_path: Path) -> None:
    home = os.environ["KIE_HOME"]
    run(write(tmp_path / "pages" / "kite.md", "acme/kite").parent)
    assert (os.environ["KIE_HOME"], list(Path(home).rglob("*"))) == (home, [])


def test_page_of_something_else_is_no_model(tmp_path: Path) -> None:
    shutil.copy(FIXTURES / "no-model.md", tmp_path)
    (report,) = run_corpus(tmp_path)
    assert (report.verdict, report.failures, bool(report.instead)) == ("no model", [], True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(around("openapi: [3.0.1\npaths: {"), "read: line *", id="broken YAML"),
        pytest.param("# Kite\n\n## OpenAPI\n\n```yaml\nopenapi: 3.0.1\n", "read: *never closed*", id="open fence"),
        pytest.param(b"\xff\xfe\x00", None, id="bytes that are no text"),
        pytest.param(b"", None, id="empty"),
        pytest.param(around("[" * 100_000), "read: *", id="nested without end"),
        pytest.param(json.dumps(document("../../x")), "repair: *../../x*", id="a model id that is a path"),
    ],
)
def test_broken_page_is_a_reason_and_no_crash(tmp_path: Path, content: str | bytes, reason: str | None) -> None:
    (tmp_path / "page.md").write_bytes(content.encode() if isinstance(content, str) else content)
    (report,) = run_corpus(tmp_path)
    assert not report.works
    assert "crashed" not in str(report.failures)
    if reason is not None:
        assert fnmatch(report.failures[0], reason)


def test_one_that_fails_does_not_hide_the_others(tmp_path: Path) -> None:
    write(tmp_path / "kite.md", "acme/kite")
    (tmp_path / "broken.md").write_text(around("openapi: ["), "utf-8")
    assert {page: report.works for page, report in run(tmp_path).items()} == {"broken.md": False, "kite.md": True}


@pytest.mark.parametrize(
    ("broken", "failure"),
    [
        pytest.param(
            "kie_registry.contract.Contract.violations",
            "limits: breaking prompt (maxLength: 100) is not seen before it is sent: *",
            id="limits are not checked",
        ),
        pytest.param(
            "kie_registry.binding.file_problems",
            "limits: a file breaking image_url (types: *) is not refused",
            id="files are not checked",
        ),
    ],
)
def test_what_the_library_lets_through_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, failure: str
) -> None:
    file = {"type": "string", "format": "uri", "description": "Accepted types: image/png"}
    write(tmp_path / "kite.md", "acme/kite", image_url=file)
    monkeypatch.setattr(broken, lambda *_: [])
    (report,) = run_corpus(tmp_path)
    assert [each for each in report.failures if fnmatch(each, failure)]


def test_a_changed_example_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kie_registry.adapter import Adapter

    to_input = Adapter.to_input
    monkeypatch.setattr(Adapter, "to_input", lambda self: {**to_input(self), "prompt": "another"})
    write(tmp_path / "kite.md", "acme/kite")
    (report,) = run_corpus(tmp_path)
    assert "example: at the server, prompt: 'a kite' became 'another'" in report.failures


@pytest.mark.parametrize(
    ("note", "explained"),
    [
        ("input.prompt: it was changed", True),
        ("input.prompts: it was changed", False),
        ("input.tail: it was changed", False),
        ("$..example: it was changed", False),
    ],
)
def test_a_difference_to_the_page_needs_a_rule_that_names_the_parameter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, note: str, explained: bool
) -> None:
    def change_prompt(document: Json, _slug: str) -> Iterator[str]:
        example = (request_content(document) or {})["example"]
        example["input"]["prompt"] = "another"
        yield note

    for module in (normalize, examples):
        monkeypatch.setattr(module, "RULES", (*RULES, change_prompt))
    write(tmp_path / "kite.md", "acme/kite")
    (report,) = run_corpus(tmp_path)
    lacks = "example: no rule accounts for the difference to the page: change-prompt: prompt: "
    found = [] if explained else [f"{lacks}'a kite' became 'another'"]
    assert (report.example, report.failures) == (("change-prompt",), found)


def test_an_example_that_is_given_up_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = write(tmp_path / "kite.md", "acme/kite").read_text("utf-8")
    (tmp_path / "kite.md").write_text(text.replace('"a kite"', json.dumps("a" * 101)), "utf-8")
    write(tmp_path / "other.md", "acme/other")
    status = main([str(tmp_path)])
    last = capsys.readouterr().out.splitlines()[-1]
    assert (status, last) == (0, "2 of 2 models work; 1 example dropped")


def test_a_refusal_for_another_reason_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = [Violation("tail", "is refused")]
    monkeypatch.setattr("kie_registry.contract.Contract.violations", lambda *_: refusals)
    monkeypatch.setattr("kie_registry.contract.Contract.holds", lambda *_: False)
    write(tmp_path / "kite.md", "acme/kite", tail={"type": "integer", "maximum": 3})
    (report,) = run_corpus(tmp_path)
    assert "limits: breaking prompt (maxLength: 100) is refused only for this: tail: is refused" in report.failures
    assert not [failure for failure in report.failures if "breaking tail" in failure]


def test_last_line_is_the_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "kite.md", "acme/kite")
    shutil.copy(FIXTURES / "no-model.md", tmp_path)
    (tmp_path / "broken.md").write_text(around("openapi: ["), "utf-8")
    status = main([str(tmp_path)])
    assert (status, capsys.readouterr().out.splitlines()[-1]) == (1, "1 of 2 models work")


def test_reasons_stand_under_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.md").write_text(around("openapi: ["), "utf-8")
    main([str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index("Not working:") + 1].startswith("  broken.md: read: line ")


def test_status_is_zero_where_all_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "kite.md", "acme/kite")
    assert (main([str(tmp_path)]), "1 of 1 models work" in capsys.readouterr().out) == (0, True)


def test_json_is_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "kite.md", "acme/kite", tail={**PROMPT})
    main([str(tmp_path), "--json"])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (told["works"], told["models"], told["pages"][0]["model"]) == (1, 1, "acme/kite")


@pytest.mark.parametrize("folder", ["missing", "file.md"])
def test_what_is_no_folder_is_a_wrong_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    (tmp_path / "file.md").touch()
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path / folder)])
    assert (caught.value.code, "is no folder" in capsys.readouterr().err) == (2, True)


def test_folder_without_models_does_not_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (main([str(tmp_path)]), capsys.readouterr().out.splitlines()[-1]) == (1, "0 of 0 models work")
