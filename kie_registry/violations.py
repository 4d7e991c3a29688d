"""Say in words what a JSON Schema validator found wrong with a model's input."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from kie_registry import schemas
from kie_registry.schemas import Schema
from kie_registry.wording import clip, either

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

LISTS_CHOICES = " is not one of "
_UNKNOWN = ("additionalProperties", "unevaluatedProperties")


@frozen
class Violation:
    """One place where an input breaks the contract.

    Attributes:
        native: The native name of the parameter; empty where the input as a whole is concerned.
        message: What is wrong and what would be right.
    """

    native: str
    message: str


def read_errors(errors: Iterable[ValidationError], schema: Schema) -> list[Violation]:
    """Return what `errors` of an input mean, by the `schema` that it was checked against.

    Where the input fits none of several alternatives, these are the violations of the one that comes nearest.
    """
    sure: list[Violation] = []
    doubtful: list[Violation] = []
    for error in errors:
        for violation in _read(error, schema):
            # What stands in a branch that fails counts as unknown for the validator, and is not.
            doubts = error.kind.name == "unevaluatedProperties" and violation.message == _ELSEWHERE
            (doubtful if doubts else sure).append(violation)
    return sure or doubtful


def _read(error: ValidationError, schema: Schema) -> Iterator[Violation]:
    rule, name = error.kind.as_dict(), error.kind.name
    path = [str(part) for part in error.instance_path]
    if name in ("anyOf", "oneOf") and rule.get("context"):
        yield from _read_alternatives(error, rule["context"], schema)
    elif name == "required" and not path:
        yield Violation(str(rule["property"]), _MISSING)
    elif name in _UNKNOWN and not path:
        known = schemas.parameters(schema)
        for unexpected in rule["unexpected"]:
            yield Violation(str(unexpected), _ELSEWHERE if unexpected in known else _NO_PARAMETER)
    else:
        yield Violation(path[0] if path else "", _place(path) + _explain(name, rule, error))


def _place(path: Sequence[str]) -> str:
    """Return the place within a parameter, such as ``item 2, duration: ``."""
    inner = [f"item {int(step) + 1}" if step.isdigit() else step for step in path[1:]]
    return f"{clip(', '.join(inner))}: " if inner else ""


def _read_alternatives(
    error: ValidationError, branches: Sequence[Sequence[ValidationError]], schema: Schema
) -> Iterator[Violation]:
    path = [str(part) for part in error.instance_path]
    described = _described(error, schema, len(branches))
    native, labels = path[0] if path else "", _labels(described)
    if fitting := [label for label, errors in zip(labels, branches, strict=True) if not errors]:
        several = f"fits {' and '.join(fitting)} at once, and must fit only one of them"
        yield Violation(native, _place(path) + several)
        return
    strangers = [0] * len(branches) if path else _strangers(described, error.instance)
    costs = [sum(map(_cost, errors)) + 2 * more for errors, more in zip(branches, strangers, strict=True)]
    near = [at for at, cost in enumerate(costs) if cost == min(costs)]
    missing = [[_missing_name(wrong) for wrong in branches[at]] for at in near]
    if not path and len(near) > 1 and all(all(names) for names in missing):
        ways = dict.fromkeys(" and ".join(sorted(map(str, names))) for names in missing)
        yield Violation("", f"it needs {', or '.join(ways)}")
    elif path and (kinds := _wrong_types(branches)):
        yield Violation(native, f"{_place(path)}{_show(error.instance)}{_WRONG_TYPE}{either(kinds)}")
    else:
        where = f" (in {labels[near[0]]}, which comes nearest)" if not path else ""
        for wrong in branches[near[0]]:
            yield from (evolve(found, message=found.message + where) for found in _read(wrong, schema))


def _described(error: ValidationError, schema: Schema, total: int) -> list[Schema]:
    """Return the schemas of the branches that an error tells of; empty ones where they cannot be found."""
    node: Any = schema
    try:
        for step in error.schema_path:
            node = node[step]
    except (LookupError, TypeError):
        node = []
    found = [branch if isinstance(branch, Mapping) else {} for branch in node]
    return [*found, *[{}] * (total - len(found))]


def _labels(described: Sequence[Schema]) -> list[str]:
    """Return what to call each branch: its title, else its number."""
    return [
        json.dumps(clip(str(title)), ensure_ascii=False)
        if (title := branch.get("title"))
        else f"alternative {at} of {len(described)}"
        for at, branch in enumerate(described, start=1)
    ]


def _strangers(described: Sequence[Schema], given: Any) -> list[int]:
    """Return for each branch how much of what is given belongs to others of them, and not to it."""
    names = [set(schemas.parameters(branch)) for branch in described]
    somewhere = set(given).intersection(set().union(*names)) if isinstance(given, Mapping) else set()
    return [len(somewhere - own) for own in names]


def _cost(error: ValidationError) -> int:
    """Return how far an error takes a branch from what was meant: a value that it never takes tells most."""
    name, rule = error.kind.name, error.kind.as_dict()
    if name in ("anyOf", "oneOf"):
        return min((sum(map(_cost, errors)) for errors in rule.get("context", ())), default=2)
    if name in _UNKNOWN:
        return 2 * len(rule["unexpected"])
    return {"type": 4, "enum": 2, "const": 2, "falseSchema": 2}.get(name, 1)


def _missing_name(error: ValidationError) -> str | None:
    at_top = error.kind.name == "required" and not error.instance_path
    return str(error.kind.as_dict()["property"]) if at_top else None


def _wrong_types(branches: Sequence[Sequence[ValidationError]]) -> tuple[str, ...]:
    """Return the types that the branches take, where none of them takes the value's own; else nothing."""
    errors = [errors[0] for errors in branches if len(errors) == 1 and errors[0].kind.name == "type"]
    places = {tuple(error.instance_path) for error in errors}
    if len(errors) < len(branches) or len(places) > 1:
        return ()
    return tuple(dict.fromkeys(kind for error in errors for kind in error.kind.as_dict()["types"]))


