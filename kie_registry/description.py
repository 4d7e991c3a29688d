"""Describe a model: its parameters with types, choices, defaults and limits, as data."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import asdict, frozen

from kie_registry import schemas
from kie_registry.adapter import Adapter
from kie_registry.contract import MediaLimits
from kie_registry.schemas import Schema
from kie_registry.value_limits import limits_of
from kie_registry.wording import either


@frozen
class ParameterInfo:
    """One parameter of a model.

    Attributes:
        name: The common name.
        native: The name in the model's own documentation.
        type: Its JSON type, that of the items of a list; several as ``string or integer``, and ``file``
            where it takes a URL or a local file.
        many: Whether it takes a list; one value will do all the same, where that is allowed.
        required: Whether the model does not run without it.
        default: The documented default, or None.
        choices: The values that it takes; empty where it is free.
        limits: Further limits, in words.
        description: The documentation's own words.
        deprecated: Whether the documentation calls it deprecated.
        file_kind: Where it takes files, what they are: image, video, audio or file; else None.
    """

    name: str
    native: str
    type: str
    many: bool
    required: bool
    default: Any
    choices: tuple[Any, ...]
    limits: tuple[str, ...]
    description: str
    deprecated: bool
    file_kind: str | None = None


@frozen
class ModelInfo:
    """A model, as a person choosing one would want it described.

    Attributes:
        id: The model id.
        aliases: Other names that are accepted.
        title: The name for people.
        summary: What it does, in a line.
        output: What comes out: image, video, audio or file.
        origin: Which distribution or file it comes from.
        parameters: In the order of the adapter.
        example: The documentation's example, by native names, or None.
    """

    id: str
    aliases: tuple[str, ...]
    title: str
    summary: str
    output: str
    origin: str
    parameters: tuple[ParameterInfo, ...]
    example: Mapping[str, Any] | None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON."""
        return asdict(self)


@frozen
class ModelSummary:
    """A line in the list of models; what is not known without loading the model is empty."""

    id: str
    aliases: tuple[str, ...]
    title: str
    output: str
    origin: str


def describe(adapter: type[Adapter], origin: str) -> ModelInfo:
    """Describe the model of `adapter`."""
    contract = adapter.contract
    words = inspect.getdoc(adapter) or ""
    summary = "" if words == inspect.getdoc(Adapter) else words.partition("\n")[0]
    return ModelInfo(
        id=contract.id,
        aliases=adapter.aliases,
        title=_plain(contract.title),
        summary=summary,
        output=contract.output,
        origin=origin,
        parameters=tuple(_parameter(adapter, *names) for names in adapter.parameter_names.items()),
        example=contract.example,
    )


def _parameter(adapter: type[Adapter], name: str, native: str) -> ParameterInfo:
    contract = adapter.contract
    schema, media = contract.parameters[native], contract.media.get(native)
    inner = schemas.item(schema)
    default = schema.get("default")
    return ParameterInfo(
        name=name,
        native=native,
        type="file" if media else _type(inner),
        many="array" in schemas.types(schema),
        required=native in contract.required and default is None,
        default=default,
        choices=schemas.choices(inner),
        limits=(*limits_of(schema), *(_media_limits(media) if media else ())),
        description=_plain(str(schema.get("description", ""))),
        deprecated=native in contract.replaced_by or bool(schema.get("deprecated")),
        file_kind=media.kind if media else None,
    )


def _plain(text: str) -> str:
    """Return text from a page on one line, without what would move the cursor of a terminal."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _type(schema: Schema) -> str:
    return " or ".join(kind for kind in schemas.types(schema) if kind != "null") or "any"


def _media_limits(media: MediaLimits) -> Iterator[str]:
    if media.types:
        yield ", ".join(kind.split("/")[-1] for kind in media.types)
    if media.max_bytes is not None:
        yield f"up to {media.max_bytes / 2**20:g} MB each"
    if media.schemes:
        yield f"{either([f'{scheme}://' for scheme in media.schemes])} addresses as well"
