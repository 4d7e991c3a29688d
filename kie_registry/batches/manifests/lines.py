"""The lines of a batch: what each says, wherever it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from kie_registry.adapter import Adapter
from kie_registry.errors import InvalidRequest, Problem
from kie_registry.wording import CONTROLS, clip

RESERVED = ("id", "name", "model", "parameters")
"""The keys of a line that are no parameters of its model. Under ``parameters`` these names are parameters too."""

MAX_ID = 200
"""The most characters that an id may have."""


@frozen
class Line:
    """One line of a batch: one job.

    Attributes:
        number: Where it is: the line of its file, or its place among the jobs, from 1.
        model: The model id, or an alias.
        parameters: The parameters, by common or native names, with the defaults of the batch.
        id: By what the batch knows the job again, if the caller said so.
        name: What its files are called, without suffix, likewise.
    """

    number: int
    model: str
    parameters: Mapping[str, Any] = field(repr=False)
    id: str | None = None
    name: str | None = None


@frozen
class BrokenLine:
    """A line that cannot be made out.

    Attributes:
        number: Where it is, as of a `Line`.
        problems: What is wrong with it.
    """

    number: int
    problems: tuple[Problem, ...]

    @classmethod
    def because(cls, number: int, message: str) -> BrokenLine:
        """Return a line that is broken as a whole."""
        return cls(number, (Problem("", message),))


def lines_of(
    jobs: Iterable[Mapping[str, Any] | Adapter | object], defaults: Mapping[str, Any] | None = None
) -> Iterator[Line | BrokenLine]:
    """Yield the lines of a batch that a program gives.

    Args:
        jobs: Mappings with the keys of a manifest's lines, and adapter instances, which hold their parameters. An
            instance may be the ``model`` of a mapping as well, beside ``id`` and ``name``.
        defaults: What holds where a job says nothing else: ``model``, and parameters. No part of an instance.
    """
    flat = flattened(defaults or {}, "the defaults")
    for number, job in enumerate(jobs, start=1):
        if isinstance(job, Adapter):
            yield _of_instance(number, job, {})
        elif isinstance(job, Mapping):
            held = job.get("model")
            yield _of_instance(number, held, job) if isinstance(held, Adapter) else line_of(number, job, flat)
        else:
            takes = "it takes a mapping with a model and its parameters, or an adapter instance"
            yield BrokenLine.because(number, f"is {type(job).__name__}; {takes}")


def line_of(number: int, given: Mapping[Any, Any], defaults: Mapping[str, Any]) -> Line | BrokenLine:
    """Return the line that a mapping says, or what is wrong with it.

    Args:
        number: Where it is.
        given: Its keys and values.
        defaults: What holds where it says nothing else, as `flattened` returns it.
    """
    problems: list[Problem] = []
    own = _parameters(given, problems)
    names = {key: _text(key, given, problems) for key in ("id", "name")}
    model = given.get("model")
    if model is None:
        model = defaults.get("model")
    if model is None:
        problems.append(Problem("model", "is missing"))
    elif not isinstance(model, str) or not model.strip():
        problems.append(Problem("model", f"{clip(repr(model))} is no model: give an id or an alias"))
    if problems:
        return BrokenLine(number, tuple(problems))
    # Even one that is given as null takes the place of the default.
    parameters = {name: value for name, value in defaults.items() if name != "model"} | own
    return Line(number, str(model).strip(), parameters, names["id"], names["name"])


def flattened(defaults: Mapping[Any, Any], source: str) -> dict[str, Any]:
    """Return defaults, of whatever form a line may have, as ``model`` and parameters side by side.

    Raises:
        InvalidRequest: They are none.
    """
    problems: list[Problem] = []
    flat = _parameters(defaults, problems)
    for key in ("id", "name"):
        if defaults.get(key) is not None:
            problems.append(Problem(key, "is one job's own, and cannot be a default"))
    if "model" in flat:
        problems.append(Problem("model", "is no parameter where it is a default"))
    if problems:
        raise InvalidRequest([Problem(source, str(problem)) for problem in problems])
    model = defaults.get("model")
    return flat if model is None else {**flat, "model": model}


def _of_instance(number: int, instance: Adapter, job: Mapping[Any, Any]) -> Line | BrokenLine:
    values = {name: getattr(instance, name) for name in instance.parameter_names}
    beside = [key for key in job if key not in ("model", "id", "name")]
    if beside:
        wrong = "an adapter instance holds its parameters already; give them to it"
        return BrokenLine(number, tuple(Problem(str(name), wrong) for name in beside))
    said = {"id": job.get("id"), "name": job.get("name"), "model": instance.contract.id, "parameters": values}
    return line_of(number, said, {})


def _parameters(given: Mapping[Any, Any], problems: list[Problem]) -> dict[str, Any]:
    """Return the parameters of a line: those beside its own keys, and those under ``parameters``."""
    own: dict[str, Any] = {}
    nested = given.get("parameters")
    if nested is not None and not isinstance(nested, Mapping):
        problems.append(Problem("parameters", f"{clip(repr(nested))} is no mapping of names and values"))
        nested = None
    beside = {name: value for name, value in given.items() if name not in RESERVED}
    for name, value in (*beside.items(), *(nested or {}).items()):
        if not isinstance(name, str):
            problems.append(Problem("", f"{clip(repr(name))} is no name of a parameter"))
        elif name in own:
            problems.append(Problem(name, "is given twice, by itself and under parameters"))
        else:
            own[name] = value
    return own


def _text(key: str, given: Mapping[Any, Any], problems: list[Problem]) -> str | None:
    """Return an id or a name, which may be written as a number."""
    value = given.get(key)
    if value is None:
        return None
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    shown = clip(repr(value))
    if not isinstance(text, str):
        problems.append(Problem(key, f"{shown} is of the wrong type; it takes text"))
    elif not text.strip():
        problems.append(Problem(key, "is empty"))
    elif len(text) > MAX_ID:
        problems.append(Problem(key, f"has {len(text):,} characters; at most {MAX_ID} are allowed"))
    elif CONTROLS.search(text) or not _encodes(text):
        problems.append(Problem(key, f"{shown} holds what is no character to be read"))
    else:
        return text
    return None


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