def _explain(name: str, rule: Mapping[str, Any], error: ValidationError) -> str:
    explain = _EXPLANATIONS.get(name)
    return explain(error.instance, rule) if explain else clip(error.message)


_MISSING = "is missing"
_NO_PARAMETER = "is no parameter of this model"
_ELSEWHERE = "does not go together with what else is given"
_WRONG_TYPE = " is of the wrong type; it takes "
_EXPLANATIONS: Mapping[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "enum": lambda value, rule: f"{_show(value)}{LISTS_CHOICES}{', '.join(map(_show, rule['options']))}",
    "type": lambda value, rule: f"{_show(value)}{_WRONG_TYPE}{' or '.join(rule['types'])}",
    "maxLength": lambda value, rule: f"has {len(value):,} characters; at most {rule['limit']:,} are allowed",
    "minLength": lambda value, rule: (
        f"has {_counted(len(value), 'character')}; at least {rule['limit']:,} {_are(rule['limit'])} needed"
    ),
    "maxItems": lambda value, rule: (
        f"has {_counted(len(value), 'item')}; at most {rule['limit']} {_are(rule['limit'])} allowed"
    ),
    "minItems": lambda value, rule: (
        f"has {_counted(len(value), 'item')}; at least {rule['limit']} {_are(rule['limit'])} needed"
    ),
    "uniqueItems": lambda value, _: f"{_show(value)} holds the same item twice",
    "maximum": lambda value, rule: f"{_show(value)} is above the largest value, {rule['limit']}",
    "minimum": lambda value, rule: f"{_show(value)} is below the smallest value, {rule['limit']}",
    "exclusiveMaximum": lambda value, rule: f"{_show(value)} is not below {rule['limit']}",
    "exclusiveMinimum": lambda value, rule: f"{_show(value)} is not above {rule['limit']}",
    "multipleOf": lambda value, rule: f"{_show(value)} is not a multiple of {rule['multiple_of']}",
    "pattern": lambda value, rule: f"{_show(value)} does not have the form {rule['pattern']}",
    "falseSchema": lambda _value, _rule: "is not taken here",
    "required": lambda _, rule: f"{rule['property']} is missing",
    "additionalProperties": lambda _, rule: f"{', '.join(map(_show, rule['unexpected']))} is no key of it",
}
"""JSON Schema keyword -> what its violation means, from the value and what the validator knows of the rule."""


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _show(value: Any) -> str:
    return clip(json.dumps(value, ensure_ascii=False, default=repr))
