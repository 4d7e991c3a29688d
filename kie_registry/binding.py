"""Bind what a caller gives to a model's parameters, and find everything that is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from attrs import define

from kie_registry import schemas
from kie_registry.adapter import Adapter, native_input
from kie_registry.contract import Contract, MediaLimits
from kie_registry.errors import Problem
from kie_registry.media import LocalFile
from kie_registry.mime import same_type
from kie_registry.slots import MediaSlot, find_media, put
from kie_registry.vocabulary import OTHER_NUMBER
from kie_registry.wording import either


@define
class Bound:
    """The parameters of one call, in the model's own terms.

    Attributes:
        adapter: The class of the model.
        input: Native name -> value.
        slots: The places that still hold local files.
        problems: Everything found wrong so far, without having looked into files.
        filled: The native names that nobody gave, and that hold their documented defaults.
    """

    adapter: type[Adapter]
    input: dict[str, Any]
    slots: list[MediaSlot]
    problems: list[Problem]
    filled: frozenset[str] = frozenset()

    def put(self, slot: MediaSlot, address: str) -> None:
        """Put the address of an uploaded file in its place."""
        put(self.input, slot.place, address)


def bind(adapter: type[Adapter], parameters: Mapping[str, Any]) -> Bound:
    """Bind `parameters`, by common or native names, to the model; None leaves a parameter out."""
    values, problems = _resolve_names(adapter, parameters)
    missing = list(_missing(adapter, values))
    if not problems and not missing:
        return _bind(adapter(**values), values)
    # No instance can be made; what was given is checked all the same, so that all errors show at once.
    names = adapter.parameter_names
    given = {names[name]: value for name, value in values.items()}
    made = native_input(adapter.contract, given)
    return _check(adapter, given, made, [*problems, *missing, *_blank(adapter, values)])


def bind_instance(instance: Adapter) -> Bound:
    """Bind the parameters that an adapter instance holds."""
    values = {name: getattr(instance, name) for name in instance.parameter_names}
    return _bind(instance, {name: value for name, value in values.items() if value is not None})


def _bind(instance: Adapter, values: Mapping[str, Any]) -> Bound:
    adapter = type(instance)
    given = {adapter.parameter_names[name] for name in values}
    return _check(adapter, given, instance.to_input(), list(_blank(adapter, values)))


def in_order(adapter: type[Adapter], problems: Iterable[Problem]) -> list[Problem]:
    """Return `problems` as a person reads them: unknown names first, then in the order of the parameters."""
    order = {name: at for at, name in enumerate(adapter.parameter_names)}
    return sorted(problems, key=lambda problem: order.get(problem.parameter, -1))


def _resolve_names(adapter: type[Adapter], parameters: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    given_as: dict[str, str] = {}
    problems = []
    for given, value in parameters.items():
        name = _field(adapter, given)
        if name is None:
            problems.append(Problem(given, _unknown(adapter, given)))
        elif value is None:
            continue
        elif name in values:
            twice = f"is given twice, as {given_as[name]} and as {given}"
            problems.append(problem_of(adapter, adapter.parameter_names[name], twice))
        else:
            values[name], given_as[name] = value, given
    return values, problems


def _field(adapter: type[Adapter], given: str) -> str | None:
    """Return the field that a name means: the field's own, the native one, or a plural for a singular."""
    # A native name always means that parameter, even where a field of that name stands for another one.
    if (name := adapter.field_names.get(given)) is not None:
        return name
    return next((name for name in (given, OTHER_NUMBER.get(given)) if name in adapter.parameter_names), None)


def _unknown(adapter: type[Adapter], given: str) -> str:
    accepted = list(adapter.parameter_names)
    candidates = {**adapter.field_names, **{name: name for name in accepted}}
    near = difflib.get_close_matches(given, sorted(candidates), n=1, cutoff=0.6)
    hint = f"; did you mean {candidates[near[0]]}?" if near else ""
    takes = ", ".join(accepted)
    return f"is no parameter of {adapter.contract.id}{hint} (it takes {takes})"


def _missing(adapter: type[Adapter], values: Mapping[str, Any]) -> Iterator[Problem]:
    for name, native_name in adapter.parameter_names.items():
        needed = native_name in adapter.contract.required
        if needed and name not in values and "default" not in adapter.contract.parameters[native_name]:
            yield problem_of(adapter, native_name, "is missing")


def _blank(adapter: type[Adapter], values: Mapping[str, Any]) -> Iterator[Problem]:
    """An empty prompt breaks no documented limit, and is an error of the caller all the same."""
    for name, value in values.items():
        native_name = adapter.parameter_names[name]
        if not isinstance(value, str) or value.strip() or native_name not in adapter.contract.required:
            continue
        if value or not schemas.allows_empty(adapter.contract.parameters[native_name]):
            yield problem_of(adapter, native_name, "is empty")


def _check(adapter: type[Adapter], given: Container[str], made: dict[str, Any], problems: list[Problem]) -> Bound:
    """Check the input that was `made` of what was `given`; a default that was filled in was not given."""
    contract = adapter.contract
    media = find_media(contract, made)
    found = [problem_of(adapter, name, wrong) for name, wrong in media.problems]
    problems += [problem for problem in found if problem not in problems]
    for deprecated, current in contract.replaced_by.items():
        if deprecated in given and current in given:
            both = f"cannot be given together with {deprecated}, which it replaces"
            problems.append(problem_of(adapter, current, both))
    reported = {problem.native or problem.parameter for problem in problems}
    for violation in contract.violations(media.checked):
        if violation.native not in reported:
            problems.append(problem_of(adapter, violation.native, violation.message))
    filled = frozenset(
        name for name, value in made.items() if name not in given and _is_default(contract, name, value)
    )
    return Bound(adapter, media.input, media.slots, in_order(adapter, problems), filled)


def _is_default(contract: Contract, name: str, value: Any) -> bool:
    schema = contract.parameters.get(name, {})
    return "default" in schema and bool(schema["default"] == value)


def check_file(adapter: type[Adapter], slot: MediaSlot, file: LocalFile) -> list[Problem]:
    """Return what is wrong with a local file for the parameter that it is given as."""
    limits = adapter.contract.media[slot.path]
    return [problem_of(adapter, slot.native, wrong) for wrong in file_problems(limits, file)]


def file_problems(limits: MediaLimits, file: LocalFile) -> Iterator[str]:
    """Yield in words what is wrong with a local file for a parameter with these limits."""
    accepted = limits.types or ((f"{limits.kind}/*",) if limits.kind != "file" else ())
    if file.mime_type is None and limits.types:
        kinds = either(tuple(dict.fromkeys(kind.split("/")[0] for kind in accepted)))
        takes = either(accepted)
        yield f"{file.label} is no {kinds}: its content has no known signature; it takes {takes}"
    elif file.mime_type and accepted and not any(same_type(file.mime_type, kind) for kind in accepted):
        takes = either(limits.types) if limits.types else _ONE.get(limits.kind, limits.kind)
        yield f"{file.label} is {file.mime_type}; it takes {takes}"
    if limits.max_bytes is not None and file.size > limits.max_bytes:
        most = f"{limits.max_bytes:,} ({limits.max_bytes / 2**20:g} MB)"
        yield f"{file.label} has {file.size:,} bytes; at most {most} are allowed"


_ONE = {"image": "an image", "video": "a video"}


def problem_of(adapter: type[Adapter], native_name: str, message: str) -> Problem:
    """Return a problem with one parameter, by its common name, with the native one beside it."""
    common = adapter.field_names.get(native_name, native_name)
    return Problem(common, message, native_name if common != native_name else None)
