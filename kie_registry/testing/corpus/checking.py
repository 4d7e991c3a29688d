"""Take one model the whole way, and note everything that does not work."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field

from kie_registry.client import Kie
from kie_registry.errors import InvalidRequest, KieError, NotAModel
from kie_registry.specs.prepare import Prepared
from kie_registry.testing.corpus.examples import PublishedExample, published_example
from kie_registry.testing.files import file_problems, file_trials
from kie_registry.testing.inputs import is_refusal, valid_input, violations_of, with_defaults
from kie_registry.testing.json_data import differences
from kie_registry.testing.limits import ABSENT, Trial
from kie_registry.testing.serving import arguments

if TYPE_CHECKING:
    from kie_registry.adapter import Adapter
    from kie_registry.contract import Contract
    from kie_registry.sandbox import Sandbox


@define
class Report:
    """What became of one document of a page.

    Attributes:
        page: The file, relative to the folder.
        model: The model id; empty where it is not known.
        makes: The kind of output.
        parameters: How many there are.
        limits: How many limits were tried.
        repairs: The rules that repaired the document.
        example: The rules that changed the page's example.
        dropped: Whether the page has an example that was given up; a made-up input was tried in its place.
        instead: What it is, where it is no model.
        failures: Why it does not work.
    """

    page: str
    model: str = ""
    makes: str = ""
    parameters: int = 0
    limits: int = 0
    repairs: tuple[str, ...] = ()
    example: tuple[str, ...] = ()
    dropped: bool = False
    instead: str = ""
    failures: list[str] = field(factory=list)

    @property
    def works(self) -> bool:
        """Whether it is a model, and nothing failed."""
        return not self.instead and not self.failures

    @property
    def verdict(self) -> str:
        """Whether it works, in a word or two."""
        return "no model" if self.instead else "works" if self.works else "FAILS"

    def attempt(self, step: str, run: Callable[[], Any]) -> bool:
        """Run a step of the way; whatever it raises is why the model does not work, or that it is none."""
        try:
            run()
        except NotAModel as error:
            self.instead = _without(str(error), self.page)
        except KieError as error:
            self.failures.append(f"{step}: {_without(str(error), self.page)}")
        except Exception as error:
            # A page may hold anything, and one that breaks our code must not end the run.
            self.failures.append(f"{step}: crashed with {type(error).__name__}: {error}")
        else:
            return True
        return False


def _without(message: str, page: str) -> str:
    """Return a message without the path that it starts with, which stands before it already."""
    _, named, rest = message.partition(f"{page}:")
    return f"line {rest}" if named and rest[:1].isdigit() else rest.strip() or message


@define
class Way:
    """The way of one model, after it was added: describe, run its example, break its limits.

    Attributes:
        prepared: The model.
        report: What is noted of it.
        box: A sandbox that serves it.
        kie: A client that knows it.
        directory: Where results are saved.
    """

    prepared: Prepared
    report: Report
    box: Sandbox
    kie: Kie
    directory: Path

    def go(self) -> None:
        """Try everything."""
        self.report.attempt("describe", self._describe)
        self.report.attempt("example", self._run_example)
        self.report.attempt("limits", self._break_limits)

    @property
    def _adapter(self) -> type[Adapter]:
        return self.kie.models.get(self.prepared.id)

    @property
    def _contract(self) -> Contract:
        return self._adapter.contract

    def _describe(self) -> None:
        info = self.kie.models.describe(self.prepared.id)
        json.dumps(info.as_dict())
        self.report.parameters = len(info.parameters)
        if missing := set(self._contract.parameters) - {parameter.native for parameter in info.parameters}:
            self.report.failures.append(f"describe: nothing is said of {', '.join(sorted(missing))}")

    def _run_example(self) -> None:
        contract = self._contract
        published = published_example(self.prepared)
        self.report.example = published.rules
        given = dict(contract.example) if contract.example else valid_input(contract)
        before = len(self.box.tasks)
        result = self.kie.generate(self.prepared.id, **arguments(self._adapter, given))
        (task,) = self.box.tasks[before:]
        expected = with_defaults(contract.input, given)
        self.report.failures += [f"example: at the server, {each}" for each in differences(expected, task.input)]
        self._explain(published, contract.example)
        paths = result.save(self.directory)
        if not result.data and not (paths and all(path.stat().st_size for path in paths)):
            self.report.failures.append("example: no result was saved")

    def _explain(self, published: PublishedExample, example: Any) -> None:
        """Hold a rule that names the parameter responsible for every difference to the page."""
        self.report.dropped = published.dropped
        unexplained = [*published.unexplained, *differences(published.left, example)]
        if unexplained:
            found = "; ".join(unexplained)
            self.report.failures.append(f"example: no rule accounts for the difference to the page: {found}")

    def _break_limits(self) -> None:
        contract = self._contract
        before = len(self.box.requests)
        for trial in violations_of(contract):
            if trial.beyond is not ABSENT:
                self.report.limits += 1
                self._must_refuse(trial)
        self.report.failures += self._unrefused_files()
        if len(self.box.requests) != before:
            self.report.failures.append("limits: something was sent although it breaks a limit")

    def _must_refuse(self, trial: Trial) -> None:
        told = f"{trial.place or 'the input'} ({trial.rule}: {trial.limit!r:.60})"
        try:
            self.kie.submit(self.prepared.id, **arguments(self._adapter, trial.beyond))
        except InvalidRequest as error:
            if not is_refusal(trial, error.problems, self._contract):
                reasons = "; ".join(map(str, error.problems))
                self.report.failures.append(f"limits: breaking {told} is refused only for this: {reasons}")
        except KieError as error:
            self.report.failures.append(f"limits: breaking {told} is not seen before it is sent: {error}")
        else:
            self.report.failures.append(f"limits: breaking {told} is not refused")

    def _unrefused_files(self) -> Iterator[str]:
        adapter = self._adapter
        for trial in file_trials(adapter.contract):
            if trial.beyond is not None:
                self.report.limits += 1
                if not file_problems(adapter, trial.place, trial.beyond):
                    yield f"limits: a file breaking {trial.place} ({trial.rule}: {trial.limit}) is not refused"
