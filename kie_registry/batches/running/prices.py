"""What a job will cost, by what others like it have cost: kie.ai publishes no prices that a program could read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from kie_registry.errors import KieError
from kie_registry.ledger.job import Job
from kie_registry.registry import Registry

Kind: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""A model, and those of the parameters that a price may depend on."""

# The same picture anew costs the same.
_NOT_PRICED = frozenset({"seed"})
_SCALARS = (bool, int, float)


class Prices:
    """The highest price seen for each kind of job, in credits.

    Args:
        registry: Knows which parameters of a model are choices.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._highest: dict[Kind, float] = {}

    def kind(self, job: Job) -> Kind:
        """Return what a job has in common with those that cost the same: all but texts, files and the seed."""
        model, given = job.model or "", job.input or {}
        try:
            parameters = self._registry.get(model).contract.parameters
        except KieError:
            # It was removed, or its plugin is broken; its tasks go on.
            parameters = {}
        counted = {name: _counted(value, parameters.get(name, {})) for name, value in given.items()}
        return model, tuple(
            sorted((name, text) for name, text in counted.items() if text and name not in _NOT_PRICED)
        )

    def of(self, kind: Kind) -> float | None:
        """Return the highest price seen for a kind; None where there is none yet."""
        return self._highest.get(kind)

    def observe(self, kind: Kind, price: float) -> None:
        """Learn what a job has cost."""
        self._highest[kind] = max(price, self._highest.get(kind, 0.0))


def _counted(value: Any, schema: Mapping[str, Any]) -> str:
    """Return what of a value may decide on the price, as a text; empty for none of it."""
    if isinstance(value, list):
        return f"{len(value)} of them"
    return str(value) if isinstance(value, _SCALARS) or "enum" in schema else ""
