"""`kie models add`, `remove`, `search` and `show`."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from kie_registry.sandbox import Sandbox
from tests.cli.conftest import Run
from tests.pages import around, page, write


@pytest.fixture
def kite(tmp_path: Path) -> Path:
    """A page of a model."""
    return write(tmp_path / "kite.md", "acme/kite", style={"type": "string", "enum": ["plain", "fancy"]})


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder, half of whose pages fail."""
    folder = tmp_path / "pages"
    write(folder / "boat.md", "acme/boat")
    write(folder / "kite.md", "acme/kite")
    (folder / "broken.md").write_text(around("a: 'b"))
    (folder / "prose.md").write_text("# Read me")
    (folder / "family.md").write_text(page("x").replace("/jobs/createTask", "/veo/generate"))
    write(folder / "taken.md", "nano-banana-pro")
    return folder


class TestAdd:
    def test_says_id_short_name_and_source(self, run: Run, kite: Path) -> None:
        done = run("models", "add", str(kite))
        assert (done.returncode, done.stdout.split()) == (0, ["acme/kite", "kite", "from", f"{kite}:6"])

    def test_needs_no_key(self, run: Run, kite: Path) -> None:
        assert run("models", "add", str(kite), KIE_API_KEY="").returncode == 0

    def test_folder_of_prose_adds_nothing_and_says_so(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "prose").mkdir()
        (tmp_path / "prose" / "a.md").write_text("# A page\n\nOnly prose.\n", "utf-8")
        done = run("models", "add", str(tmp_path / "prose"))
        assert (done.returncode, "nothing was added: 1 skipped" in done.stderr) == (1, True)

    def test_is_followed_by_use(self, run: Run, kite: Path, box: Sandbox) -> None:
        run("models", "add", str(kite))
        done = run("generate", "kite", "a kite", "--style", "fancy", "--out", "out")
        assert (done.returncode, box.tasks[0].input) == (0, {"prompt": "a kite", "style": "fancy"})

    def test_reads_standard_input(self, run: Run) -> None:
        done = run("models", "add", "-", stdin=page("acme/kite"))
        assert done.stdout.startswith("acme/kite  kite  from standard input")

    def test_asks_the_catalog_for_an_id(self, run: Run) -> None:
        done = run("models", "add", "--replace", "nano-banana-pro")
        assert done.stdout == "nano-banana-pro  from the catalog (nano-banana-pro)\n"

    def test_shows_each_repair_when_asked(self, run: Run, kite: Path) -> None:
        assert "    fix-model: $..properties.model\n" in run("models", "add", "-v", str(kite)).stdout

    def test_takes_an_alias(self, run: Run, kite: Path) -> None:
        run("models", "add", "--alias", "k2", str(kite))
        assert "acme/kite" in run("models", "show", "k2").stdout

    def test_as_json(self, run: Run, kite: Path) -> None:
        data = json.loads(run("models", "add", "--json", str(kite), "nothing.md").stdout)
        assert [each["id"] for each in data["added"]] == ["acme/kite"]
        assert [each["source"] for each in data["failed"]] == ["nothing.md"]
        assert data["added"][0]["path"] == str(Path(os.environ["KIE_HOME"], "models", "kite.json"))

    def test_adds_the_good_half_of_a_folder(self, run: Run, pages: Path) -> None:
        done = run("models", "add", str(pages))
        assert (done.returncode, [line.split()[0] for line in done.stdout.splitlines()]) == (
            1,
            ["acme/boat", "acme/kite"],
        )

    @pytest.mark.parametrize(
        "said",
        [
            "broken.md:7:",
            "taken.md:6: the model nano-banana-pro is there already, offered by kie-registry",
            "2 added, 2 failed, 2 skipped",
        ],
    )
    def test_says_why_the_other_half_failed(self, run: Run, pages: Path, said: str) -> None:
        assert said in run("models", "add", str(pages)).stderr

    def test_passes_over_what_is_no_model_in_a_folder(self, run: Run, pages: Path) -> None:
        for name in ("broken.md", "taken.md"):
            (pages / name).unlink()
        done = run("models", "add", str(pages))
        assert (done.returncode, "Veo family" in done.stderr, done.stderr.count("skipped:")) == (0, True, 2)

    def test_fails_where_what_is_no_model_was_named(self, run: Run, pages: Path) -> None:
        done = run("models", "add", str(pages / "family.md"))
        assert (done.returncode, "Veo family" in done.stderr) == (1, True)

    def test_refuses_a_second_page_of_one_model(self, run: Run, kite: Path, tmp_path: Path) -> None:
        other = write(tmp_path / "other.md", "acme/kite")
        done = run("models", "add", str(kite), str(other))
        assert (done.returncode, f"describes acme/kite, and so does {kite}:6" in done.stderr) == (1, True)

    def test_takes_the_same_page_twice(self, run: Run, kite: Path, tmp_path: Path) -> None:
        (tmp_path / "again.md").write_bytes(kite.read_bytes())
        done = run("models", "add", str(kite), str(tmp_path / "again.md"))
        assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)

    def test_takes_the_later_page_when_told(self, run: Run, kite: Path, tmp_path: Path) -> None:
        write(tmp_path / "other.md", "acme/kite", size={"type": "string"})
        run("models", "add", "--replace", str(kite), str(tmp_path / "other.md"))
        assert "size" in run("models", "show", "kite").stdout

    def test_says_that_the_home_is_none(self, run: Run, kite: Path) -> None:
        done = run("models", "add", str(kite), KIE_HOME=str(kite))
        assert (done.returncode, "acme/kite is not added" in done.stderr, "Traceback" in done.stderr) == (
            1,
            True,
            False,
        )


