"""Tests of an adapter against the contract of its model, to inherit from."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from kie_registry import discovery
from kie_registry.adapter import Adapter
from kie_registry.binding import bind
from kie_registry.contract import Contract
from kie_registry.errors import ConfigurationError, KieError
from kie_registry.registry import default_registry
from kie_registry.testing import cases
from kie_registry.testing.cases import Choices
from kie_registry.testing.files import FileTrial, file_problems, found_problems, problems_of
from kie_registry.testing.inputs import is_refusal, valid_input, with_defaults
from kie_registry.testing.json_data import differences
from kie_registry.testing.limits import ABSENT, UNKNOWN, Trial
from kie_registry.testing.serving import arguments, serving

try:
    import pytest
except ModuleNotFoundError as error:
    raise ConfigurationError(
        "the testing kit needs pytest, which is not installed: pip install 'kie-registry[testing]'"
    ) from error


class AdapterConformance:
    """Checks one adapter against its contract; each limit, choice and name is a test of its own.

    A subclass, called ``Test...``, names the model, or the adapter itself::

        class TestSketch(AdapterConformance):
            model = "acme/sketch"

    Attributes:
        model: An id or alias in the registry.
        adapter: The adapter; takes the place of `model`.
    """

    model: ClassVar[str] = ""
    adapter: ClassVar[type[Adapter] | None] = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test of each case that the contract has."""
        for argument, find in _CASES.items():
            if argument in metafunc.fixturenames:
                found = self._cases(find)
                metafunc.parametrize(argument, found, ids=[cases.name_of(case) for case in found])

    def test_native_names_are_those_of_the_contract(self) -> None:
        """Every parameter of the contract has a field, and every field stands for one."""
        fields, known = set(self._adapter.parameter_names.values()), set(self._contract.parameters)
        if missing := known - fields:
            self._fail(f"no field stands for {_listed(missing)}")
        if unknown := fields - known:
            self._fail(f"there are fields for {_listed(unknown)}, which the contract does not have")

    def test_parameter_by_both_names(self, parameter: str) -> None:
        """A parameter can be given by its common name and by its native one, with the same result."""
        given = self._valid(parameter)
        common = self._adapter.field_names.get(parameter)
        if common is None:
            self._fail(f"{parameter}: there is no field for it")
        by_common = {common if name == parameter else name: value for name, value in given.items()}
        for name, parameters in ((parameter, given), (common, by_common)):
            self._must_pass(parameters, f"{parameter}, given as {name}")
            bound = bind(self._adapter, parameters).input
            if found := [*differences(given[parameter], bound.get(parameter), parameter)]:
                self._fail(f"{parameter}, given as {name}: {'; '.join(found)}")

    def test_every_choice(self, choices: Choices) -> None:
        """Every documented value passes, as it is."""
        for value, given in choices.inputs:
            self._must_pass(given, f"{choices.place} = {value!r}, which is documented,")
            self._must_stay(given, f"{choices.place} = {value!r}")

    def test_limit(self, limit: Trial) -> None:
        """What just keeps a limit passes, and what just breaks it is refused."""
        told = f"{limit.place or 'the input'} ({limit.rule}: {limit.limit!r:.80})"
        if limit.edge is not ABSENT:
            self._must_pass(limit.edge, f"what just keeps the limit of {told}")
            if limit.rule != "required":
                self._must_stay(limit.edge, told)
        if limit.beyond is ABSENT:
            return
        problems = found_problems(self._adapter, limit.beyond)
        if not is_refusal(limit, problems, self._contract):
            others = f" for it, only for this: {'; '.join(map(str, problems))}" if problems else ""
            self._fail(f"what breaks the limit of {told} is not refused{others}: {_short(limit.beyond)}")

    def test_limit_of_files(self, file_limit: FileTrial) -> None:
        """A file of each accepted type and of the largest size passes; another type and one byte more do not."""
        told = f"{file_limit.place} ({file_limit.rule}: {file_limit.limit!r:.80})"
        try:
            wrong = file_problems(self._adapter, file_limit.place, file_limit.edge)
            beyond = file_limit.beyond and file_problems(self._adapter, file_limit.place, file_limit.beyond)
        except KieError as error:
            self._fail(str(error))
        if wrong:
            self._fail(f"a file that just keeps the limit of {told} is refused: {wrong[0].message}")
        if file_limit.beyond is not None and not beyond:
            self._fail(f"a file that breaks the limit of {told} is not refused")

    def test_unknown_parameter_is_refused(self) -> None:
        """What the model does not take is an error: kie.ai would ignore it, and bill the task."""
        problems = found_problems(self._adapter, {**self._valid(), UNKNOWN: 1})
        if not any(problem.parameter == UNKNOWN for problem in problems):
            self._fail("a parameter that the model does not have is not refused")

    def test_example_stays_as_it_is(self) -> None:
        """The page's example becomes an equal input."""
        self._must_pass(self._example, "the example")
        self._must_stay(self._example, "the example")

    def test_example_reaches_the_server(self, tmp_path: Path) -> None:
        """The page's example goes through ``generate()``, and the server receives an equal input."""
        with serving(self._adapter, tmp_path) as (box, kie):
            try:
                kie.generate(self._contract.id, **arguments(self._adapter, self._example))
            except KieError as error:
                self._fail(f"the example does not go through: {error}")
            (task,) = box.tasks
        if found := [*differences(with_defaults(self._contract.input, self._example), task.input)]:
            self._fail(f"the server received another input than the example: {'; '.join(found)}")

    def test_adapter_is_pure(self) -> None:
        """Two calls of ``to_input`` are equal, and what was given stays as it was."""
        given = self._example
        before = copy.deepcopy(given)
        names = self._adapter.field_names
        instance = self._adapter(**{names[name]: value for name, value in given.items()})
        first = copy.deepcopy(instance.to_input())
        if found := [*differences(first, instance.to_input())]:
            self._fail(f"two calls of to_input() differ: {'; '.join(found)}")
        if found := [*differences(before, given)]:
            self._fail(f"to_input() changes what it was given: {'; '.join(found)}")

    def test_instance_pickles(self) -> None:
        """An instance can be sent to another process, if its class can be found there."""
        self._skip_if_built("a class built from a contract has no place to be found at")
        names = self._adapter.field_names
        instance = self._adapter(**{names[name]: value for name, value in self._example.items()})
        try:
            again = pickle.loads(pickle.dumps(instance))  # noqa: S301  (our own bytes)
        except Exception as error:
            self._fail(f"an instance does not pickle: {error}")
        if found := [*differences(instance.to_input(), again.to_input())]:
            self._fail(f"a pickled instance is another: {'; '.join(found)}")

    def test_class_says_what_the_model_does(self) -> None:
        """The docstring is what ``kie models show`` prints."""
        self._skip_if_built("a class built from a contract has no docstring")
        if not inspect.cleandoc(vars(self._adapter).get("__doc__") or ""):
            self._fail("the class has no docstring, whose first line says what the model does")

    def test_entry_point(self, entry_point: str) -> None:
        """The id and each alias are entry points, and all of them lead to the same module."""
        modules = {entry.name: entry.module for entry in discovery.find(discovery.MODELS)}
        module = modules.get(self._contract.id)
        if entry_point not in modules:
            self._fail(f"{entry_point!r} is no entry point in the group {discovery.MODELS!r}")
        if modules[entry_point] != module:
            self._fail(f"the entry point {entry_point!r} leads to {modules[entry_point]}, the id's to {module}")

    @cached_property
    def _adapter(self) -> type[Adapter]:
        if self.adapter is not None:
            return self.adapter
        if not self.model:
            raise ConfigurationError(f"{type(self).__name__}: say model = 'its id', or adapter = its class")
        return default_registry().get(self.model)

    @property
    def _contract(self) -> Contract:
        return self._adapter.contract

    @cached_property
    def _example(self) -> dict[str, Any]:
        """The page's example; a plain valid input where the page has none."""
        example = self._contract.example
        return copy.deepcopy(dict(example)) if example else self._valid()

    def _cases(self, find: Callable[[type[Adapter]], Iterable[Any]]) -> list[Any]:
        try:
            return list(find(self._adapter))
        except KieError as error:
            raise pytest.Collector.CollectError(str(error)) from None

    def _valid(self, parameter: str | None = None) -> dict[str, Any]:
        try:
            return valid_input(self._contract, parameter)
        except KieError as error:
            self._fail(str(error))

    def _must_pass(self, given: Mapping[str, Any], told: str) -> None:
        if problems := problems_of(self._adapter, dict(given)):
            self._fail(f"{told} is refused: {'; '.join(problems)}")

    def _must_stay(self, given: Mapping[str, Any], told: str) -> None:
        bound = bind(self._adapter, given).input
        if found := [*differences(with_defaults(self._contract.input, given), bound)]:
            self._fail(f"{told} is not passed on as it is: {'; '.join(found)}")

    def _skip_if_built(self, reason: str) -> None:
        module = sys.modules.get(self._adapter.__module__)
        if getattr(module, self._adapter.__name__, None) is not self._adapter:
            pytest.skip(reason)

    def _fail(self, message: str) -> NoReturn:
        told = message.removeprefix(f"{self._contract.id}: ")
        raise pytest.fail.Exception(f"{self._contract.id}: {told}", pytrace=False) from None


_CASES: Mapping[str, Callable[[type[Adapter]], Iterable[Any]]] = {
    "parameter": cases.parameters,
    "choices": cases.choices,
    "limit": cases.limits,
    "file_limit": cases.files,
    "entry_point": cases.aliases,
}
"""Argument of a test -> what it is parametrized with."""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
