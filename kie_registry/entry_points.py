"""Find the models that installed distributions offer, without importing any of them."""

from __future__ import annotations

from attrs import frozen

MODELS = "kie_registry.models"
PLUGINS = "kie_registry.plugins"


@frozen
class PluginEntry:
    """One entry point.

    Attributes:
        name: A model id or an alias; for a plugin that is no single model, any name.
        module: The import name of the module.
        distribution: The name of the distribution that offers it.
    """

    name: str
    module: str
    distribution: str

    @property
    def origin(self) -> str:
        """Who offers it, for messages."""
        return f"{self.distribution} ({self.module})"


def find(group: str) -> list[PluginEntry]:
    """Return the entry points of `group`, in the order of their names."""
    from importlib.metadata import entry_points

    found = {
        PluginEntry(entry.name, entry.module, entry.dist.name if entry.dist else "unknown distribution")
        for entry in entry_points(group=group)
    }
    return sorted(found, key=lambda entry: (entry.name, entry.distribution, entry.module))
