"""Build an adapter from a contract alone, for a model that nobody has written a class for."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable

from kie_registry.adapter import Adapter
from kie_registry.contract import Contract


def build_adapter(contract: Contract, *, slug: str, aliases: Iterable[str] = ()) -> type[Adapter]:
    """Return an adapter class with a field for each parameter of `contract`; its class is named after `slug`."""
    class_name = "".join(word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", slug))
    keywords = {"contract": contract, "aliases": aliases}
    built: type[Adapter] = types.new_class(class_name, (Adapter,), keywords)
    return built
