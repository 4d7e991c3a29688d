"""The registry: models by name, loading nothing that is not asked for, and stopped by no plugin."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kie_generated
import pytest
from kie_models.nano_banana_edit import NanoBananaEdit
from kie_models.nano_banana_pro import NanoBananaPro

from kie_registry import Adapter, Contract, PluginError, Registry, UnknownModel
from tests.plugins import Site

BUILT_IN = sorted(json.loads(Path(kie_generated.__file__).with_name("index.json").read_text("utf-8")))


def module(model: str, *aliases: str, body: str = "register(Model)", field: str = "") -> str:
    """Return the source of a plugin that registers `model`."""
    return f"""
from kie_registry import Adapter, Contract, hookimpl
class Model(Adapter, contract=Contract({model!r}, "A title", "image", {{}}), aliases={aliases!r}):
    "A model of a test."
    {field}
@hookimpl
def register_models(register):
    {body}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with Site.on_the_path(tmp_path / "site", monkeypatch) as site:
        yield site


def adapter(model: str, *names: str) -> type[Adapter]:
    class Model(Adapter, contract=Contract(model, "A title", "image", {}), aliases=names):
        """A model of a test."""

    return Model


class TestTheBuiltInModels:
    @pytest.mark.parametrize("name", ["google/nano-banana-edit", "nano-banana-edit"])
    def test_are_found_by_id_and_alias(self, name: str) -> None:
        assert Registry().get(name) is NanoBananaEdit

    def test_are_listed(self) -> None:
        assert Registry().ids() == list(Registry()) == BUILT_IN

    def test_are_listed_the_same_after_loading(self) -> None:
        registry = Registry()
        before = registry.summaries()
        for name in BUILT_IN:
            registry.get(name)
        assert registry.summaries() == before

    def test_are_contained(self) -> None:
        assert ("nano-banana-edit" in Registry(), "nano" in Registry(), 5 in Registry()) == (True, False, False)

    def test_have_no_problems(self) -> None:
        assert Registry().problems() == []

    def test_are_unknown_to_a_registry_without_entry_points(self) -> None:
        assert Registry(entry_points=False).ids() == []


@pytest.mark.parametrize("name", ["nano-banana-por", "NANO-BANANA-PRO"])
def test_an_unknown_model_names_the_nearest_first(name: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        Registry().get(name)
    assert caught.value.suggestions[0] == "nano-banana-pro"


class TestRegisteringByHand:
    def test_adds_a_model(self) -> None:
        registry, model = Registry(), adapter("mine", "m")
        registry.register(model)
        assert (registry.get("m"), registry.ids()) == (model, sorted([*BUILT_IN, "mine"]))

    @pytest.mark.parametrize("names", [["nano-banana-pro"], ["mine", "nano-banana-edit"]], ids=["id", "alias"])
    def test_refuses_a_name_that_is_taken(self, names: list[str]) -> None:
        with pytest.raises(PluginError, match=rf"'{names[-1]}' is taken by kie-registry \(kie_models"):
            Registry().register(adapter(*names))

    @pytest.mark.parametrize("loaded", [False, True], ids=["not loaded", "loaded"])
    @pytest.mark.parametrize(
        ("replaced", "name"),
        [("nano-banana-pro",) * 2, ("nano-banana-edit",) * 2, ("google/nano-banana-edit", "nano-banana-edit")],
    )
    def test_replaces_a_model_when_told(self, replaced: str, name: str, loaded: bool) -> None:
        registry, model = Registry(), adapter(replaced)
        if loaded:
            registry.get(name)
        registry.register(model, replace=True)
        assert registry.get(name) is model

    def test_refuses_the_name_of_a_model_that_replaced_another(self) -> None:
        registry = Registry()
        registry.register(adapter("nano-banana-pro"), replace=True)
        with pytest.raises(PluginError, match="'nano-banana-pro' is taken by this program"):
            registry.register(adapter("nano-banana-pro"))

    def test_a_replaced_model_is_no_problem(self) -> None:
        registry = Registry()
        registry.register(adapter("google/nano-banana-edit"), replace=True)
        assert registry.problems() == []

    @pytest.mark.parametrize("thing", [Adapter, str, None, "nano-banana-pro"], ids=repr)
    def test_refuses_what_is_no_adapter(self, thing: type[Adapter]) -> None:
        with pytest.raises(PluginError, match="is no Adapter class with a contract"):
            Registry().register(thing)


def test_a_plugin_installed_later_is_found_by_the_next_registry(site: Site) -> None:
    before = Registry().ids()
    site.add("alpha", module("paint", "p"), "paint", "p")
    assert (before, Registry().describe("p").origin) == (BUILT_IN, "alpha (plugin_of_alpha)")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"stamp": 1}'], ids=["empty", "broken", "a list", "old"])
def test_a_damaged_cache_of_entry_points_is_written_anew(content: str) -> None:
    Registry().ids()
    (cache,) = (Path(os.environ["KIE_HOME"]) / "cache").iterdir()
    cache.write_text(content)
    assert Registry().ids() == BUILT_IN


def test_a_home_that_cannot_be_written_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("KIE_HOME", str(tmp_path / "file"))
    assert Registry().ids() == BUILT_IN


