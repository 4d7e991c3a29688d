"""Make inputs from a contract: plain valid ones, and those that just keep or just break a limit."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve

from kie_registry.contract import Contract
from kie_registry.errors import Problem, SpecError
from kie_registry.schemas import Schema, alternatives, item, parameters, parts, required
from kie_registry.specs.validity import fits
from kie_registry.testing.branches import flattened
from kie_registry.testing.limits import ABSENT, UNKNOWN, Trial, trials
from kie_registry.testing.values import make_value


def valid_input(contract: Contract, parameter: str | None = None) -> dict[str, Any]:
    """Return a plain input that `contract` accepts, by native names: what is required, and `parameter`.

    Files are addresses under https://example.com.

    Raises:
        SpecError: None could be made: the contract contradicts itself, or demands what only a person can guess.
    """
    schema = described(contract)
    try:
        if parameter is None:
            return dict(make_value(schema))
        for flat in flattened(schema):
            if parameter in flat.get("properties", {}):
                made = {**make_value(_needed(flat)), parameter: make_value(flat["properties"][parameter])}
                if fits(made, schema):
                    return made
    except SpecError as error:
        raise SpecError(f"{contract.id}: no input could be made that its own schema accepts: {error}") from error
    raise SpecError(f"{contract.id}: no input could be made that has {parameter} and that its own schema accepts")


def violations_of(contract: Contract) -> Iterator[Trial]:
    """Yield a trial for each limit of `contract`; the values are whole inputs, by native names.

    Limits of files are not among them; see `kie_registry.testing.files`.

    Raises:
        SpecError: No valid input could be made to begin with.
    """
    base = valid_input(contract)
    for trial in trials(described(contract)):
        if contract.replaced_by.get(trial.parameter) not in base:
            yield _sayable(trial)


def is_refusal(trial: Trial, problems: Iterable[Problem], contract: Contract) -> bool:
    """Whether one of `problems` is about the parameter of `trial`, and not about something else.

    Of an input with alternatives, it may as well be about the whole, or about what another of them needs: what
    is broken in one may come nearest to another.
    """
    unknown = trial.rule == "additionalProperties" and not trial.place
    wanted = {UNKNOWN if unknown else trial.parameter}
    if branches := [branch for part in parts(contract.input) for branch in alternatives(part)]:
        wanted |= {"", *frozenset().union(*map(required, branches)).difference(trial.beyond)}
    return any((problem.native or problem.parameter) in wanted for problem in problems)


def with_defaults(schema: Schema, value: Any) -> Any:
    """Return `value` and the defaults of what is required in it: they are sent, as kie.ai does not apply them."""
    if isinstance(value, list):
        return [with_defaults(item(schema), each) for each in value]
    if not isinstance(value, Mapping):
        return value
    known = parameters(schema)
    told = {name: with_defaults(known.get(name, {}), each) for name, each in value.items()}
    defaults = {name: known[name].get("default") for name in required(schema) if name in known}
    return {**{name: default for name, default in defaults.items() if default is not None}, **told}


def described(contract: Contract) -> dict[str, Any]:
    """Return the schema of the input, with what the rest of the contract tells of the values written into it.

    What takes a file says ``format: uri``, and the example's values stand under ``examples``.
    """
    schema = copy.deepcopy(dict(contract.input))
    for place in contract.media:
        _mark(schema, place.replace("[]", "").split("."))
    for name, value in (contract.example or {}).items():
        _show(schema, name, value)
    return schema


def _needed(flat: Schema) -> Schema:
    return {key: value for key, value in flat.items() if key != "minProperties"}


def _sayable(trial: Trial) -> Trial:
    """Return `trial` without an edge that gives None, which leaves a parameter out."""
    edge = trial.edge
    if isinstance(edge, Mapping) and edge.get(trial.parameter, 0) is None:
        return evolve(trial, edge=ABSENT)
    return trial


def _mark(schema: dict[str, Any], path: list[str]) -> None:
    for part in parts(schema):
        assert isinstance(part, dict)  # noqa: S101
        if isinstance(part.get("items"), dict):
            _mark(part["items"], path)
        if not path:
            part.setdefault("format", "uri")
        elif isinstance(inner := part.get("properties", {}).get(path[0]), dict):
            _mark(inner, path[1:])


def _show(schema: dict[str, Any], name: str, value: Any) -> None:
    for part in parts(schema):
        inner = part.get("properties", {}).get(name)
        if not isinstance(inner, dict):
            continue
        inner.setdefault("examples", []).append(value)
        for each in value if isinstance(value, list) and isinstance(inner.get("items"), dict) else ():
            _show_items(inner["items"], each)


def _show_items(schema: dict[str, Any], shown: Any) -> None:
    schema.setdefault("examples", []).append(shown)
    for name, value in shown.items() if isinstance(shown, dict) else ():
        _show(schema, name, value)
