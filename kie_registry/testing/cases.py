"""What the tests of an adapter are parametrized with, and the names under which they are reported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import define, field

from kie_registry import discovery
from kie_registry.adapter import Adapter
from kie_registry.testing.files import FileTrial, file_trials
from kie_registry.testing.inputs import violations_of
from kie_registry.testing.limits import Trial


@define
class Choices:
    """The values that one place takes, each in a whole input.

    Attributes:
        place: Where: ``resolution``, or ``dialogue[].voice``.
        inputs: Value -> input.
    """

    place: str
    inputs: list[tuple[Any, dict[str, Any]]] = field(factory=list)


def name_of(case: Any) -> str:
    """Return what a test of `case` is called."""
    if isinstance(case, (Trial, FileTrial)):
        told = case.limit if isinstance(case.limit, (int, float, str)) and case.rule not in _SAID else ""
        return "-".join(str(part) for part in (case.place, case.rule, told) if part != "")
    return case.place if isinstance(case, Choices) else str(case)


# The rules whose limit says no more than the rule itself, or too much for a name.
_SAID = frozenset({"required", "additionalProperties", "uniqueItems", "pattern", "type"})


def parameters(adapter: type[Adapter]) -> list[str]:
    """Return the native names that can be given: all but what a required one replaces."""
    contract = adapter.contract
    return [name for name in contract.parameters if contract.replaced_by.get(name) not in contract.required]


def limits(adapter: type[Adapter]) -> list[Trial]:
    """Return a trial for each limit of a parameter; of its choices, the one that is beyond them."""
    found = violations_of(adapter.contract)
    return [
        trial for trial in found if trial.place and not (trial.rule == "enum" and isinstance(trial.edge, dict))
    ]


def choices(adapter: type[Adapter]) -> list[Choices]:
    """Return the values of each place that has a list of them."""
    found: dict[str, Choices] = {}
    for trial in violations_of(adapter.contract):
        if trial.rule == "enum" and isinstance(trial.edge, dict):
            known = found.setdefault(trial.place, Choices(trial.place))
            known.inputs.append((trial.limit, trial.edge))
    return list(found.values())


def files(adapter: type[Adapter]) -> Iterable[FileTrial]:
    """Return a trial for each limit of files."""
    return file_trials(adapter.contract)


def aliases(adapter: type[Adapter]) -> list[str]:
    """Return the names that entry points have to agree with: none where no distribution offers the model."""
    offered = {entry.name for entry in discovery.find(discovery.MODELS)}
    names = [adapter.contract.id, *adapter.aliases]
    return names if offered & set(names) else []
