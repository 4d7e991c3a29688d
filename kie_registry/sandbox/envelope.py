"""The envelope ``{code, msg, data}`` that every answer of kie.ai is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse


class Refusal(Exception):
    """A request is refused. Becomes the answer to it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def success(data: Any) -> JSONResponse:
    """Answer with code 200."""
    return JSONResponse({"code": 200, "msg": "success", "data": data})


def error(refusal: Refusal, path: str, *, as_status: bool) -> JSONResponse:
    """Answer with the code of a refusal; in HTTP 200, or as the HTTP status too."""
    body: dict[str, Any] = {"code": refusal.code, "msg": refusal.message, "data": None}
    if path.startswith("/api/file-"):
        body["success"] = False
    # Files are served by a plain web server, which has no envelopes to hide errors in.
    as_status = as_status or path.startswith("/files/")
    return JSONResponse(body, refusal.code if as_status and 400 <= refusal.code < 600 else 200)


async def json_object(request: Request) -> Mapping[str, Any]:
    """Read the body of a request, which must be a JSON object; else refuse it with code 400."""
    raw = await request.body()
    try:
        body = json.loads(raw, parse_constant=_refuse_constant)
        if b"\\ud" in raw.lower():
            # Half a surrogate pair can be escaped in JSON, but is no text.
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as problem:
        raise Refusal(400, f"The body is not JSON: {problem}") from problem
    if not isinstance(body, dict):
        raise Refusal(400, "The body must be a JSON object")
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