class TestTwoDistributionsThatClaimAName:
    @pytest.fixture(autouse=True)
    def both(self, site: Site) -> None:
        site.add("alpha", module("paint"), "paint")
        site.add("beta", module("paint"), "paint")

    @pytest.mark.parametrize("origin", ["alpha (plugin_of_alpha)", "beta (plugin_of_beta)", "'paint'"])
    def test_are_both_named(self, origin: str) -> None:
        with pytest.raises(PluginError, match=re.escape(origin)):
            Registry().get("paint")

    def test_are_one_problem(self) -> None:
        assert len(Registry().problems()) == 1

    def test_do_not_stop_the_others(self) -> None:
        assert Registry().get("nano-banana-pro") is NanoBananaPro

    def test_are_listed_as_one_model(self) -> None:
        assert Registry().ids() == sorted([*BUILT_IN, "paint"])


BROKEN = {
    "raises at import": ("1 / 0", "cannot be loaded: ZeroDivisionError: division by zero"),
    "syntax error": ("def (:", "cannot be loaded: SyntaxError"),
    "leaves the program": ("raise SystemExit(3)", "cannot be loaded: SystemExit: 3"),
    "registers nothing": ("", "its entry point 'paint' promises a model that the module does not register"),
    "registers another": (module("other"), "its entry point 'paint' promises a model that the module does not"),
    "raises in the hook": (module("paint", body="1 / 0"), "cannot be loaded: ZeroDivisionError"),
    "registers no adapter": (module("paint", body="register(dict)"), "<class 'dict'> is no Adapter class"),
    "misspells a field": (
        module("paint").replace('"A model of a test."', "promt: str"),
        "the field promt stands for",
    ),
    "takes a taken name": (module("paint", "nano-banana-pro"), "'nano-banana-pro' is taken by kie-registry"),
}


@pytest.mark.parametrize(("source", "part"), BROKEN.values(), ids=BROKEN)
class TestABrokenPlugin:
    @pytest.fixture(autouse=True)
    def installed(self, site: Site, source: str) -> None:
        site.add("alpha", source, "paint")

    def test_raises_when_its_model_is_asked_for(self, part: str) -> None:
        registry = Registry()
        registry.problems()
        with pytest.raises(PluginError) as caught:
            registry.get("paint")
        assert part in str(caught.value)

    def test_does_not_stop_the_others(self, part: str) -> None:
        registry = Registry()
        assert (registry.problems() != [], registry.get("nano-banana-pro")) == (True, NanoBananaPro)

    def test_is_one_problem(self, part: str) -> None:
        (problem,) = Registry().problems()
        assert part in str(problem)

    def test_raises_at_once_in_strict_mode(self, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KIE_STRICT_PLUGINS", "1")
        with pytest.raises(PluginError) as caught:
            Registry().get("nano-banana-pro")
        assert part in str(caught.value)


def test_an_entry_point_that_names_no_module_does_not_stop_the_others(site: Site) -> None:
    site.add("alpha", "", "paint", target="not-a-module!")
    assert Registry().get("nano-banana-pro") is NanoBananaPro


def test_the_group_for_plugins_is_loaded_for_an_id_that_no_entry_point_has(site: Site) -> None:
    site.add("alpha", module("computed"), "anything", group="plugins")
    assert Registry().get("computed").contract.id == "computed"


def test_the_group_for_plugins_is_loaded_for_lists(site: Site) -> None:
    site.add("alpha", module("computed"), "anything", group="plugins")
    assert "computed" in Registry().ids()


def test_the_group_for_plugins_is_not_loaded_for_a_model_with_an_entry_point(site: Site) -> None:
    site.add("alpha", module("computed"), "anything", group="plugins")
    Registry().get("nano-banana-pro")
    assert "plugin_of_alpha" not in sys.modules


class TestAFileInTheHome:
    @pytest.fixture
    def plugins(self) -> Path:
        directory = Path(os.environ["KIE_HOME"]) / "plugins"
        directory.mkdir()
        return directory

    def test_is_a_plugin(self, plugins: Path) -> None:
        (plugins / "mine.py").write_text(module("mine"))
        assert Registry().describe("mine").origin == str(plugins / "mine.py")

    @pytest.mark.parametrize("source", ["1 / 0", "def (:", module("mine", body="register(5)")], ids=str.split)
    def test_that_is_broken_stops_no_other(self, plugins: Path, source: str) -> None:
        (plugins / "broken.py").write_text(source)
        (plugins / "good.py").write_text(module("good"))
        registry = Registry()
        assert ("good" in registry, registry.problems()[0].plugin) == (True, str(plugins / "broken.py"))


def test_nothing_is_loaded_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plugins").mkdir()
    for place in (tmp_path, tmp_path / "plugins"):
        (place / "mine.py").write_text(module("mine"))
    monkeypatch.chdir(tmp_path)
    assert "mine" not in Registry()


def test_many_threads_at_once_load_a_plugin_once(site: Site) -> None:
    count = site.directory / "count"
    body = f"with open({str(count)!r}, 'a') as count: count.write('x'); register(Model)"
    site.add("alpha", module("paint", body=body), "paint")
    registry, start = Registry(), threading.Barrier(32)

    def find(_: int) -> type[Adapter]:
        start.wait()
        return registry.get("paint")

    with ThreadPoolExecutor(32) as pool:
        found = set(pool.map(find, range(32)))
    assert (len(found), count.read_text()) == (1, "x")
