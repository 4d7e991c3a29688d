"""The user's own models: kept whole or not at all, found by the next registry."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kie_registry import Kie, KieError, PluginError, Registry, SpecError, UnknownModel, add_model, added
from kie_registry.adding import Adding
from kie_registry.errors import NotAModel
from kie_registry.sandbox import Sandbox
from kie_registry.specs.published import read_published
from tests.pages import around, document, page, write

STYLE = {"type": "string", "enum": ["plain", "fancy"], "default": "plain"}


def folder() -> Path:
    return Path(os.environ["KIE_HOME"]) / "models"


def add(model: str, registry: Registry | None = None, *, replace: bool = False, **parameters: Any) -> Registry:
    """Add a model to a registry, and return that."""
    registry = registry or Registry()
    (published,) = read_published(page(model, **parameters).encode(), source=f"{model}.md")
    Adding(registry, replace=replace).add(published)
    return registry


class TestAnAddedModel:
    @pytest.mark.parametrize("name", ["acme/kite", "kite"])
    def test_is_found_by_id_and_short_name(self, name: str) -> None:
        add("acme/kite")
        assert Registry().get(name).contract.id == "acme/kite"

    def test_is_found_at_once_by_the_registry_it_was_added_with(self) -> None:
        assert add("acme/kite").get("kite").contract.id == "acme/kite"

    def test_is_listed(self) -> None:
        add("acme/kite")
        (summary,) = (each for each in Registry().summaries() if each.id == "acme/kite")
        assert (summary.aliases, summary.title, summary.output) == (("kite",), "Acme - Kite", "image")

    def test_is_listed_the_same_after_loading(self) -> None:
        registry = add("acme/kite")
        before = registry.summaries()
        registry.get("kite")
        assert registry.summaries() == before

    def test_says_where_it_comes_from(self) -> None:
        add("acme/kite")
        assert Registry().describe("kite").origin == "added from kite.md:6"

    def test_generates(self, kie: Kie, box: Sandbox) -> None:
        add("acme/kite", kie.models, style=STYLE)
        kie.generate("kite", "a kite", style="fancy")
        assert box.tasks[0].input == {"prompt": "a kite", "style": "fancy"}

    def test_is_no_problem(self) -> None:
        assert add("acme/kite").problems() == []

    def test_is_not_seen_by_a_registry_without_entry_points(self) -> None:
        add("acme/kite")
        assert Registry(entry_points=False).ids() == []

    def test_that_was_removed_is_gone(self) -> None:
        registry = add("acme/kite")
        added.remove(added.listing().models["acme/kite"])
        registry.refresh()
        with pytest.raises(UnknownModel):
            registry.get("acme/kite")


def test_what_is_kept_tells_how_it_came_to_be() -> None:
    add("acme/kite")
    kept = json.loads((folder() / "kite.json").read_text())
    (published,) = read_published(page("acme/kite").encode(), source="")
    assert (kept["sha256"], kept["published"]) == (published.sha256, published.content.decode())
    assert {"drop-extensions", "fix-model"} & {repair["rule"] for repair in kept["repairs"]}
    assert kept["contract"]["id"] == kept["id"] == "acme/kite"


class TestAnIdThatIsTaken:
    def test_by_an_installed_model_is_refused_naming_it(self) -> None:
        with pytest.raises(SpecError, match=r"offered by kie-registry \(kie_models.nano_banana_pro\); --replace"):
            add("nano-banana-pro")

    def test_by_an_added_one_is_refused_naming_it(self) -> None:
        add("acme/kite")
        with pytest.raises(SpecError, match=r"acme/kite is there already, added from kite\.md:6"):
            add("acme/kite")

    @pytest.mark.parametrize("loaded", [False, True], ids=["not loaded", "loaded"])
    @pytest.mark.parametrize("name", ["google/nano-banana-edit", "nano-banana-edit"])
    def test_gives_way_when_told(self, name: str, loaded: bool) -> None:
        registry = Registry()
        if loaded:
            registry.get(name)
        add("google/nano-banana-edit", registry, replace=True, style=STYLE)
        assert "style" in Registry().get(name).parameter_names
        if not loaded:
            assert "style" in registry.get(name).parameter_names

    def test_gives_way_again(self) -> None:
        add("nano-banana-pro", replace=True)
        add("nano-banana-pro", replace=True, style=STYLE)
        assert "style" in Registry().get("nano-banana-pro").parameter_names

    def test_is_listed_once_when_it_gave_way(self) -> None:
        before = Registry().ids()
        add("google/nano-banana-edit", replace=True)
        assert Registry().ids() == before

    def test_comes_back_when_what_replaced_it_is_removed(self) -> None:
        add("nano-banana-pro", replace=True)
        added.remove(added.listing().models["nano-banana-pro"])
        assert "resolution" in Registry().get("nano-banana-pro").parameter_names


class TestTheShortName:
    def test_grows_where_another_model_has_it(self) -> None:
        add("acme/kite")
        add("zeta/kite")
        assert Registry().get("zeta-kite").contract.id == "zeta/kite"

    def test_is_not_that_of_an_installed_model(self) -> None:
        add("acme/nano-banana-pro")
        assert Registry().get("nano-banana-pro").contract.id == "nano-banana-pro"

    def test_may_be_one_more(self) -> None:
        (published,) = read_published(page("acme/kite").encode(), source="kite.md")
        Adding(Registry(), alias="K2").add(published)
        assert Registry().get("K2").contract.id == "acme/kite"

    @pytest.mark.parametrize("alias", ["", "-x", "a b", "../x", "x\n", "x" * 101, "é"])
    def test_that_is_none_is_refused(self, alias: str) -> None:
        with pytest.raises(KieError, match="is no name for a model"):
            Adding(Registry(), alias=alias)

    def test_that_another_model_has_is_refused(self) -> None:
        (published,) = read_published(page("acme/kite").encode(), source="kite.md")
        with pytest.raises(SpecError, match="'nano-banana-edit' is that of another model"):
            Adding(Registry(), alias="nano-banana-edit").add(published)


@pytest.mark.parametrize(
    "model", ["../../x", "__import__('os')", "a/../b", "/etc/passwd", "C:\\x", "x" * 300, "é"]
)
def test_an_id_that_is_none_is_refused_and_nothing_is_written(model: str) -> None:
    with pytest.raises(SpecError):
        add(model)
    assert not folder().exists()


@pytest.mark.parametrize(
    ("slug", "model", "name"),
    [
        ("kite", "acme/kite", "kite.json"),
        ("con", "acme/con", "con-"),
        ("../../x", "x", "x.json"),
        ("", "x", "model-"),
        ("x" * 300, "x", "x" * 80 + ".json"),
        ("taken", "x", "taken-"),
        ("TAKEN", "x", "taken-"),
    ],
)
def test_a_file_has_a_plain_name(slug: str, model: str, name: str) -> None:
    assert added.file_name(slug, model, taken=["Taken.json"]).startswith(name)


class TestABrokenFile:
    @pytest.fixture(
        params=["", "{", "[]", '{"format": 1}', '{"format": 2}', "[" * 100_000, "\xff"],
        ids=["empty", "cut", "a list", "without all", "of later", "deep", "no text"],
    )
    def broken(self, request: pytest.FixtureRequest) -> Path:
        add("acme/kite")
        path = folder() / "broken.json"
        path.write_bytes(str(request.param).encode("latin-1"))
        return path

    def test_stops_no_other(self, broken: Path) -> None:
        assert Registry().get("kite").contract.id == "acme/kite"

    def test_is_a_problem(self, broken: Path) -> None:
        (problem,) = Registry().problems()
        assert problem.plugin == str(broken)


def test_a_model_whose_files_are_broken_is_added_again() -> None:
    for _ in range(3):
        add("acme/kite")
        for path in folder().iterdir():
            path.write_text("{")
    add("acme/kite")
    assert Registry().get("kite").contract.id == "acme/kite"


def test_a_file_that_breaks_after_it_was_listed_says_so() -> None:
    registry = add("acme/kite")
    registry.ids()
    (folder() / "kite.json").write_text("{")
    with pytest.raises(PluginError, match="delete the file, and add the model again"):
        registry.get("kite")


def test_two_files_of_one_model_are_a_problem() -> None:
    add("acme/kite")
    (folder() / "zzz.json").write_bytes((folder() / "kite.json").read_bytes())
    (problem,) = Registry().problems()
    assert "holds the model acme/kite, which kite.json holds as well" in str(problem)


class TestTheIndex:
    @pytest.fixture(autouse=True)
    def settled(self) -> Path:
        add("acme/kite")
        os.utime(folder(), (1_700_000_000, 1_700_000_000))
        Registry().ids()
        return Path(os.environ["KIE_HOME"]) / "cache" / "added-models.json"

    def test_saves_reading_the_files(self) -> None:
        (folder() / "kite.json").write_text("{")
        assert "acme/kite" in Registry().ids()

    def test_is_made_anew_when_a_model_is_added(self) -> None:
        add("acme/boat")
        assert {"acme/kite", "acme/boat"} <= set(Registry().ids())

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"stamp": 1}'])
    def test_that_is_damaged_is_made_anew(self, settled: Path, content: str) -> None:
        settled.write_text(content)
        assert "acme/kite" in Registry().ids()


class TestAHomeThatCannotBeWritten:
    @pytest.mark.parametrize("where", ["home", "models"])
    def test_because_it_is_a_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
        home = tmp_path / "home"
        if where == "home":
            home.touch()
        else:
            home.mkdir()
            (home / "models").touch()
        monkeypatch.setenv("KIE_HOME", str(home))
        with pytest.raises(KieError, match=r"acme/kite is not added: .* cannot be written: .*KIE_HOME"):
            add("acme/kite")

    def test_because_the_disk_is_full_leaves_nothing_behind(self) -> None:
        add("acme/boat")
        before = {path: path.read_bytes() for path in folder().iterdir()}
        done = self.add_on_a_small_disk("acme/kite")
        assert ("acme/kite is not added" in done, "File too large" in done) == (True, True)
        assert {path: path.read_bytes() for path in folder().iterdir()} == before

    def test_because_the_disk_is_full_keeps_what_was_to_be_replaced(self) -> None:
        add("acme/kite")
        before = (folder() / "kite.json").read_bytes()
        self.add_on_a_small_disk("acme/kite")
        assert (folder() / "kite.json").read_bytes() == before

    def add_on_a_small_disk(self, model: str) -> str:
        program = (
            "import sys; from tests.test_added import add\n"
            "from kie_registry import KieError\n"
            f"try: add({model!r}, replace=True)\n"
            "except KieError as error: print(error)"
        )
        done = subprocess.run(
            [sys.executable, "-B", "-c", program],
            capture_output=True,
            text=True,
            check=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
        )
        return done.stdout


def test_processes_that_add_models_of_one_name_at_once_lose_none() -> None:
    program = (
        "import sys; from tests.test_added import add\n"
        "for number in range(3): add(f'{sys.argv[1]}-{number}/kite', replace=True)"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, name]) for name in ("a", "b", "c")]
    assert [each.wait() for each in running] == [0, 0, 0]
    assert set(added.listing().models) == {f"{name}-{number}/kite" for name in "abc" for number in range(3)}
    assert [path for path in folder().iterdir() if path.suffix != ".json"] == []


def test_threads_that_replace_one_model_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = str(write(tmp_path / "kite.md", "acme/kite"))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: add_model(path, replace=True), range(40)))
    assert results == [["acme/kite"]] * 40
    assert [each.name for each in folder().iterdir()] == ["kite.json"]


def test_a_file_has_the_rights_that_every_new_file_gets(tmp_path: Path) -> None:
    add("acme/kite")
    (tmp_path / "other").touch()
    assert (folder() / "kite.json").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_what_nobody_foresaw_is_an_error_that_names_the_page() -> None:
    (published,) = read_published(page("acme/kite").encode(), source="kite.md")
    published.document["info"]["version"] = object()
    with pytest.raises(KieError, match=r"kite\.md:6: TypeError: .*This is a bug"):
        Adding(Registry()).add(published)
    assert "acme/kite" not in Registry()


BAD_PAGES = {
    "no document": ("# A page\n\nOf prose.", "no OpenAPI document"),
    "broken YAML": (around("a: 'b\nc: d"), "page.md:"),
    "bomb": (
        around(
            "a: &a [x, x]\n"
            + "\n".join(
                f"{b}: &{b} [*{a}, *{a}]"
                for a, b in zip("abcdefghijklmnopqrstu", "bcdefghijklmnopqrstuv", strict=True)
            )
            + "\npaths: {}"
        ),
        "aliases",
    ),
    "tag": (around("paths: !!python/object/apply:os.system ['true']"), "page.md:"),
    "too deep": (around("paths: " + "[" * 500 + "]" * 500), "levels"),
    "circle": (
        around(
            json.dumps(
                document("acme/kite", loop={"$ref": "#/components/schemas/A"})
                | {"components": {"schemas": {"A": {"$ref": "#/components/schemas/A"}}}}
            )
        ),
        "page.md",
    ),
}


@pytest.mark.parametrize(("text", "said"), BAD_PAGES.values(), ids=BAD_PAGES)
def test_a_bad_page_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "page.md"
    path.write_text(text)
    with pytest.raises(SpecError, match=said):
        add_model(str(path))


@pytest.mark.parametrize(
    "name", ["class", "self", "2nd", "with space", "a-b", "__init__", "contract", "ünïcode", "日本"]
)
def test_a_parameter_of_any_name_can_be_given(name: str, kie: Kie, box: Sandbox) -> None:
    parameters: dict[str, Any] = {name: {"type": "string"}}
    # Python itself keeps one name for the client.
    given: dict[str, Any] = {"self_" if name == "self" else name: "x"}
    add("acme/kite", kie.models, **parameters)
    kie.generate("kite", "a kite", **given)
    assert box.tasks[0].input == {"prompt": "a kite", name: "x"}


class TestFromPython:
    def test_a_page_is_added(self, tmp_path: Path) -> None:
        assert add_model(str(write(tmp_path / "kite.md", "acme/kite"))) == ["acme/kite"]
        assert "kite" in Registry()

    def test_a_folder_is_added_but_for_what_is_no_model(self, tmp_path: Path) -> None:
        for name in ("kite", "boat"):
            write(tmp_path / f"{name}.md", f"acme/{name}")
        (tmp_path / "README.md").write_text("# Read me")
        assert add_model(str(tmp_path)) == ["acme/boat", "acme/kite"]

    def test_nothing_is_added_where_one_is_wrong(self, tmp_path: Path) -> None:
        write(tmp_path / "a.md", "acme/kite")
        (tmp_path / "b.md").write_text(around("a: 'b"))
        with pytest.raises(SpecError):
            add_model(str(tmp_path))
        assert "acme/kite" not in Registry()

    def test_prose_is_no_model(self, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_text("# Read me")
        with pytest.raises(NotAModel):
            add_model(str(tmp_path / "README.md"))

    def test_a_folder_of_prose_has_no_model(self, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_text("# Read me")
        with pytest.raises(SpecError, match="no page in it describes a model"):
            add_model(str(tmp_path))
