"""Every error that this library raises.

KieError
├── InvalidRequest            the request is wrong; nothing was sent, nothing was spent
│   └── UnknownModel          no such model; the nearest ids are named
├── ConfigurationError        a key, an address or a setting is missing or wrong; nothing was sent
├── ApiError                  kie.ai answered with an error
│   ├── AuthenticationError   401: the key is not accepted
│   ├── InsufficientCredits   402: the balance is too low
│   ├── NotFound              404, or 422 "recordInfo is null": no such task
│   ├── RequestRejected       400, 405, 409, 413, 422, 451: the request was refused
│   ├── RateLimited           429, 433: too many requests, or the key's own cap
│   ├── Maintenance           455, 505: the service or the feature is switched off for now
│   └── ServerError           500 and all else
├── TransportError            no answer came: connection, TLS, proxy, timeout
├── SubmitOutcomeUnknown      createTask was sent and its outcome is not known; it may have been billed
├── TaskFailed                the task ended without a result
│   └── ResultUnreadable      the task succeeded, but its result cannot be read
├── TaskTimeout               the deadline passed; the task goes on and can be taken up again
├── LedgerError               the ledger cannot be opened, read or written
│   └── IllegalMove           a job cannot go from its state to the other
├── OutputExists              a file to be saved is there already (a FileExistsError as well)
├── PluginError               a plugin is broken, or two claim the same name
└── SpecError                 a documentation page or an OpenAPI document cannot be used
    └── NotAModel             there is nothing wrong with it, but it documents no Market model

Every one of them pickles, and none of them holds the API key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from attrs import frozen

from kie_registry.wording import either

Charged = Literal["no", "maybe", "yes"]
"""Whether credits were spent: ``maybe`` where the answer does not tell."""


class KieError(Exception):
    """The base of all errors here.

    Attributes:
        model: The id of the model concerned, if any.
        task_id: The id of the task concerned, if there is one.
        job_id: The id of the ledger's row, if there is one.
        code: The ``code`` of kie.ai's answer, or its HTTP status, if there was an answer.
        retryable: Whether the same call may succeed later, unchanged, without the risk of paying twice.
        charged: Whether credits were spent.
    """

    def __init__(
        self,
        message: str,
        *,
        model: str | None = None,
        task_id: str | None = None,
        job_id: str | None = None,
        code: int | str | None = None,
        retryable: bool = False,
        charged: Charged = "no",
    ) -> None:
        super().__init__(message)
        self.model = model
        self.task_id = task_id
        self.job_id = job_id
        self.code = code
        self.retryable = retryable
        self.charged: Charged = charged

    def __str__(self) -> str:
        """Return the message alone."""
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by attributes: the constructors take keywords, which exceptions do not pickle."""
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[KieError], args: tuple[Any, ...], attributes: dict[str, Any]) -> KieError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


@frozen
class Problem:
    """One thing that is wrong with a request.

    Attributes:
        parameter: The common name of the parameter; empty where the problem concerns none.
        native: Its name in the model's own documentation, where that differs.
        message: What is wrong and what would be right.
    """

    parameter: str
    message: str
    native: str | None = None

    def __str__(self) -> str:
        """Return ``aspect_ratio (image_size): ...``."""
        if not self.parameter:
            return self.message
        name = f"{self.parameter} ({self.native})" if self.native else self.parameter
        return f"{name}: {self.message}"


class InvalidRequest(KieError, ValueError):
    """The request is wrong. Nothing was sent, nothing was spent.

    Args:
        problems: What is wrong with it: one text, or several problems.
        model: The id of the model concerned, if any.
        more: How many problems there are beside those, of which there are too many to be shown.

    Attributes:
        problems: Everything that is wrong, not only the first.
        more: How many more problems there are; 0 but for batches of which many jobs are wrong.
    """

    def __init__(self, problems: Iterable[Problem] | str, *, model: str | None = None, more: int = 0) -> None:
        listed = [Problem("", problems)] if isinstance(problems, str) else problems
        self.problems: Sequence[Problem] = tuple(listed)
        self.more = more
        lines = [str(problem) for problem in self.problems]
        total = len(lines) + more
        if more:
            lines.append(f"and {more:,} more")
        what = f"request for {model}" if model else "request"
        if total == 1:
            message = f"Invalid {what}: {lines[0]}"
        else:
            message = "\n  - ".join([f"Invalid {what}, {total:,} problems:", *lines])
        super().__init__(f"{message}\nNothing was sent, nothing was spent.", model=model)


