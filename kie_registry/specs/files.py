"""Which parameters take the address of a file, of which kind, and within which limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kie_registry.schemas import Schema, parameters, parts, types
from kie_registry.specs import prose
from kie_registry.specs.documents import Json
from kie_registry.vocabulary import synonyms

_KINDS = {
    "image": ("image", "images", "img", "photo", "picture", "frame", "mask", "thumbnail"),
    "video": ("video", "videos", "clip", "clips", "movie"),
    "audio": ("audio", "audios", "voice", "sound", "music", "song", "speech"),
}
# Words at the end of a name that stand for a file; `image_style` and `video_prompt` are none.
_FILES = frozenset(
    {"url", "urls", "uri", "uris", "file", "files", "input", "inputs", "reference", "references"}
    | {"image", "images", "photo", "picture", "frame", "mask", "video", "videos", "clip", "audio", "audios"}
)
# Whatever is said of files there, these are texts, and addresses that are called rather than read.
_TEXTS = frozenset(
    {*synonyms("prompt"), *synonyms("negative_prompt"), "callBackUrl", "callback_url", "webhook_url", "webhookUrl"}
)
_FORMATS = frozenset({"uri", "url", "uri-reference", "binary"})


def file_parameters(schema: Schema) -> Json:
    """Return path -> limits for every place in an input that takes the address of a file.

    A path is the name of a parameter; one in a list of objects has the form ``elements[].image_urls``.
    The limits are ``kind`` (image, video, audio or file), the accepted ``types``, ``max_bytes`` of one file, and
    the ``schemes`` of addresses that are taken beside http and https.
    """
    return dict(_walk(schema, ""))


def _walk(schema: Schema, prefix: str) -> Iterator[tuple[str, Json]]:
    for name, parameter in parameters(schema).items():
        levels = _levels(parameter)
        if any("string" in types(level) for level in levels):
            if limits := _limits(name, levels):
                yield f"{prefix}{name}", limits
            continue
        for level in levels:
            mark = "" if level in parts(parameter) else "[]"
            yield from _walk(level, f"{prefix}{name}{mark}.")


def _levels(parameter: Schema) -> list[Schema]:
    """Return the schemas that speak of one value: the parameter's, its alternatives', and those of their items."""
    whole = list(parts(parameter))
    return [*whole, *(each["items"] for each in whole if isinstance(each.get("items"), Mapping))]


def _shown_schemes(levels: list[Schema]) -> list[str]:
    """Return what the rule `admit_shown_schemes` has noted."""
    return [scheme for level in levels for scheme in level.get("x-kie-schemes", ())]


def _limits(name: str, levels: list[Schema]) -> Json | None:
    if name in _TEXTS or any("enum" in level for level in levels):
        return None
    said = " ".join(filter(None, (prose.said(dict(level)) for level in levels)))
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    kind = next((kind for kind, marks in _KINDS.items() if set(marks) & set(words)), None)
    by_name = bool(words) and words[-1] in _FILES and (kind is not None or words[-1] in ("url", "urls"))
    by_format = any(str(level.get("format")) in _FORMATS for level in levels)
    if not (by_name or by_format or prose.tells_of_a_file(said)):
        return None
    accepted = prose.accepted_types(said)
    by_type = {each.partition("/")[0] for each in accepted} & set(_KINDS)
    by_prose = set(re.findall(r"\b(image|video|audio)s?\b", said.lower()))
    return {
        "kind": kind or next((kinds.pop() for kinds in (by_type, by_prose) if len(kinds) == 1), "file"),
        "types": accepted,
        "max_bytes": prose.max_bytes(said),
        "schemes": list(dict.fromkeys([*prose.schemes(said), *_shown_schemes(levels)])),
    }
