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
    from kie_registry.adapter import Adapter as Adapter, native as native
    from kie_registry.adding import add_model as add_model
    from kie_registry.async_client import AsyncKie as AsyncKie
    from kie_registry.async_task import AsyncTask as AsyncTask
    from kie_registry.batches.batch import AsyncBatch as AsyncBatch
    from kie_registry.batches.blocking import Batch as Batch
    from kie_registry.batches.running.outcomes import Outcome as Outcome
    from kie_registry.batches.running.progress import Progress as Progress
    from kie_registry.call import Call as Call
    from kie_registry.client import Kie as Kie
    from kie_registry.contract import Contract as Contract
    from kie_registry.default import generate as generate
    from kie_registry.description import (
        ModelInfo as ModelInfo,
        ModelSummary as ModelSummary,
        ParameterInfo as ParameterInfo,
    )
    from kie_registry.errors import (
        ApiError as ApiError,
        AuthenticationError as AuthenticationError,
        ConfigurationError as ConfigurationError,
        IllegalMove as IllegalMove,
        InsufficientCredits as InsufficientCredits,
        InvalidRequest as InvalidRequest,
        KieError as KieError,
        LedgerError as LedgerError,
        Maintenance as Maintenance,
        NotAModel as NotAModel,
        NotFound as NotFound,
        OutputExists as OutputExists,
        PluginError as PluginError,
        Problem as Problem,
        RateLimited as RateLimited,
        RequestRejected as RequestRejected,
        ResultUnreadable as ResultUnreadable,
        ServerError as ServerError,
        SpecError as SpecError,
        SubmitOutcomeUnknown as SubmitOutcomeUnknown,
        TaskFailed as TaskFailed,
        TaskTimeout as TaskTimeout,
        TransportError as TransportError,
        UnknownModel as UnknownModel,
    )
    from kie_registry.events import Event as Event
    from kie_registry.hookspecs import (
        RegisterModel as RegisterModel,
        hookimpl as hookimpl,
        hookspec as hookspec,
    )
    from kie_registry.ledger import Job as Job, Ledger as Ledger
    from kie_registry.media import Image as Image, Images as Images
    from kie_registry.registry import Registry as Registry, register as register
    from kie_registry.results import AsyncResult as AsyncResult, Result as Result
    from kie_registry.status import TaskStatus as TaskStatus
    from kie_registry.task import Task as Task

_HOMES = {
    "adapter": ("Adapter", "native"),
    "adding": ("add_model",),
    "async_client": ("AsyncKie",),
    "async_task": ("AsyncTask",),
    "batches.batch": ("AsyncBatch",),
    "batches.blocking": ("Batch",),
    "batches.running.outcomes": ("Outcome",),
    "batches.running.progress": ("Progress",),
    "call": ("Call",),
    "client": ("Kie",),
    "contract": ("Contract",),
    "default": ("generate",),
    "description": ("ModelInfo", "ModelSummary", "ParameterInfo"),
    "errors": (
        "ApiError",
        "AuthenticationError",
        "ConfigurationError",
        "IllegalMove",
        "InsufficientCredits",
        "InvalidRequest",
        "KieError",
        "LedgerError",
        "Maintenance",
        "NotAModel",
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
    "ledger": ("Job", "Ledger"),
    "media": ("Image", "Images"),
    "registry": ("Registry", "register"),
    "results": ("AsyncResult", "Result"),
    "status": ("TaskStatus",),
    "task": ("Task",),
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
