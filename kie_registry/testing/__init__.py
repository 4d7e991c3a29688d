"""A kit for those who write adapters: tests to inherit, made-up inputs, and a sandbox as a pytest fixture.

    from kie_registry.testing import AdapterConformance

    class TestSketch(AdapterConformance):
        model = "acme/sketch"

It needs the extra ``testing``. The fixtures are asked for by name, so that nobody pays for what is not used::

    pytest_plugins = ["kie_registry.testing.fixtures"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kie_registry.testing.conformance import AdapterConformance
    from kie_registry.testing.inputs import valid_input, violations_of
    from kie_registry.testing.limits import Trial

__all__ = ["AdapterConformance", "Trial", "valid_input", "violations_of"]

_HOMES = {
    "AdapterConformance": "conformance",
    "Trial": "limits",
    "valid_input": "inputs",
    "violations_of": "inputs",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: only the tests to inherit need pytest."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
