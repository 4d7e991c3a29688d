"""The rule for what a model makes, which no page says where a program would look for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kie_registry.specs.documents import Json
from kie_registry.specs.request import input_schema, model_operation, request_schema

_SECTION = re.compile(r"(image|video|music|audio|speech|voice|sound)\s+models?\b", re.IGNORECASE)
_GOAL = re.compile(r"\bto[\s_-]+(image|video|music|audio|speech|voice|sound|dialogue|text)\b", re.IGNORECASE)
_WORD = re.compile(r"\b(image|video|music|audio|speech|voice|sound|tts|song|avatar|animate)\b", re.IGNORECASE)
_KINDS = {"image": "image", "video": "video", "avatar": "video", "animate": "video", "text": "text"}


def tell_output(document: Json, _slug: str) -> Iterator[str]:
    """Say whether images, videos or sounds come out: by the section of the documentation, else by the names."""
    operation, body = model_operation(document), request_schema(document)
    if operation is None or body is None or "x-kie-output" in document["info"]:
        return
    document["info"]["x-kie-output"] = kind = _kind(document, operation, body)
    yield f"$.info.x-kie-output: {kind}"


def _kind(document: Json, operation: Json, body: Json) -> str:
    ids = body["properties"]["model"].get("enum", [""])
    names = " ".join([str(document["info"].get("title", "")), *map(str, ids)]).replace("_", "-").replace("/", " ")
    goals = [goal.lower() for goal in _GOAL.findall(names)]
    if goals and set(goals) == {"text"}:
        # The documentation has no section for these: speech-to-text stands among the music.
        return "text"
    tags = operation.get("tags")
    for tag in tags if isinstance(tags, list) else ():
        if match := _SECTION.search(str(tag)):
            return _KINDS.get(match[1].lower(), "audio")
    for found in (goals, _WORD.findall(names)):
        if found:
            return _KINDS.get(found[-1].lower(), "audio")
    parameters = (input_schema(document) or {}).get("properties", {})
    return "video" if "duration" in parameters else "image"
