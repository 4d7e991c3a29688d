"""The signature of a callback: it covers the task id and the time, and not the body."""

from __future__ import annotations

import base64
import hmac
import re
import time

_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def sign(key: str, task_id: str, timestamp: int | str) -> str:
    """Return the signature that kie.ai sends in ``X-Webhook-Signature``.

    Args:
        key: The account's webhook key.
        task_id: The id of the task that ended.
        timestamp: Unix seconds, as in ``X-Webhook-Timestamp``.
    """
    digest = hmac.digest(_utf8(key), _utf8(f"{task_id}.{timestamp}"), "sha256")
    return base64.b64encode(digest).decode()


def verify(
    key: str,
    task_id: str | None,
    timestamp: int | str | None,
    signature: str | None,
    *,
    now: float | None = None,
    tolerance: float = 300,
) -> bool:
    """Tell whether a callback was signed with this key, not long ago.

    Compares in constant time, and answers False to anything missing or malformed; it never raises.

    Args:
        key: The account's webhook key. An empty key verifies nothing.
        task_id: The task id in the callback's body.
        timestamp: The header ``X-Webhook-Timestamp``, in Unix seconds.
        signature: The header ``X-Webhook-Signature``.
        now: The present, in Unix seconds; the clock's if None.
        tolerance: How far `timestamp` may be from `now`, in seconds, either way.
    """
    if not (isinstance(key, str) and key and isinstance(task_id, str) and isinstance(signature, str)):
        return False
    if not _TIMESTAMP.fullmatch(str(timestamp)):
        return False
    present = time.time() if now is None else now
    if not abs(present - int(str(timestamp))) <= tolerance:
        return False
    return hmac.compare_digest(_utf8(sign(key, task_id, str(timestamp))), _utf8(signature))


def _utf8(text: str) -> bytes:
    """Encode even what is no valid text, as a header from a stranger may not be."""
    return text.encode("utf-8", "surrogatepass")
