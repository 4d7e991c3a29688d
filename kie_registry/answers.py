"""What an answer of kie.ai means.

The HTTP status is usually 200 even for errors; the ``code`` of the envelope is the truth. Real 4xx and 5xx
happen too, with an envelope or without, so both are read, and the one that tells of an error counts.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen
from kie_generated.types import UNSET

from kie_registry.errors import (
    ApiError,
    AuthenticationError,
    InsufficientCredits,
    Maintenance,
    NotFound,
    RateLimited,
    RequestRejected,
    ServerError,
)
from kie_registry.secret import Secret
from kie_registry.wording import clip, writable

OK = 200
RATE_LIMITED = 429
KEY_USED_UP = 433

# createTask certainly made nothing when it answered one of these.
REFUSALS = frozenset({400, 401, 402, 404, 405, 409, 413, 422, KEY_USED_UP, 451, 455, 505})

_KINDS: dict[int, tuple[type[ApiError], str]] = {
    400: (RequestRejected, "kie.ai refuses the request (malformed, or against its content policy)"),
    401: (AuthenticationError, "the API key is not accepted; see https://kie.ai/api-key"),
    402: (InsufficientCredits, "there are not enough credits; `kie credits` shows the balance"),
    404: (NotFound, "kie.ai does not know it"),
    405: (RequestRejected, "kie.ai does not support this method"),
    408: (ServerError, "kie.ai's own provider has been silent for over ten minutes"),
    409: (RequestRejected, "the request is in conflict with another"),
    413: (RequestRejected, "the request is too large"),
    422: (RequestRejected, "kie.ai finds the parameters invalid"),
    429: (RateLimited, "there were too many requests"),
    KEY_USED_UP: (RateLimited, "the API key has used up its own hourly, daily or total cap"),
    451: (RequestRejected, "kie.ai could not fetch an input file"),
    455: (Maintenance, "kie.ai is under maintenance"),
    500: (ServerError, "kie.ai failed"),
    501: (ServerError, "the generation failed"),
    505: (Maintenance, "this feature is switched off"),
    550: (ServerError, "kie.ai's queue is full"),
}
# More than that is nothing that anybody reads, in messages, logs and ledgers.
_LONGEST_WORDS = 2_000
_RETRYABLE = frozenset({408, 429, 455, 505, 550})
# A shorter text is no key of kie.ai, and may stand in a record by chance.
_SHORTEST_KEY = 10
# How JSON may write characters of a key; and what stands in every body in UTF-16 or UTF-32.
_ESCAPES = (b"\\u00", b"\\/", b"\0")
_MARK = "[the key]"


@frozen
class Answer:
    """An answer, read as far as it can be.

    Attributes:
        status: The HTTP status.
        code: The code that counts: the envelope's, or the HTTP status where that tells of an error.
        envelope_code: The code of the envelope itself; None where there is none.
        message: kie.ai's own words, or the beginning of a body that is no envelope; the key is cut out.
        data: The ``data`` of the body, likewise; None where there is none.
    """

    status: int
    code: int
    envelope_code: int | None
    message: str
    data: Any

    @property
    def enveloped(self) -> bool:
        """Whether the body was an envelope at all."""
        return self.envelope_code is not None

    @property
    def ok(self) -> bool:
        """Whether it tells of no error."""
        return self.code == OK and self.enveloped

    def error(self, doing: str, **fields: Any) -> ApiError:
        """Return the error that this answer is; `doing` says what was attempted."""
        kind, explanation = _KINDS.get(self.code, (ServerError, "kie.ai answers with an unknown code"))
        if not self.enveloped and self.code == OK:
            explanation = "the answer is not what kie.ai documents"
        words = f", in kie.ai's words: {self.message.rstrip('.')}" if self.message else ""
        retryable = self.code in _RETRYABLE or kind is ServerError
        return kind(
            f"{doing}: {explanation} (code {self.code}{words})",
            status=self.status,
            server_message=self.message,
            code=self.code,
            **{"retryable": retryable, **fields},
        )


@frozen
class Envelope:
    """The envelope of an answer whose ``data`` is read by whoever asked, and so stays as it came."""

    code: Any
    msg: Any
    data: Any

    @classmethod
    def parse(cls, response: Any) -> Envelope | None:
        """Return what the body says; None where it is no JSON object."""
        try:
            body = response.json()
        except (ValueError, RecursionError):
            return None
        return cls.from_dict(body) if isinstance(body, dict) else None

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Envelope:
        """Read an envelope of which any field may be missing."""
        return cls(body.get("code"), body.get("msg"), body.get("data", UNSET))


def read_answer(response: Any, parsed: Any, *, secret: Secret | None = None) -> Answer:
    """Read `response`, which the generated code has `parsed` (None where its body is no JSON object).

    The `secret`, which is the key, is cut out of whatever the server has sent.
    """
    if secret is not None and parsed is not None and _may_hold(response.content, secret):
        parsed = _parse_without(secret, response.content, type(parsed))
    code = _integer(getattr(parsed, "code", None))
    status: int = response.status_code
    data = getattr(parsed, "data", UNSET)
    data = None if data is UNSET else data
    if code is None:
        return Answer(status, status, None, _without(secret, _beginning(response)), data)
    message = parsed.msg if isinstance(parsed.msg, str) else ""
    counts = status if code == OK and status >= 400 else code
    return Answer(status, counts, code, _without(secret, clip(writable(message), _LONGEST_WORDS)), data)


def _integer(code: Any) -> int | None:
    if isinstance(code, bool):
        return None
    try:
        return int(code)
    except (TypeError, ValueError, OverflowError):
        return None


def _beginning(response: Any) -> str:
    # Not response.text: what decodes it is chosen by a header of the server.
    text = " ".join(response.content[:400].decode("utf-8", "replace").split())
    return clip(text, 120)


def _without(secret: Secret | None, message: str) -> str:
    """Cut the key out of a message, because a server may send back what it was sent, escaped as it likes."""
    return message.replace(secret.reveal(), _MARK) if secret is not None and secret.reveal() else message


def _may_hold(body: bytes, secret: Secret) -> bool:
    """Whether the key may stand in a body; cheap, because hardly any holds it."""
    if len(secret.reveal()) < _SHORTEST_KEY:
        return False
    return secret.reveal().encode() in body or any(escape in body for escape in _ESCAPES)


def _parse_without(secret: Secret, body: bytes, kind: Any) -> Any:
    """Parse a body, which is a JSON object, once more without the key in it; None where that leaves no JSON."""
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    try:
        return kind.from_dict(json.loads(_spellings(secret).sub(_MARK, text)))
    except (ValueError, RecursionError):
        return None


@functools.lru_cache(maxsize=8)
def _spellings(secret: Secret) -> re.Pattern[str]:
    """Return what matches the key in JSON, and in JSON within its strings, whichever characters are escaped."""
    # A limit, as a body of backslashes alone would take forever; each level of JSON doubles them.
    plain = (r"\\{0,8}/" if each == "/" else re.escape(each) for each in secret.reveal())
    escaped = (rf"\\{{1,8}}u(?i:{ord(each):04x})" for each in secret.reveal())
    return re.compile("".join(f"(?:{one}|{other})" for one, other in zip(plain, escaped, strict=True)))
