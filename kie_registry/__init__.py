"""Images, video and audio from any kie.ai model, through one call.

    from kie_registry import Kie

    with Kie() as kie:
        result = kie.generate("nano-banana-pro", "a lighthouse at dawn", aspect_ratio="16:9")
        result.save("pictures/")

Everything public is here; it is imported when it is first used, so that `import kie_registry` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kie_registry.adapter import Adapter as Adapter
    from kie_registry.adapter import native as native
    from kie_registry.async_client import AsyncKie as AsyncKie
    from kie_registry.async_client import AsyncTask as AsyncTask
    from kie_registry.client import Kie as Kie
    from kie_registry.client import Task as Task
    from kie_registry.contract import Contract as Contract
    from kie_registry.default import generate as generate
    from kie_registry.default import register as register
    from kie_registry.description import (
        ModelInfo as ModelInfo,
    )
    from kie_registry.description import (
        ModelSummary as ModelSummary,
    )
    from kie_registry.description import (
        ParameterInfo as ParameterInfo,
    )
    from kie_registry.errors import (
        ApiError as ApiError,
    )
    from kie_registry.errors import (
        AuthenticationError as AuthenticationError,
    )
    from kie_registry.errors import (
        ConfigurationError as ConfigurationError,
    )
    from kie_registry.errors import (
        InsufficientCredits as InsufficientCredits,
    )
    from kie_registry.errors import (
        InvalidRequest as InvalidRequest,
    )
    from kie_registry.errors import (
        KieError as KieError,
    )
    from kie_registry.errors import (
        Maintenance as Maintenance,
    )
    from kie_registry.errors import (
        NotFound as NotFound,
    )
    from kie_registry.errors import (
        OutputExists as OutputExists,
    )
    from kie_registry.errors import (
        PluginError as PluginError,
    )
    from kie_registry.errors import (
        Problem as Problem,
    )
    from kie_registry.errors import (
        RateLimited as RateLimited,
    )
    from kie_registry.errors import (
        RequestRejected as RequestRejected,
    )
    from kie_registry.errors import (
        ResultUnreadable as ResultUnreadable,
    )
    from kie_registry.errors import (
        ServerError as ServerError,
    )
    from kie_registry.errors import (
        SpecError as SpecError,
    )
    from kie_registry.errors import (
        SubmitOutcomeUnknown as SubmitOutcomeUnknown,
    )
    from kie_registry.errors import (
        TaskFailed as TaskFailed,
    )
    from kie_registry.errors import (
        TaskTimeout as TaskTimeout,
    )
    from kie_registry.errors import (
        TransportError as TransportError,
    )
    from kie_registry.errors import (
        UnknownModel as UnknownModel,
    )
    from kie_registry.events import Event as Event
    from kie_registry.hookspecs import (
        RegisterModel as RegisterModel,
    )
    from kie_registry.hookspecs import (
        hookimpl as hookimpl,
    )
    from kie_registry.hookspecs import (
        hookspec as hookspec,
    )
    from kie_registry.media import Image as Image
    from kie_registry.registry import Registry as Registry
    from kie_registry.results import AsyncResult as AsyncResult
    from kie_registry.results import Result as Result
    from kie_registry.status import TaskStatus as TaskStatus

_HOMES = {
    "adapter": ("Adapter", "native"),
    "async_client": ("AsyncKie", "AsyncTask"),
    "client": ("Kie", "Task"),
    "contract": ("Contract",),
    "default": ("generate", "register"),
    "description": ("ModelInfo", "ModelSummary", "ParameterInfo"),
    "errors": (
        "ApiError",
        "AuthenticationError",
        "ConfigurationError",
        "InsufficientCredits",
        "InvalidRequest",
        "KieError",
        "Maintenance",
        "NotFound",
        "OutputExists",
        "PluginError",
        "Problem",
        "RateLimited",
        "RequestRejected",
        "ResultUnreadable",
        "ServerError",
        "SpecError",
        "SubmitOutcomeUnknown",
        "TaskFailed",
        "TaskTimeout",
        "TransportError",
        "UnknownModel",
    ),
    "events": ("Event",),
    "hookspecs": ("RegisterModel", "hookimpl", "hookspec"),
    "media": ("Image",),
    "registry": ("Registry",),
    "results": ("AsyncResult", "Result"),
    "status": ("TaskStatus",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = list(_HOME_OF)


def __getattr__(name: str) -> Any:
    if (home := _HOME_OF.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
