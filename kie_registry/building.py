"""Build an adapter from a contract alone, for a model that nobody has written a class for."""

from __future__ import annotations

import re
import textwrap
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kie_registry.adapter import Adapter
from kie_registry.contract import Contract
from kie_registry.description import ParameterInfo, describe

# The annotations of the built classes name these.
from kie_registry.media import Image, Images  # noqa: F401

_VOWELS = ("a", "e", "i", "o", "u")


def build_adapter(contract: Contract, *, slug: str, aliases: Iterable[str] = ()) -> type[Adapter]:
    """Return an adapter class with a field for each parameter of `contract`; its class is named after `slug`.

    Its docstring lists the parameters, and its instances pickle.
    """
    aliases = tuple(aliases)

    def reduce(self: Adapter) -> tuple[Any, ...] | str:
        if type(self) is not built:
            return object.__reduce_ex__(self, 2)
        return _restore, (contract, slug, aliases, {name: getattr(self, name) for name in self.parameter_names})

    namespace = {"__module__": __name__, "__doc__": _summary(contract), "__reduce__": reduce}
    keywords = {"contract": contract, "aliases": aliases}
    built: type[Adapter] = types.new_class(
        class_name(slug), (Adapter,), keywords, lambda body: body.update(namespace)
    )
    built.__doc__ = "\n".join([_summary(contract), "", *_listed(built)])
    return built


def class_name(slug: str) -> str:
    """Return the name of the class for a model: ``NanoBananaPro`` for ``nano-banana-pro``."""
    name = "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", slug))
    return name if name.isidentifier() else f"Model{name}"


def _restore(contract: Contract, slug: str, aliases: tuple[str, ...], parameters: Mapping[str, Any]) -> Adapter:
    return build_adapter(contract, slug=slug, aliases=aliases)(**parameters)


def _summary(contract: Contract) -> str:
    article = "an" if contract.output.startswith(_VOWELS) else "a"
    made = contract.output if contract.output in ("audio", "text") else f"{article} {contract.output}"
    title = " ".join(contract.title.split())
    return f"Make {made} with {title}, {contract.id} at kie.ai."


def _listed(adapter: type[Adapter]) -> Iterator[str]:
    info = describe(adapter, "")
    if info.parameters:
        yield "Parameters:"
    for parameter in info.parameters:
        words = f"{parameter.name}: {'; '.join(_words(parameter))}."
        yield from textwrap.wrap(words, 100, initial_indent="    ", subsequent_indent="        ")


def _words(parameter: ParameterInfo) -> Iterator[str]:
    many = "list of " if parameter.many else ""
    yield f"{many}{parameter.file_kind or parameter.type}"
    if parameter.required:
        yield "required"
    if parameter.default is not None:
        yield f"default {parameter.default!r}"
    if parameter.choices:
        yield f"one of {', '.join(map(repr, parameter.choices))}"
    yield from parameter.limits
    if parameter.native != parameter.name:
        yield f"kie.ai calls it {parameter.native!r}"
    if parameter.deprecated:
        yield "deprecated"
    if parameter.description:
        yield parameter.description.rstrip(".")
