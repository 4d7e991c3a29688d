"""The errors: their tree, their messages, and that they survive a process boundary."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Sequence
from typing import Any

import pytest

from kie_registry import errors
from kie_registry.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    IllegalMove,
    InsufficientCredits,
    InvalidRequest,
    KieError,
    LedgerError,
    Maintenance,
    NotAModel,
    NotFound,
    OutputExists,
    PluginError,
    Problem,
    RateLimited,
    RequestRejected,
    ResultUnreadable,
    ServerError,
    SpecError,
    SubmitOutcomeUnknown,
    TaskFailed,
    TaskTimeout,
    TransportError,
    UnknownModel,
)

COMMON: dict[str, Any] = {"model": "nano-banana-pro", "task_id": "t1", "code": 42, "retryable": True}
ANSWER: dict[str, Any] = {**COMMON, "charged": "maybe", "status": 200, "server_message": "said"}

EVERY: list[KieError] = [
    KieError("words", **COMMON, charged="yes"),
    InvalidRequest([Problem("a", "is b", "c"), Problem("", "d")], model="m"),
    UnknownModel("nano-banan", ["nano-banana-pro"]),
    ConfigurationError("words", model="m"),
    *(
        kind("words", **ANSWER)
        for kind in (
            ApiError,
            AuthenticationError,
            InsufficientCredits,
            NotFound,
            RequestRejected,
            RateLimited,
            Maintenance,
            ServerError,
        )
    ),
    TransportError("words", sent=True, **COMMON),
    SubmitOutcomeUnknown("words", status=500, server_message="said", **COMMON),
    TaskFailed("words", fail_code="500", fail_message="said", **COMMON),
    ResultUnreadable("words", raw="{", fail_code="1", **COMMON),
    TaskTimeout("words", **COMMON),
    LedgerError("words", job_id="j1", **COMMON),
    IllegalMove("words", job_id="j1", **COMMON),
    OutputExists("/tmp/a.png", **COMMON),
    PluginError("dist (module)", "is broken"),
    NotAModel("words", code="x"),
    SpecError("words", code="x"),
]


def kind_of(error: object) -> str:
    return type(error).__name__


def drawn_tree() -> dict[str, str]:
    """Return class -> base as the module's docstring draws them."""
    tree, at_depth = {}, {0: "KieError"}
    for line in (errors.__doc__ or "").splitlines():
        if drawn := re.match(r"([│ ]*)[├└]── (\w+)", line):
            depth = len(drawn[1]) // 4 + 1
            at_depth[depth] = drawn[2]
            tree[drawn[2]] = at_depth[depth - 1]
    return tree


def defined_tree() -> dict[str, str]:
    """Return class -> base as the module defines them."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, KieError)]
    return {kind.__name__: kind.__bases__[0].__name__ for kind in kinds if kind is not KieError}


def test_the_docstring_draws_the_tree_that_is_defined() -> None:
    assert drawn_tree() == defined_tree()


def test_the_table_here_has_every_error() -> None:
    assert {kind_of(error) for error in EVERY} == {"KieError", *defined_tree()}


@pytest.mark.parametrize("error", EVERY, ids=kind_of)
def test_pickling_keeps_class_message_and_fields(error: KieError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("error", EVERY, ids=kind_of)
def test_copying_keeps_class_message_and_fields(error: KieError) -> None:
    back = copy.copy(error)
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol_will_do(protocol: int) -> None:
    error = TaskTimeout("words", task_id="t1")
    assert pickle.loads(pickle.dumps(error, protocol)).task_id == "t1"


@pytest.mark.parametrize("error", [error for error in EVERY if error.args == ("words",)], ids=kind_of)
def test_the_text_of_an_error_is_its_message_alone(error: KieError) -> None:
    assert str(error) == "words"


@pytest.mark.parametrize("error", EVERY, ids=kind_of)
def test_every_error_has_the_common_fields(error: KieError) -> None:
    assert {"model", "task_id", "code", "retryable", "charged"} <= vars(error).keys()


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (InvalidRequest, ValueError),
        (UnknownModel, ValueError),
        (UnknownModel, LookupError),
        (ConfigurationError, ValueError),
        (NotAModel, SpecError),
        (SpecError, ValueError),
        (TaskTimeout, TimeoutError),
        (OutputExists, FileExistsError),
    ],
)
def test_errors_are_the_usual_python_errors_as_well(kind: type[KieError], builtin: type[Exception]) -> None:
    assert issubclass(kind, builtin)


@pytest.mark.parametrize(
    ("error", "charged"),
    [
        (KieError("words"), "no"),
        (InvalidRequest([]), "no"),
        (ApiError("words"), "no"),
        (TransportError("words"), "no"),
        (SubmitOutcomeUnknown("words"), "maybe"),
        (TaskFailed("words", charged="maybe"), "maybe"),
    ],
    ids=kind_of,
)
def test_an_error_says_whether_credits_were_spent(error: KieError, charged: str) -> None:
    assert error.charged == charged


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("prompt", "is empty"), "prompt: is empty"),
        (Problem("aspect_ratio", "is wrong", "image_size"), "aspect_ratio (image_size): is wrong"),
        (Problem("", "no model is called 'x'"), "no model is called 'x'"),
    ],
)
def test_a_problem_names_the_parameter_by_both_names(problem: Problem, text: str) -> None:
    assert str(problem) == text


SPENT_NOTHING = "\nNothing was sent, nothing was spent."


@pytest.mark.parametrize(
    ("problems", "model", "message"),
    [
        ([Problem("a", "is b")], "m", "Invalid request for m: a: is b"),
        ([Problem("a", "is b")], None, "Invalid request: a: is b"),
        (
            [Problem("a", "is b"), Problem("c", "is d", "e")],
            "m",
            "Invalid request for m, 2 problems:\n  - a: is b\n  - c (e): is d",
        ),
    ],
    ids=["one", "no model", "two"],
)
def test_an_invalid_request_lists_its_problems(problems: list[Problem], model: str | None, message: str) -> None:
    assert str(InvalidRequest(problems, model=model)) == message + SPENT_NOTHING


def test_an_invalid_request_holds_its_problems() -> None:
    problems = [Problem("a", "is b"), Problem("c", "is d")]
    assert InvalidRequest(iter(problems)).problems == tuple(problems)


@pytest.mark.parametrize(
    ("suggestions", "part"),
    [
        ([], "no model is called 'x'. `kie models` lists them all."),
        (["a"], "Did you mean a?"),
        (["a", "b"], "Did you mean a or b?"),
        (["a", "b", "c"], "Did you mean a, b or c?"),
    ],
)
def test_an_unknown_model_names_the_nearest(suggestions: Sequence[str], part: str) -> None:
    assert part in str(UnknownModel("x", suggestions))


def test_an_existing_file_says_what_to_do() -> None:
    said = "a.png exists already; nothing is replaced unless told (overwrite=True, or --overwrite)"
    assert str(OutputExists("a.png")) == said


def test_a_plugin_error_names_its_plugin() -> None:
    error = PluginError("dist (module)", "is broken")
    assert (error.plugin, str(error)) == ("dist (module)", "plugin dist (module): is broken")
