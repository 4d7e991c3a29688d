"""The three endpoints that take files, and the one that gives them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import httpx
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from kie_registry.sandbox.envelope import Refusal, json_object
from kie_registry.sandbox.files import suffix
from kie_registry.sandbox.hosting import file_url
from kie_registry.sandbox.outbound import NotLoopback
from kie_registry.sandbox.service import base_url_of, service_of

_MEGABYTE = 1024 * 1024
_BASE64_LIMIT = 10 * _MEGABYTE
_URL_LIMIT = 100 * _MEGABYTE
_URL_TIMEOUT = 30.0
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(;[^,]*)?,")


async def upload_stream(request: Request) -> Response:
    """Take a file as multipart form data."""
    async with request.form() as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Refusal(422, "file is required, as a file of multipart/form-data")
        path = _path(form, PurePosixPath(file.filename or "").suffix or suffix(file.content_type or ""))
        return await _save(request, path, file.file)


async def upload_base64(request: Request) -> Response:
    """Take a file as base64 text or a data URL."""
    body = await json_object(request)
    text = body.get("base64Data")
    if not isinstance(text, str) or not text:
        raise Refusal(422, "base64Data is required")
    header = _DATA_URL.match(text)
    path = _path(body, suffix((header and header[1]) or ""))
    try:
        content = base64.b64decode(text[header.end() if header else 0 :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal(422, f"base64Data is not base64: {error}") from error
    if len(content) > _BASE64_LIMIT:
        raise Refusal(413, "The file is larger than 10 MB; use /api/file-stream-upload")
    return await _save(request, path, content)


async def upload_url(request: Request) -> Response:
    """Fetch a file, from this machine only."""
    body = await json_object(request)
    url = body.get("fileUrl")
    if not isinstance(url, str) or not url:
        raise Refusal(422, "fileUrl is required")
    try:
        answer = await service_of(request).outbound.get(url, timeout=_URL_TIMEOUT)
        answer.raise_for_status()
    except NotLoopback as error:
        raise Refusal(400, f"The sandbox fetches files from this machine only, not {url}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Refusal(400, f"The file could not be fetched: {error}") from error
    if len(answer.content) > _URL_LIMIT:
        raise Refusal(413, "The file is larger than 100 MB")
    path = _path(body, PurePosixPath(unquote(urlsplit(url).path)).suffix or ".bin")
    return await _save(request, path, answer.content)


def _path(fields: Mapping[str, Any], default_suffix: str) -> str:
    """Return the path that an upload asks for; under a random name if it asks for none."""
    folder, name = fields.get("uploadPath"), fields.get("fileName", "")
    if not isinstance(folder, str) or not folder.strip("/"):
        raise Refusal(422, "uploadPath is required")
    if not isinstance(name, str) or "/" in name:
        raise Refusal(422, "fileName must be a name, without slashes")
    path = f"{folder.strip('/')}/{name or f'{uuid4().hex}{default_suffix}'}"
    if {".", "..", ""} & set(path.split("/")):
        raise Refusal(422, "uploadPath and fileName must not hold empty, '.' or '..' parts")
    return path


async def _save(request: Request, path: str, content: Any) -> Response:
    name = f"uploads/{path}"
    stored = await asyncio.to_thread(service_of(request).hosting.save, name, content)
    data = {
        "fileName": path.rpartition("/")[2],
        "filePath": path,
        "downloadUrl": file_url(base_url_of(request), name),
        "fileSize": stored.size,
        "mimeType": stored.mime_type,
        "uploadedAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return JSONResponse({"success": True, "code": 200, "msg": "File uploaded successfully", "data": data})


async def get_file(request: Request) -> Response:
    """Give a hosted file, to anybody. Ranges are honoured."""
    service = service_of(request)
    expires = request.query_params.get("expires", "")
    if expires.isdecimal() and int(expires) <= service.options.clock():
        raise Refusal(403, "This link has expired")
    stored = await asyncio.to_thread(service.hosting.open, request.path_params["name"])
    if stored is None:
        raise Refusal(404, "No such file")
    return FileResponse(stored.path, media_type=stored.mime_type)
