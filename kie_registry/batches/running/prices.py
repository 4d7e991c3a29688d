"""What a job will cost, by what others like it have cost: kie.ai publishes no prices that a program could read."""

from __future__ import annotations

from collections import Counter
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
    """What has been seen of the price of each kind of job, in credits.

    Args:
        registry: Knows which parameters of a model are choices.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._highest: dict[Kind, float] = {}
        self._seen: Counter[Kind] = Counter()
        # The same of each model, over all its kinds.
        self._highest_of_model: dict[str, float] = {}
        self._kinds: Counter[str] = Counter()

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

    def likely(self, kind: Kind) -> float | None:
        """Return the highest price seen for a kind, or else for its model; None where there is none yet."""
        return self._highest.get(kind, self._highest_of_model.get(kind[0]))

    def seen(self, kind: Kind) -> int:
        """Return how many prices were seen of a kind."""
        return self._seen[kind]

    def kinds(self, model: str) -> int:
        """Return of how many kinds of a model a price was seen."""
        return self._kinds[model]

    def observe(self, kind: Kind, price: float) -> bool:
        """Learn what a job has cost; return whether others will likely cost something else than was thought."""
        model, before = kind[0], self._highest.get(kind)
        self._seen[kind] += 1
        self._kinds[model] += before is None
        if before is not None and price <= before:
            return False
        self._highest[kind] = price
        self._highest_of_model[model] = max(price, self._highest_of_model.get(model, 0.0))
        return True


def _counted(value: Any, schema: Mapping[str, Any]) -> str:
    """Return what of a value may decide on the price, as a text; empty for none of it."""
    if isinstance(value, list):
        return f"{len(value)} of them"
    return str(value) if isinstance(value, _SCALARS) or "enum" in schema else ""
