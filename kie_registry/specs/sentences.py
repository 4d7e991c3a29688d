"""What a model does, in one plain sentence, from its contract; no markup of a page gets into it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from kie_registry import schemas
from kie_registry.vocabulary import synonyms
from kie_registry.wording import joined

_LONGEST = 60
_VERBS = ("edit", "upscale", "remix", "reframe", "extend", "animate")
_ONE = {"image": "an image", "video": "a video", "audio": "audio", "file": "a file"}
_MANY = {"image": "images", "video": "videos", "audio": "audio", "file": "files"}


def plain_title(title: str, *, otherwise: str) -> str:
    """Return `title` with nothing in it but words: letters, digits and a few signs of ASCII, at most 60 of them.

    Where nothing is left of it, `otherwise`, which is treated the same.
    """
    for text in (title, otherwise):
        letters = unicodedata.normalize("NFKD", re.sub(r"<[^<>]*>", " ", text)).encode("ascii", "ignore").decode()
        words = re.sub(r"[^A-Za-z0-9.,'()&+/-]+", " ", letters).replace(" - ", " ").split()
        while words and len(" ".join(words)) > _LONGEST:
            words.pop()
        if plain := " ".join(words).strip(".,'/- "):
            return plain
    return "A model of kie.ai"


def sentence(contract: Mapping[str, Any]) -> str:
    """Return what the model does, without a full stop: "Make a video from text and an image, with Hailuo 02"."""
    title = plain_title(str(contract["title"]), otherwise=str(contract["id"]))
    output = str(contract["output"]) if contract["output"] in _ONE else "file"
    words = re.findall(r"[a-z]+", str(contract["id"]).lower())
    verb = next((verb for verb in _VERBS if verb in words), None)
    given = _media(contract)
    has_text = any(name in schemas.parameters(contract["input"]) for name in synonyms("prompt"))
    if verb and given.get(output):
        after = " after a text instruction" if has_text else ""
        return f"{verb.capitalize()} {given[output]}{after}, with {title}"
    sources = [*(["text"] if has_text else []), *dict.fromkeys(given.values())]
    made_from = f" from {joined(sources, 'and')}" if sources else ""
    return f"Make {_ONE[output]}{made_from}, with {title}"


def _media(contract: Mapping[str, Any]) -> dict[str, str]:
    """Return the kinds of files that the model takes, each with its words: one of them, or several."""
    parameters = schemas.parameters(contract["input"])
    words: dict[str, str] = {}
    for path, limits in contract["media"].items():
        kind = limits.get("kind") or _kind_of(limits["types"])
        name = path.partition("[")[0]
        many = "array" in schemas.types(parameters.get(name, {})) or kind in words
        words[kind] = (_MANY if many else _ONE)[kind]
    return words


def _kind_of(types: list[str]) -> str:
    kinds = {kind.partition("/")[0] for kind in types} & set(_ONE)
    return kinds.pop() if len(kinds) == 1 else "file"