class TestRemove:
    @pytest.mark.parametrize("name", ["acme/kite", "kite"])
    def test_takes_id_and_short_name(self, run: Run, kite: Path, name: str) -> None:
        run("models", "add", str(kite))
        assert run("models", "remove", name).returncode == 0
        assert "acme/kite" not in run("models").stdout

    def test_brings_back_what_was_replaced(self, run: Run, tmp_path: Path) -> None:
        run("models", "add", "--replace", str(write(tmp_path / "page.md", "nano-banana-pro", "Another")))
        run("models", "remove", "nano-banana-pro")
        assert "Google - Nano Banana Pro" in run("models").stdout

    def test_of_a_built_in_one_is_refused(self, run: Run) -> None:
        done = run("models", "remove", "nano-banana-pro")
        assert (done.returncode, "comes with this library" in done.stderr) == (2, True)

    def test_of_an_unknown_one_names_the_nearest(self, run: Run, kite: Path) -> None:
        run("models", "add", str(kite))
        done = run("models", "remove", "acme/kit")
        assert (done.returncode, "Did you mean acme/kite" in done.stderr) == (2, True)

    def test_removes_none_where_one_is_wrong(self, run: Run, kite: Path) -> None:
        run("models", "add", str(kite))
        run("models", "remove", "kite", "nano-banana-pro")
        assert "acme/kite" in run("models").stdout

    def test_as_json(self, run: Run, kite: Path) -> None:
        run("models", "add", str(kite))
        assert json.loads(run("models", "remove", "kite", "--json").stdout) == {"removed": ["acme/kite"]}


class TestShow:
    def test_says_source_and_date(self, run: Run, kite: Path) -> None:
        run("models", "add", str(kite))
        text = run("models", "show", "kite").stdout
        assert re.search(
            rf"From: added from {kite.name}:6\nAdded on: 20\S+, from {kite}:6\nKept in: .*kite\.json", text
        )

    def test_shows_the_repairs_when_asked(self, run: Run, kite: Path) -> None:
        run("models", "add", str(kite))
        assert "fix-model: $..properties.model" in run("models", "show", "-v", "kite").stdout

    def test_as_json_has_the_repairs(self, run: Run, kite: Path) -> None:
        run("models", "add", str(kite))
        info = json.loads(run("models", "show", "kite", "--json").stdout)
        assert "fix-model" in [repair["rule"] for repair in info["added"]["repairs"]]


class TestSearch:
    def test_finds_what_is_here(self, run: Run, kite: Path) -> None:
        run("models", "add", str(kite))
        found = json.loads(run("models", "search", "KITE", "--json").stdout)
        assert [(each["id"], each["here"]) for each in found] == [("acme/kite", True)]

    def test_finds_what_the_catalog_has(self, run: Run, box: Sandbox, tmp_path: Path) -> None:
        box.answer_next("/models", data={"total": 1, "models": [{"model": "zeta/kite", "title": "A kite"}]})
        found = json.loads(run("models", "search", "kite", "--json").stdout)
        assert found == [{"id": "zeta/kite", "title": "A kite", "here": False}]

    def test_without_a_key_finds_what_is_here_and_says_so(self, run: Run) -> None:
        done = run("models", "search", "edit", KIE_API_KEY="")
        assert ("google/nano-banana-edit" in done.stdout, "Without an API key" in done.stderr) == (True, True)

    def test_where_the_catalog_fails_finds_what_is_here(self, run: Run, box: Sandbox) -> None:
        box.answer_next("/models", code=500)
        done = run("models", "search", "edit")
        assert (done.returncode, "google/nano-banana-edit" in done.stdout) == (0, True)


def test_a_broken_file_is_named_by_the_list(run: Run, kite: Path) -> None:
    run("models", "add", str(kite))
    Path(os.environ["KIE_HOME"], "models", "zzz.json").write_text("{")
    done = run("models")
    assert ("acme/kite" in done.stdout, "zzz.json" in done.stderr) == (True, True)
