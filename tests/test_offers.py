"""Generated clients of installed distributions, and what happens where they and added models meet."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kie_registry import Kie, PluginError, Registry, added
from kie_registry.adding import Adding
from kie_registry.sandbox import Sandbox
from kie_registry.specs.documents import dump_document
from kie_registry.specs.prepare import prepare
from kie_registry.specs.published import read_published
from tests.pages import page

ADAPTER = """
from kie_registry import Adapter, hookimpl
class Kite(Adapter, contract="{package}.kite", aliases=["k"]):
    "A kite."
@hookimpl
def register_models(register):
    register(Kite)
"""


def prepared(model: str) -> Any:
    (published,) = read_published(page(model).encode(), source=f"{model}.md")
    return prepare(published)


def add(model: str, *, replace: bool = False) -> None:
    (published,) = read_published(page(model, "Added").encode(), source=f"{model}.md")
    Adding(Registry(), replace=replace).add(published)


class Distributions:
    """A directory on the path, into which distributions with generated clients are put."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.packages: list[str] = []

    def install(self, name: str, model: str, *, adapter: bool = False, editable: bool = False) -> None:
        """Install ``name``, with a client of a model; editable: its files lie elsewhere on the path."""
        package = f"{name}_clients"
        self.packages.append(package)
        ready = prepared(model)
        client = self.directory / ("src" if editable else "") / package / ready.slug
        client.mkdir(parents=True)
        for folder in (client, client.parent):
            (folder / "__init__.py").touch()
        entry = {key: ready.contract[key] for key in ("slug", "title", "output")}
        (client.parent / "index.json").write_text(json.dumps({model: entry}))
        (client / "contract.json").write_text(json.dumps(ready.contract))
        (client / "openapi.yaml").write_text(dump_document(ready.document))
        groups = {"clients": [f"{name} = {package}"]}
        if adapter:
            (client.parent / "adapters.py").write_text(ADAPTER.format(package=package))
            groups["models"] = [f"{each} = {package}.adapters" for each in (model, "k")]
        self.write(name, groups)

    def write(self, name: str, groups: dict[str, list[str]]) -> None:
        info = self.directory / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
        lines = [line for group, entries in groups.items() for line in [f"[kie_registry.{group}]", *entries]]
        (info / "entry_points.txt").write_text("\n".join(lines))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Distributions]:
    directory = tmp_path / "site"
    (directory / "src").mkdir(parents=True)
    monkeypatch.syspath_prepend(directory / "src")
    monkeypatch.syspath_prepend(directory)
    site = Distributions(directory)
    yield site
    for name in [name for name in sys.modules if name.partition(".")[0] in site.packages]:
        del sys.modules[name]


@pytest.mark.parametrize("editable", [False, True], ids=["installed", "editable"])
class TestAClientWithoutAnAdapter:
    def test_is_listed_with_its_title_and_not_imported(self, site: Distributions, editable: bool) -> None:
        site.install("alpha", "acme/kite", editable=editable)
        (summary,) = (each for each in Registry().summaries() if each.id == "acme/kite")
        assert (summary.title, summary.origin) == ("Acme - Kite", "alpha (alpha_clients)")
        assert "alpha_clients" not in sys.modules

    def test_generates(self, site: Distributions, editable: bool) -> None:
        site.install("alpha", "acme/kite", editable=editable)
        quick = {"rate_limit": None, "latency": 0, "image_scale": 0.1}
        with (
            Sandbox(**quick) as box,  # type: ignore[arg-type]
            Kie(box.key, base_url=box.url, registry=Registry(), poll_interval=0.02) as kie,
        ):
            kie.generate("acme/kite", "a kite")
            assert box.tasks[0].input == {"prompt": "a kite"}

    def test_is_no_problem(self, site: Distributions, editable: bool) -> None:
        site.install("alpha", "acme/kite", editable=editable)
        assert Registry().problems() == []


class TestAClientWithAnAdapter:
    @pytest.fixture(autouse=True)
    def installed(self, site: Distributions) -> None:
        site.install("alpha", "acme/kite", adapter=True)

    def test_tells_ids_from_aliases_without_importing(self) -> None:
        (summary,) = (each for each in Registry().summaries() if "alpha" in each.origin)
        assert (summary.id, summary.aliases, summary.title) == ("acme/kite", ("k",), "Acme - Kite")
        assert "alpha_clients" not in sys.modules

    @pytest.mark.parametrize("name", ["acme/kite", "k"])
    def test_is_the_adapter(self, name: str) -> None:
        assert Registry().get(name).__name__ == "Kite"


