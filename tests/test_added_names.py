"""The names of added models: none comes to mean another model, which costs money, without a word."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from kie_registry import Registry, SpecError, add_model, added
from kie_registry.adding import Adding, Addition
from kie_registry.specs.published import read_published
from tests.pages import page, write


def add(
    model: str, registry: Registry | None = None, *, replace: bool = False, alias: str | None = None
) -> Addition:
    """Add a model, and return what was added."""
    (published,) = read_published(page(model).encode(), source=f"{model}.md")
    addition = Adding(registry or Registry(), replace=replace, alias=alias).add(published)
    assert addition is not None
    return addition


class TestAnIdThatIsAnAlias:
    def test_of_an_added_model_is_refused_naming_it(self) -> None:
        add("acme/kite")
        with pytest.raises(SpecError, match=r"kite is taken, it means acme/kite \(added from kite\.md:6\)"):
            add("kite")

    def test_that_the_user_gave_is_refused_too(self) -> None:
        add("acme/kite", alias="k2")
        with pytest.raises(SpecError, match="it means acme/kite"):
            add("k2")

    def test_of_an_installed_model_is_refused_naming_it(self) -> None:
        with pytest.raises(SpecError, match=r"it means google/nano-banana-edit \(kie-registry "):
            add("nano-banana-edit")

    def test_means_the_new_model_when_told_and_says_what_it_meant(self) -> None:
        add("acme/kite")
        assert add("kite", replace=True).notes == ("kite meant acme/kite (added from kite.md:6) before",)
        assert Registry().get("kite").contract.id == "kite"

    def test_means_the_new_model_whichever_is_loaded_first(self) -> None:
        add("acme/kite")
        add("kite", replace=True)
        registry = Registry()
        registry.get("acme/kite")
        assert registry.get("kite").contract.id == "kite"

    def test_is_listed_of_no_other(self) -> None:
        add("acme/kite")
        add("kite", replace=True)
        assert [each.id for each in Registry().summaries() if "kite" in (each.id, *each.aliases)] == ["kite"]

    def test_means_what_it_meant_when_the_new_model_is_removed(self) -> None:
        add("acme/kite")
        add("kite", replace=True)
        added.remove(added.listing().models["kite"])
        assert Registry().get("kite").contract.id == "acme/kite"

    def test_of_a_model_that_is_added_with_it_is_none(self, tmp_path: Path) -> None:
        write(tmp_path / "a.md", "acme/kite")
        write(tmp_path / "b.md", "kite")
        add_model(str(tmp_path))
        assert [model.aliases for model in added.listing().models.values()] == [(), ()]

    def test_is_told_from_python(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        add("acme/kite")
        with caplog.at_level(logging.WARNING, "kie_registry"):
            add_model(str(write(tmp_path / "kite.md", "kite")), replace=True)
        assert "kite meant acme/kite" in caplog.text


def test_an_alias_that_is_taken_is_refused_naming_by_whom() -> None:
    add("acme/kite")
    with pytest.raises(SpecError, match=r"that of another model, acme/kite \(added from kite\.md:6\)"):
        add("acme/boat", alias="kite")


class TestAModelThatIsReplaced:
    def test_keeps_the_aliases_that_the_user_gave(self) -> None:
        add("acme/kite", alias="k2")
        add("acme/kite", replace=True, alias="k3")
        assert add("acme/kite", replace=True).model.aliases == ("kite", "k3", "k2")

    def test_loses_an_alias_that_another_model_has_meanwhile(self) -> None:
        add("acme/kite", alias="k2")
        add("k2", replace=True)
        assert add("acme/kite", replace=True).model.aliases == ("kite",)

    def test_says_nothing_of_names(self) -> None:
        add("acme/kite")
        assert add("acme/kite", replace=True).notes == ()


@pytest.mark.parametrize("name", ["acme/kite", "kite", "k2"])
def test_a_model_that_was_removed_leaves_no_name_behind(name: str) -> None:
    registry = Registry()
    add("acme/kite", registry, alias="k2")
    registry.get(name)
    added.remove(added.listing().models["acme/kite"])
    registry.refresh()
    assert name not in registry
