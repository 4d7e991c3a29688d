"""kie.ai's own catalog: search it, and ask it for a model's document. Free, and one request per second."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from attrs import evolve, frozen

from kie_registry.answers import RATE_LIMITED, Answer
from kie_registry.effects import Acquire, Flow, drive
from kie_registry.errors import ApiError, LedgerError, SpecError
from kie_registry.flows.ask import ask
from kie_registry.limits import RateLimit, shared_window
from kie_registry.session import Session
from kie_registry.settings import Settings, home
from kie_registry.specs.published import MAX_BYTES, Published, read_published
from kie_registry.wording import clip, either

T = TypeVar("T")

PACE = 1.0
"""Seconds from one answer of the catalog to the next question."""

_NOT_FOUND = 404
_ATTEMPTS = 10
_SHOWN = 5


@frozen
class CatalogEntry:
    """A model in the catalog; what the catalog does not tell is empty.

    Attributes:
        id: The model id.
        title: The name for people.
        provider: Who makes it.
        tasks: What it does, such as ``text-to-image``.
        pricing: The price, in kie.ai's words.
    """

    id: str
    title: str
    provider: str
    tasks: tuple[str, ...]
    pricing: str


def fetch_document(model: str) -> Published:
    """Ask the catalog for the document of a model, with the key in ``KIE_API_KEY``.

    Raises:
        ConfigurationError: There is no key.
        SpecError: The catalog knows no such model, or has no document of it.
        ApiError: kie.ai answers with another error.
        TransportError: No answer came.
    """
    return _run(lambda session: document(session, model))


def search_catalog(word: str) -> list[CatalogEntry]:
    """Return the models in the catalog that have `word` in their names; raises as `fetch_document` does."""
    return _run(lambda session: search(session, word))


def document(session: Session, model: str) -> Flow[Published]:
    """Read the document of a model; raises as `fetch_document` does."""
    from kie_generated.catalog import get_model_schema

    from kie_registry.specs.rules.model import is_model_id

    if not is_model_id(model):
        raise SpecError(f"{clip(repr(model))} is no file, no folder, no address and no model id")
    kwargs = get_model_schema.request_kwargs(model)
    answer = yield from _ask(session, get_model_schema, kwargs)
    if answer.code == _NOT_FOUND:
        near = yield from _near(session, model)
        hint = f" Did you mean {either(near)}?" if near else ""
        raise SpecError(f"the catalog knows no model {model!r}.{hint} There is no file of that name either.")
    if not answer.ok:
        raise answer.error(f"asking the catalog for {model}")
    openapi = _part(answer.data, "openapi")
    if openapi is None:
        raise SpecError(
            f"{model}: the catalog lists this model, but has no document of it; save its page at "
            "https://docs.kie.ai as Markdown, and add that"
        )
    return _published(model, openapi)


def search(session: Session, word: str) -> Flow[list[CatalogEntry]]:
    """Search the models of the catalog; raises as `fetch_document` does."""
    from kie_generated.catalog import list_models

    answer = yield from _ask(session, list_models, list_models.request_kwargs(q=word))
    if not answer.ok:
        raise answer.error("searching the catalog")
    return list(_entries(answer.data))


def _run(flow: Callable[[Session], Flow[T]]) -> T:
    from kie_registry.http import Http

    settings = Settings.resolve()
    session = Session.open(settings, deadline=60, poll_interval=None, creates=None)
    http = Http(settings)
    try:
        return drive(flow(session), http)
    finally:
        http.close()


def _ask(session: Session, endpoint: Any, kwargs: dict[str, Any]) -> Flow[Answer]:
    """Ask when it is our turn; another program of the same key may have had it, so more than once."""
    for _ in range(_ATTEMPTS):
        turn = yield from _take_turn(session)
        try:
            answer = yield from ask(session, session.settings.base_url, kwargs, endpoint.parse)
        finally:
            turn.release()
        if answer.code != RATE_LIMITED:
            break
    return answer


def _take_turn(session: Session) -> Flow[RateLimit]:
    """Wait for our turn among all processes; where they cannot share a file, among those who ask in this one."""
    from kie_registry.ledger.opening import NAME
    from kie_registry.ledger.sqlite import SqliteLedger

    turn = SqliteLedger(home() / NAME).window("catalog", session.account, 1, PACE)
    try:
        yield Acquire(turn, None, lambda: None)
    except LedgerError:
        turn = shared_window("catalog", session.account, 1, PACE)
        yield Acquire(turn, None, lambda: None)
    return turn


def _near(session: Session, model: str) -> Flow[list[str]]:
    """Return ids like `model`: those with its last part in their names."""
    try:
        found = yield from search(session, model.rpartition("/")[2])
    except (ApiError, SpecError):
        return []
    return [entry.id for entry in found][:_SHOWN]


def _published(model: str, openapi: Any) -> Published:
    source = f"the catalog ({model})"
    try:
        content = openapi if isinstance(openapi, str) else json.dumps(openapi, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{source}: its document is no JSON: {error}") from error
    found = read_published(content.encode("utf-8", "surrogatepass")[: MAX_BYTES + 1], source=source)
    return evolve(found[0], source=source)


def _entries(data: Any) -> Iterator[CatalogEntry]:
    models = _part(data, "models")
    for model in models if isinstance(models, list) else ():
        model_id = _text(_part(model, "model"))
        if not model_id:
            continue
        tasks = _part(model, "taskType")
        yield CatalogEntry(
            model_id,
            _text(_part(model, "title")),
            _text(_part(model, "provider")),
            tuple(map(_text, tasks)) if isinstance(tasks, (list, tuple)) else (),
            _text(_part(model, "pricingDesc")),
        )


def _part(data: Any, name: str) -> Any:
    """Return a part of what the generated code read, which leaves what it did not understand as it came."""
    from kie_generated.types import Unset

    attribute = re.sub(r"[A-Z]", lambda capital: f"_{capital[0].lower()}", name)
    value = data.get(name) if isinstance(data, dict) else getattr(data, attribute, None)
    return None if isinstance(value, Unset) else value


def _text(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
