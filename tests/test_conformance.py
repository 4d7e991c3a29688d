"""Every built-in adapter keeps to its contract: those of `kie_models`, as the registry offers them."""

from __future__ import annotations

from kie_registry import discovery
from kie_registry.registry import Registry
from kie_registry.testing import AdapterConformance

_NAMES = [entry.name for entry in discovery.find(discovery.MODELS) if entry.module.startswith("kie_models.")]
_REGISTRY = Registry()
_ADAPTERS = {adapter.contract.id: adapter for adapter in map(_REGISTRY.get, _NAMES)}

for _adapter in _ADAPTERS.values():
    _name = f"Test{_adapter.__name__}"
    globals()[_name] = type(_name, (AdapterConformance,), {"__module__": __name__, "adapter": _adapter})


def test_every_adapter_of_the_repository_is_tested() -> None:
    assert {"nano-banana-pro", "google/nano-banana-edit"} <= _ADAPTERS.keys()
