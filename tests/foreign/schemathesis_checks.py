"""What schemathesis does not ask of an answer by itself; loaded by its configuration."""

from __future__ import annotations

from typing import Any

from schemathesis import Case, CheckContext, Response, check


@check
def is_an_envelope(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """Every answer is an envelope, whose code is the HTTP status."""
    body = response.json()
    names = {"code", "msg", "data"} | ({"success"} if case.path.startswith("/api/file-") else set())
    assert body.keys() == names, f"an envelope of {sorted(body)}"
    assert body["code"] == response.status_code
    assert isinstance(body["msg"], str)
    assert body["msg"]
    assert response.status_code == 200 or body["data"] is None
