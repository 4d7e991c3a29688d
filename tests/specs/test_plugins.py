"""The name of a plugin says how it is imported, and must not be another's."""

from __future__ import annotations

import pytest

from kie_registry.errors import SpecError
from kie_registry.specs.plugins import import_name


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("kie-flux", "kie_flux"),
        ("Kie.Flux--2", "kie_flux_2"),
        ("x", "x"),
        ("pytest-cov-of-mine", "pytest_cov_of_mine"),
    ],
)
def test_import_name_is_made_of_the_name(name: str, package: str) -> None:
    assert import_name(name) == package


@pytest.mark.parametrize("name", ["", "../x", "a b", "x-", "-x", "a/b", "größe", "x" * 101, "x\n"])
def test_what_is_no_name_of_a_distribution_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match="is no name of a distribution"):
        import_name(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("4o", "would be imported as 4o, which Python cannot import; try kie-4o"),
        ("class", "would be imported as class, which Python cannot import; try kie-class"),
        ("json", "would be imported as json, which is there already; try kie-json"),
        ("kie-models", "would be imported as kie_models, which is there already; try kie-models-models"),
        ("kie-registry", "would be imported as kie_registry, which is there already; try kie-registry-models"),
        ("attr", "would be imported as attr, as attrs is; try kie-attr"),
    ],
)
def test_an_import_name_that_is_another_ones_is_refused(name: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        import_name(name)
