"""Describe a model: its parameters with types, choices, defaults and limits, as data."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import asdict, frozen

from kie_registry.adapter import Adapter


@frozen
class ParameterInfo:
    """One parameter of a model.

    Attributes:
        name: The common name.
        native: The name in the model's own documentation.
        type: Its JSON type; ``file`` where it takes a URL or a local file.
        many: Whether it takes a list.
        required: Whether the model does not run without it.
        default: The documented default, or None.
        choices: The values that it takes; empty where it is free.
        limits: Further limits, in words.
        description: The documentation's own words.
        deprecated: Whether the documentation calls it deprecated.
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
    summary = (inspect.getdoc(adapter) or "").partition("\n")[0]
    return ModelInfo(
        id=contract.id,
        aliases=adapter.aliases,
        title=contract.title,
        summary=summary,
        output=contract.output,
        origin=origin,
        parameters=tuple(_parameter(adapter, *names) for names in adapter.parameter_names.items()),
        example=contract.example,
    )


def _parameter(adapter: type[Adapter], name: str, native: str) -> ParameterInfo:
    contract = adapter.contract
    schema = contract.parameters[native]
    inner = schema.get("items", schema)
    kinds = inner.get("type", "any")
    kind = "file" if native in contract.media else " or ".join([kinds] if isinstance(kinds, str) else kinds)
    default = schema.get("default")
    return ParameterInfo(
        name=name,
        native=native,
        type=kind,
        many=schema.get("type") == "array",
        required=native in contract.required and default is None,
        default=default,
        choices=tuple(inner.get("enum", ())),
        limits=tuple(_limits(schema, adapter, native)),
        description=" ".join(str(schema.get("description", "")).split()),
        deprecated=native in contract.replaced_by or bool(schema.get("deprecated")),
    )


def _limits(schema: Mapping[str, Any], adapter: type[Adapter], native: str) -> Iterator[str]:
    least, most = schema.get("minItems"), schema.get("maxItems")
    if most is not None:
        yield f"{least} to {most} of them" if least else f"up to {most} of them"
    elif least:
        yield f"at least {least} of them"
    if (longest := schema.get("maxLength")) is not None:
        yield f"up to {longest:,} characters"
    if (smallest := schema.get("minimum")) is not None:
        yield f"from {smallest}"
    if (largest := schema.get("maximum")) is not None:
        yield f"up to {largest}"
    if media := adapter.contract.media.get(native):
        if media.types:
            yield ", ".join(kind.split("/")[1] for kind in media.types)
        if media.max_bytes is not None:
            yield f"up to {media.max_bytes / 2**20:g} MB each"
