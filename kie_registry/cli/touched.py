"""Which adapters a change on a page touches."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from kie_registry.errors import KieError
from kie_registry.registry import default_registry
from kie_registry.specs.changes.compare import Change, top_level


@frozen
class Touched:
    """An adapter that is registered for a model that changed.

    Attributes:
        adapter: The dotted name of its class.
        file: Where the class is written; None where it is built from the contract.
        fields: Its fields that the changes concern.
    """

    adapter: str
    file: str | None
    fields: tuple[str, ...]


def touched(model: str, changes: Iterable[Change]) -> list[Touched]:
    """Return the adapters of `model` that `changes` concern.

    None where it is not registered or its plugin is broken, and where only the prose of the page changed.
    """
    changes = list(changes)
    try:
        adapter = default_registry().get(model)
    except KieError:
        return []
    natives = (top_level(change.parameter) for change in changes)
    fields = tuple(dict.fromkeys(adapter.field_names[name] for name in natives if name in adapter.field_names))
    if not fields and all(change.kind == "wording" for change in changes):
        return []
    name = f"{adapter.__module__}.{adapter.__qualname__}"
    return [Touched(name, _file(adapter), fields)]


def _file(adapter: type) -> str | None:
    try:
        source = inspect.getsourcefile(adapter)
        # A built class has no source of its own, and claims that of the module that built it.
        inspect.getsourcelines(adapter)
    except (OSError, TypeError):
        return None
    if source is None:
        return None
    path = Path(source)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
