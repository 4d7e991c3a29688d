"""Find the models that installed distributions and the generated clients offer, without importing any.

Asking `importlib.metadata` reads a file of every installed distribution, at every start. So what it said is kept
in ``KIE_HOME``, for as long as no directory on the path has changed.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import pkgutil
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from attrs import astuple, frozen

from kie_registry._version import __version__
from kie_registry.adapter import Adapter
from kie_registry.contract import Contract, package_name
from kie_registry.settings import home

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
    stamp = [__version__, *_stamps(sys.path)]
    cache = _cache_file(sys.path)
    known = _read(cache, stamp)
    if known is None:
        known = {name: _ask(name) for name in (MODELS, PLUGINS)}
        _write(cache, stamp, known)
    return known[group]


def _ask(group: str) -> list[PluginEntry]:
    from importlib.metadata import entry_points

    found = {
        PluginEntry(
            entry.name,
            entry.value.partition(":")[0].strip(),
            entry.dist.name if entry.dist else "unknown distribution",
        )
        for entry in entry_points(group=group)
    }
    return sorted(found, key=astuple)


def _stamps(path: Iterable[str]) -> list[str]:
    """Return a stamp for each place on the path; installing and removing change that of its directory."""
    stamps = []
    for place in path:
        try:
            stamps.append(f"{place} {os.stat(place or os.curdir).st_mtime_ns}")  # noqa: PTH116  (at every start)
        except OSError:
            stamps.append(f"{place} -")
    return stamps


def _cache_file(path: Iterable[str]) -> Path:
    import zlib

    # One file for each environment; a clash of two is seen by the stamps.
    return home() / "cache" / f"entry-points-{zlib.crc32(os.pathsep.join(path).encode()):08x}.json"


def _read(cache: Path, stamp: list[str]) -> dict[str, list[PluginEntry]] | None:
    try:
        content = json.loads(cache.read_bytes())
        if content["stamp"] == stamp:
            return {
                group: [PluginEntry(*entry) for entry in content["groups"][group]] for group in (MODELS, PLUGINS)
            }
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None


def _write(cache: Path, stamp: list[str], groups: dict[str, list[PluginEntry]]) -> None:
    entries = {group: [astuple(entry) for entry in found] for group, found in groups.items()}
    fresh = cache.with_suffix(f".{os.getpid()}")
    # Without a writable home, the next start asks again.
    with contextlib.suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps({"stamp": stamp, "groups": entries}), "utf-8")
        fresh.replace(cache)


@functools.cache
def generated_models() -> dict[str, dict[str, str]]:
    """Return model id -> slug, title and kind of output, for every generated client."""
    content = pkgutil.get_data("kie_generated", "index.json")
    index: dict[str, dict[str, str]] = json.loads(content or b"{}")
    return index


def build_adapter(model_id: str) -> type[Adapter]:
    """Build an adapter for a generated client, with a field for each parameter."""
    from kie_registry.building import build_adapter as build

    slug = generated_models()[model_id]["slug"]
    return build(Contract.load(package_name(slug)), slug=slug)


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
