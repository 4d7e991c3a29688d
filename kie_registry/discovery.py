"""Find the plugins that installed distributions offer, without importing any.

Asking `importlib.metadata` reads a file of every installed distribution, at every start. So what it said is kept
in ``KIE_HOME``, for as long as no directory on the path has changed.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from attrs import astuple, frozen

from kie_registry import caches
from kie_registry._version import __version__

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

MODELS = "kie_registry.models"
PLUGINS = "kie_registry.plugins"
CLIENTS = "kie_registry.clients"
_GROUPS = (MODELS, PLUGINS, CLIENTS)
INDEX = "index.json"
"""What a package of generated clients holds: model id -> slug, title and kind of output."""


@frozen
class PluginEntry:
    """One entry point.

    Attributes:
        name: A model id or an alias; for a plugin that is no single model, any name.
        module: The import name of the module; for generated clients, that of their package.
        distribution: The name of the distribution that offers it.
        directory: Where the package of generated clients lies; empty for all else.
    """

    name: str
    module: str
    distribution: str
    directory: str = ""

    @property
    def origin(self) -> str:
        """Who offers it, for messages."""
        return f"{self.distribution} ({self.module})"


def find(group: str) -> list[PluginEntry]:
    """Return the entry points of `group`, in the order of their names."""
    stamp = [__version__, *_stamps(sys.path)]
    cache = _cache_name(sys.path)
    if (known := _from_cache(caches.recall(cache, stamp))) is None:
        known = _ask()
        caches.keep(cache, stamp, {name: [astuple(entry) for entry in found] for name, found in known.items()})
    return known[group]


def _ask() -> dict[str, list[PluginEntry]]:
    from importlib.metadata import entry_points

    everything = entry_points()
    return {
        group: sorted({_plugin_entry(entry, group) for entry in everything.select(group=group)}, key=astuple)
        for group in _GROUPS
    }


def _plugin_entry(entry: EntryPoint, group: str) -> PluginEntry:
    module = entry.value.partition(":")[0].strip()
    distribution = entry.dist.name if entry.dist else "unknown distribution"
    directory = _directory(entry.dist, module) if group == CLIENTS else ""
    return PluginEntry(entry.name, module, distribution, directory)


def _directory(distribution: Distribution | None, package: str) -> str:
    """Return where a package lies, without importing it; empty if nowhere.

    Only its topmost package is looked for, because looking for an inner one imports those around it.
    """
    parts = package.split(".")
    if distribution is not None:
        installed = Path(str(distribution.locate_file("/".join(parts))))
        if (installed / INDEX).is_file():
            return str(installed)
    try:
        top = importlib.util.find_spec(parts[0])
    except (ImportError, ValueError):
        return ""
    places = [Path(place, *parts[1:]) for place in (top and top.submodule_search_locations) or ()]
    return next((str(place) for place in places if (place / INDEX).is_file()), "")


def _stamps(path: Iterable[str]) -> list[str]:
    """Return a stamp for each place on the path; installing and removing change that of its directory."""
    stamps = []
    for place in path:
        try:
            stamps.append(f"{place} {os.stat(place or os.curdir).st_mtime_ns}")  # noqa: PTH116  (at every start)
        except OSError:
            stamps.append(f"{place} -")
    return stamps


def _cache_name(path: Iterable[str]) -> str:
    import zlib

    # One file for each environment; a clash of two is seen by the stamps.
    return f"entry-points-{zlib.crc32(os.pathsep.join(path).encode()):08x}.json"


def _from_cache(content: Any) -> dict[str, list[PluginEntry]] | None:
    try:
        return {group: [PluginEntry(*entry) for entry in content[group]] for group in _GROUPS}
    except (KeyError, TypeError):
        return None


def import_file(path: Path) -> ModuleType:
    """Import a user's own plugin from its file."""
    spec = importlib.util.spec_from_file_location(f"kie_home_plugin_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    # Known by its name, so that what it defines can be pickled.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
