"""Upload local files. It is free and harmless to repeat, so what fails for a moment is tried again."""

from __future__ import annotations

import uuid
from pathlib import PurePath
from typing import Any, BinaryIO

from kie_registry.answers import Answer
from kie_registry.effects import Flow, Sleep
from kie_registry.errors import KieError, ServerError, TransportError
from kie_registry.events import Event, Listener, notify
from kie_registry.flows.ask import ask
from kie_registry.media import LocalFile
from kie_registry.session import Session

_FOLDER = "kie-registry"
_PAUSES = (0.5, 2.0)
_LOOK_AGAIN = 60.0


def upload_file(
    session: Session, file: LocalFile, listener: Listener | None = None, name: str | None = None
) -> Flow[str]:
    """Upload one file and return its URL; the same content is uploaded once, whoever else needs it at this moment.

    Raises:
        ApiError: kie.ai refuses it.
        TransportError: No answer came, three times.
    """
    # Under a name of the caller's own the content may be another one tomorrow.
    if name is not None:
        return (yield from _upload(session, file, listener, name))
    while (known := session.uploaded(file.digest)) is None:
        if (ended := session.begin_upload(file.digest)) is not None:
            yield Sleep(_LOOK_AGAIN, ended)
            continue
        try:
            # Another upload may have ended between the two looks.
            if session.uploaded(file.digest) is None:
                session.remember_upload(file.digest, (yield from _upload(session, file, listener, None)))
        finally:
            session.end_upload(file.digest)
    return known


def _upload(session: Session, file: LocalFile, listener: Listener | None, name: str | None) -> Flow[str]:
    notify(listener, Event("upload", f"uploading {file.label} ({file.size / 2**10:,.0f} kB)"))
    for pause in (*_PAUSES, None):
        try:
            return (yield from _upload_once(session, file, name))
        except (TransportError, ServerError) as error:
            if pause is None or not error.retryable:
                raise
            notify(listener, Event("retry", f"{error}; uploading again"))
            yield Sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _upload_once(session: Session, file: LocalFile, name: str | None) -> Flow[str]:
    from kie_generated.files import upload_stream
    from kie_generated.files.models.upload_stream_request import UploadStreamRequest
    from kie_generated.types import File

    with _open(file) as payload:
        # Names are unique: an equal one would overwrite, and be served stale for a while.
        file_name = _honest_name(name, file) or f"{file.digest[:16]}-{uuid.uuid4().hex[:8]}{file.suffix}"
        body = UploadStreamRequest(
            file=File(payload, file_name, file.mime_type), upload_path=_FOLDER, file_name=file_name
        )
        kwargs = upload_stream.request_kwargs(body=body)
        answer = yield from ask(session, session.settings.upload_url, kwargs, upload_stream.parse)
    if not answer.ok:
        raise answer.error(f"uploading {file.label}")
    return _address(answer, file)


def _open(file: LocalFile) -> BinaryIO:
    try:
        return file.open()
    except OSError as error:
        raise KieError(f"{file.label} cannot be read any more: {error.strerror}. Nothing was spent.") from None


def _address(answer: Answer, file: LocalFile) -> str:
    uploaded: Any = answer.data
    for field in ("download_url", "file_url"):
        if isinstance(address := getattr(uploaded, field, None), str) and address:
            return address
    raise KieError(f"uploading {file.label}: kie.ai accepted the file, but its answer holds no URL of it")


def _honest_name(name: str | None, file: LocalFile) -> str | None:
    """Return `name` with the suffix of the content, because kie.ai derives the content type from it."""
    if name is None:
        return None
    path = PurePath(PurePath(name).name)
    return path.name if not file.suffix or path.suffix == file.suffix else path.stem + file.suffix
