"""pytest fixtures: a local kie.ai, and clients of it.

    pytest_plugins = ["kie_registry.testing.fixtures"]      # in the conftest.py of the tests

They are no pytest plugin that every installation loads: whoever has this library installed and tests something
else would pay for the import at each start of pytest.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kie_registry.errors import ConfigurationError
from kie_registry.testing.serving import client_options, fast_sandbox

try:
    import pytest
except ModuleNotFoundError as error:
    raise ConfigurationError(
        "the testing kit needs pytest, which is not installed: pip install 'kie-registry[testing]'"
    ) from error

if TYPE_CHECKING:
    from kie_registry import Kie
    from kie_registry.sandbox import Sandbox

_SETTINGS = ("KIE_API_KEY", "KIE_BASE_URL", "KIE_UPLOAD_URL", "KIE_STRICT_PLUGINS", "KIE_LOG")


@pytest.fixture
def kie_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a KIE_HOME of its own, and take the other settings of kie-registry from the environment."""
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "kie-home"
    monkeypatch.setenv("KIE_HOME", str(home))
    return home


@pytest.fixture
def kie_sandbox(kie_home: Path) -> Iterator[Sandbox]:
    """Serve a local kie.ai on a free port, for one test: quick, without rate limits, drawing small pictures."""
    del kie_home  # asked for so that no setting from outside reaches the test
    with fast_sandbox() as box:
        yield box


@pytest.fixture
def kie_client(kie_sandbox: Sandbox) -> Iterator[Kie]:
    """Connect a `Kie` to the sandbox of the test; it knows what is installed, and what is in `kie_home`."""
    from kie_registry import Kie
    from kie_registry.registry import Registry

    with Kie(kie_sandbox.key, registry=Registry(), **client_options(kie_sandbox)) as kie:
        yield kie