class TestABrokenIndex:
    @pytest.fixture(autouse=True, params=["", "[]", '{"acme/kite": 5}', '{"acme/kite": {}}'])
    def broken(self, site: Distributions, request: pytest.FixtureRequest) -> None:
        site.install("alpha", "acme/kite")
        (site.directory / "alpha_clients" / "index.json").write_text(request.param)

    def test_stops_no_other(self) -> None:
        assert "nano-banana-pro" in Registry().ids()

    def test_is_a_problem(self) -> None:
        assert [problem.plugin for problem in Registry().problems()] == ["alpha (alpha_clients)"]


@pytest.mark.parametrize("module", ["no_such_package", "json", "not-a-module!", "os.path"])
def test_clients_that_are_nowhere_are_a_problem(site: Distributions, module: str) -> None:
    site.write("alpha", {"clients": [f"x = {module}"]})
    (problem,) = Registry().problems()
    assert "there is no such package, or no index.json in it" in str(problem)


def test_two_distributions_with_a_client_of_one_model_are_both_named(site: Distributions) -> None:
    site.install("alpha", "acme/kite")
    site.install("beta", "acme/kite")
    with pytest.raises(PluginError, match=r"alpha \(alpha_clients\) and beta \(beta_clients\): all of them bring"):
        Registry().get("acme/kite")


class TestADistributionThatClaimsTheIdOfAnAddedModel:
    @pytest.fixture(params=[False, True], ids=["client", "adapter"])
    def installed_later(self, site: Distributions, request: pytest.FixtureRequest) -> None:
        add("acme/kite")
        site.install("alpha", "acme/kite", adapter=request.param)

    @pytest.mark.parametrize(
        "said", ["alpha (alpha_clients", "added from kite.md:6", "kie models remove acme/kite"]
    )
    def test_is_named_with_the_added_one_and_the_way_out(self, installed_later: None, said: str) -> None:
        with pytest.raises(PluginError) as caught:
            Registry().get("acme/kite")
        assert said in str(caught.value)

    def test_is_a_problem(self, installed_later: None) -> None:
        assert any("both of them claim" in str(problem) for problem in Registry().problems())

    def test_does_not_stop_the_others(self, installed_later: None) -> None:
        assert Registry().get("nano-banana-pro")

    def test_is_listed_as_one_model(self, installed_later: None) -> None:
        assert Registry().ids().count("acme/kite") == 1


@pytest.mark.parametrize("adapter", [False, True], ids=["client", "adapter"])
@pytest.mark.parametrize("first", [False, True], ids=["alias first", "id first"])
def test_a_model_that_was_added_to_replace_wins(site: Distributions, adapter: bool, first: bool) -> None:
    site.install("alpha", "acme/kite", adapter=adapter)
    add("acme/kite", replace=True)
    registry = Registry()
    if adapter and not first:
        assert registry.get("k").contract.title == "Added"
    assert registry.get("acme/kite").contract.title == "Added"


@pytest.mark.parametrize(("removed", "title"), [(False, "Added"), (True, "Acme - Kite")], ids=["still", "gone"])
def test_the_alias_of_a_replaced_model_leads_on_after_a_refresh(
    site: Distributions, removed: bool, title: str
) -> None:
    site.install("alpha", "acme/kite", adapter=True)
    add("acme/kite", replace=True)
    registry = Registry()
    registry.get("k")
    if removed:
        added.remove(added.listing().models["acme/kite"])
    registry.refresh()
    assert (registry.get("k").contract.title, registry.get("acme/kite").contract.title) == (title, title)


def test_a_short_name_that_a_distribution_claims_later_is_refused_but_the_id_is_not(site: Distributions) -> None:
    add("zeta/k")
    assert Registry().get("k").contract.id == "zeta/k"
    site.install("alpha", "acme/kite", adapter=True)
    with pytest.raises(PluginError, match="claim the model name 'k'"):
        Registry().get("k")
    assert Registry().get("zeta/k").contract.id == "zeta/k"
