"""The hooks that plugins implement, and the two markers that pluggy needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import pluggy

if TYPE_CHECKING:
    from kie_registry.adapter import Adapter

RegisterModel: TypeAlias = "Callable[[type[Adapter]], None]"
"""What `register_models` is given; it takes one adapter class."""

hookspec = pluggy.HookspecMarker("kie_registry")
hookimpl = pluggy.HookimplMarker("kie_registry")


@hookspec(historic=True)
def register_models(register: RegisterModel) -> None:
    """Call `register` with each adapter class of this plugin."""
