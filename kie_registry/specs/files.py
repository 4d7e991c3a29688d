"""Which parameters take the address of a file, of which kind, and within which limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kie_registry.schemas import Schema, parameters, types
from kie_registry.specs import prose
from kie_registry.specs.documents import Json

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
        inner = _item(parameter)
        if "string" in types(inner) or "string" in types(parameter):
            if limits := _limits(name, parameter, inner):
                yield f"{prefix}{name}", limits
        elif parameters(inner):
            mark = "[]" if "array" in types(parameter) else ""
            yield from _walk(inner, f"{prefix}{name}{mark}.")


def _item(parameter: Schema) -> Schema:
    """Return the schema of one value: of an item, where the parameter takes a list."""
    candidates = [parameter, *(parameter.get("oneOf") or ()), *(parameter.get("anyOf") or ())]
    items = [
        each["items"]
        for each in candidates
        if isinstance(each, Mapping) and isinstance(each.get("items"), Mapping)
    ]
    return items[0] if items else parameter


def _limits(name: str, parameter: Schema, inner: Schema) -> Json | None:
    said = " ".join(
        filter(None, (prose.said(dict(parameter)), prose.said(dict(inner)) if inner is not parameter else ""))
    )
    accepted = prose.accepted_types(said)
    size = prose.max_bytes(said)
    if "enum" in inner or "enum" in parameter:
        return None
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    kind = next((kind for kind, marks in _KINDS.items() if set(marks) & set(words)), None)
    formats = {parameter.get("format"), inner.get("format")}
    by_name = bool(words) and words[-1] in _FILES and (kind is not None or words[-1] in ("url", "urls"))
    if not (formats & _FORMATS or accepted or by_name or (size is not None and "url" in said.lower())):
        return None
    by_type = {each.partition("/")[0] for each in accepted} & set(_KINDS)
    by_prose = re.search(r"\b(image|video|audio)s?\b", said.lower())
    return {
        "kind": kind or (by_type.pop() if len(by_type) == 1 else by_prose[1] if by_prose else "file"),
        "types": accepted,
        "max_bytes": size,
        "schemes": prose.schemes(said),
    }