class UnknownModel(InvalidRequest, LookupError):
    """No model has this id or alias.

    Attributes:
        suggestions: The nearest ids, the best first.
    """

    def __init__(self, name: str, suggestions: Sequence[str], broken: Sequence[str] = ()) -> None:
        self.suggestions = tuple(suggestions)
        near = f" Did you mean {either(self.suggestions)}?" if suggestions else ""
        lost = f" It may be in a plugin that is broken: {', '.join(broken)}." if broken else ""
        hint = f"no model is called {name!r}.{near}{lost} `kie models` lists them all."
        super().__init__([Problem("", hint)], model=name)


class ConfigurationError(KieError, ValueError):
    """A key, an address or a setting is missing or wrong. Nothing was sent."""


class ApiError(KieError):
    """kie.ai answered with an error.

    Attributes:
        status: The HTTP status of the answer; often 200, as `code` is what counts.
        server_message: kie.ai's own words.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        server_message: str = "",
        **fields: Any,
    ) -> None:
        super().__init__(message, **fields)
        self.status = status
        self.server_message = server_message


class AuthenticationError(ApiError):
    """401: the API key is not accepted."""


class InsufficientCredits(ApiError):
    """402: the balance is too low."""


class NotFound(ApiError):
    """There is no such task, or none that kie.ai knows of yet."""


class RequestRejected(ApiError):
    """kie.ai refused the request; the same request will be refused again."""


class RateLimited(ApiError):
    """Too many requests (429), or the key's own cap (433)."""


class Maintenance(ApiError):
    """The service (455) or the feature (505) is switched off for now."""


class ServerError(ApiError):
    """kie.ai failed, or answered what nobody has documented."""


class TransportError(KieError):
    """No answer came: connection, TLS, proxy or timeout.

    Attributes:
        sent: Whether the request may have reached the other side.
    """

    def __init__(self, message: str, *, sent: bool = False, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.sent = sent


class SubmitOutcomeUnknown(KieError):
    """createTask was sent, and what came of it is not known. It may have been billed.

    It is never sent again by itself: kie.ai has no idempotency key, and no list of tasks.

    Attributes:
        status: The HTTP status, where there was an answer.
        server_message: kie.ai's own words, where there were any.
    """

    def __init__(
        self, message: str, *, status: int | None = None, server_message: str = "", **fields: Any
    ) -> None:
        super().__init__(message, charged="maybe", **fields)
        self.status = status
        self.server_message = server_message


class TaskFailed(KieError):
    """The task ended without a result.

    Attributes:
        fail_code: kie.ai's ``failCode``, as it stands.
        fail_message: kie.ai's ``failMsg``, as it stands.
    """

    def __init__(
        self,
        message: str,
        *,
        fail_code: str | None = None,
        fail_message: str | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(message, **fields)
        self.fail_code = fail_code
        self.fail_message = fail_message


class ResultUnreadable(TaskFailed):
    """The task succeeded, but its ``resultJson`` cannot be read.

    Attributes:
        raw: The ``resultJson`` as it came, so that nothing paid for is lost.
    """

    def __init__(self, message: str, *, raw: str | None = None, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.raw = raw


class TaskTimeout(KieError, TimeoutError):
    """The deadline passed. The task goes on: take it up again with its `task_id`."""


class LedgerError(KieError):
    """The ledger cannot be opened, read or written; the message names its file and the way out."""


class IllegalMove(LedgerError):
    """A job cannot go from its state to the other: somebody else moved it, or the request makes no sense."""


class OutputExists(KieError, FileExistsError):
    """A file to be saved is there already.

    Attributes:
        path: The file in the way.
    """

    def __init__(self, path: str, **fields: Any) -> None:
        super().__init__(
            f"{path} exists already; nothing is replaced unless told (overwrite=True, or --overwrite)", **fields
        )
        self.path = path


class PluginError(KieError):
    """A plugin is broken, or two claim the same name.

    Attributes:
        plugin: The plugin: an entry point with its distribution, a file, or a class.
    """

    def __init__(self, plugin: str, message: str) -> None:
        super().__init__(f"plugin {plugin}: {message}")
        self.plugin = plugin


class SpecError(KieError, ValueError):
    """A documentation page or an OpenAPI document cannot be used."""


class NotAModel(SpecError):
    """A page or a document that describes no Market model; the message says what it is instead."""
