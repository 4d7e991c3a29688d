"""Rules for the id of the model, which a page may get wrong in one place and right in another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from kie_registry.errors import SpecError
from kie_registry.specs.documents import Json
from kie_registry.specs.request import request_content, request_schema

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]*(/[A-Za-z0-9][A-Za-z0-9_.:+-]*)*", re.ASCII)
_LONGEST = 200
_DEMANDED = re.compile(r"must (?:be|use)[^`\n]{0,40}`([^`\s]{1,200})`", re.IGNORECASE)
_IN_TEXT = re.compile(r'"model"\s*:\s*"([^"]+)"')


def is_model_id(text: Any) -> bool:
    """Whether `text` can be the id of a model: words with slashes between, and nothing that leads elsewhere."""
    return isinstance(text, str) and len(text) <= _LONGEST and _ID.fullmatch(text) is not None and ".." not in text


def choose_model_id(document: Json, _slug: str) -> Iterator[str]:
    """Where the schema, its prose and the example name different models, take the one that the title tells of.

    Raises:
        SpecError: The title does not tell, and no id is named more often than the others; or it is no id.
    """
    body, content = request_schema(document), request_content(document)
    if body is None or content is None:
        return
    model = body["properties"]["model"]
    in_schema = _in_schema(model)
    in_example = _in_example(content)
    named = [*in_schema, *in_example, *_in_prose(model)]
    if not named:
        raise SpecError("the document names no model: its 'model' has no enum, no default and no example")
    chosen = _choose(document, named, agreed=in_schema == in_example)
    if not is_model_id(chosen):
        raise SpecError(
            f"{chosen!r} is no model id: an id is words of letters, digits, '.', '_' and '-', with '/' between"
        )
    if model.get("const") != chosen and model.get("enum") != [chosen]:
        model.pop("const", None)
        model.pop("examples", None)
        model |= {"enum": [chosen], "default": chosen}
        yield f"$..properties.model: {chosen} and not {', '.join(in_schema) or 'nothing'}"


def fix_model(document: Json, _slug: str) -> Iterator[str]:
    """Turn the enum of one model id into a constant,."""
    if (body := request_schema(document)) is None:
        return
    model = body["properties"]["model"]
    if len(model.get("enum", ())) == 1:
        (model["const"],) = model.pop("enum")
        yield "$..properties.model"


def _in_schema(model: Json) -> list[str]:
    """Return the ids of the schema: those it takes, or else those that it shows."""
    enum = [model["const"]] if "const" in model else model.get("enum", ())
    examples = model.get("examples")
    shown = [model.get("default"), *(examples if isinstance(examples, list) else ())]
    ids = [text.strip() for text in enum if isinstance(text, str)] if isinstance(enum, (list, tuple)) else []
    return list(dict.fromkeys(ids or [text.strip() for text in shown if isinstance(text, str)]))


def _in_example(content: Json) -> list[str]:
    example = content.get("example")
    if isinstance(example, dict) and isinstance(example.get("model"), str):
        return [example["model"].strip()]
    return _IN_TEXT.findall(example)[:1] if isinstance(example, str) else []


def _in_prose(model: Json) -> list[str]:
    demanded = _DEMANDED.findall(str(model.get("description", "")))
    return [text for text in demanded if is_model_id(text)]


def _choose(document: Json, named: list[str], *, agreed: bool) -> str:
    distinct = list(dict.fromkeys(named))
    if len(distinct) == 1 or agreed:
        return distinct[0]
    title = _words(str(document.get("info", {}).get("title", "")))
    said = Counter(named)
    ranked = sorted(distinct, key=lambda each: (len(title & _words(each)), said[each]), reverse=True)
    first, second = ((len(title & _words(each)), said[each]) for each in ranked[:2])
    if first == second:
        raise SpecError(
            f"the document contradicts itself: it names the model {' and '.join(distinct)}, "
            "and its title does not tell which is right"
        )
    return ranked[0]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+|\d+", text.lower()))
