"""A local kie.ai, for development, demonstrations and tests. It needs the extra ``sandbox``."""

from kie_registry.errors import ConfigurationError

try:
    # Starlette imports this one late, and would fail at the first upload.
    import python_multipart as _python_multipart  # noqa: F401

    from kie_registry.sandbox.app import create_app
    from kie_registry.sandbox.callbacks import Callback
    from kie_registry.sandbox.options import Options
    from kie_registry.sandbox.recording import RecordedRequest
    from kie_registry.sandbox.server import Sandbox
    from kie_registry.sandbox.tasks import Task
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in {"PIL", "python_multipart", "starlette", "uvicorn"}:
        raise
    raise ConfigurationError(
        f"the sandbox needs {error.name}, which is not installed: pip install 'kie-registry[sandbox]'"
    ) from error

__all__ = ["Callback", "Options", "RecordedRequest", "Sandbox", "Task", "create_app"]
