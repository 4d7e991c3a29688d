"""What the kit exports, what it costs to import, and what it says where pytest is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import kie_registry.testing


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


def test_exports() -> None:
    assert kie_registry.testing.__all__ == ["AdapterConformance", "Trial", "valid_input", "violations_of"]
    assert all(getattr(kie_registry.testing, name).__name__ == name for name in kie_registry.testing.__all__)


def test_other_names_are_unknown() -> None:
    with pytest.raises(AttributeError, match=r"kie_registry\.testing.*'unheard_of'"):
        kie_registry.testing.unheard_of  # noqa: B018


@pytest.mark.parametrize("name", ["AdapterConformance", "fixtures"])
def test_missing_pytest_is_named(name: str) -> None:
    done = run(f"import sys; sys.modules['pytest'] = None; from kie_registry.testing import {name}")
    assert "ConfigurationError: the testing kit needs pytest" in done.stderr
    assert "pip install 'kie-registry[testing]'" in done.stderr


@pytest.mark.parametrize("module", ["kie_registry.testing", "kie_registry.testing.corpus.__main__"])
def test_pytest_is_imported_only_for_what_needs_it(module: str) -> None:
    done = run(f"import sys, {module}; print('pytest' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr
