"""What comes back: an answer of kie.ai as a whole, or the head of one, with the file that follows it."""

from __future__ import annotations

import json
import re
from typing import Any, Protocol

from attrs import define, frozen

_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


@define
class Reply:
    """An answer of kie.ai, with its body, as the generated code and the flows read it.

    Attributes:
        status_code: The HTTP status.
        content: The body, not compressed.
    """

    status_code: int
    content: bytes

    def json(self) -> Any:
        """Return what the body says; raises ValueError or RecursionError where it is no JSON."""
        return json.loads(self.content)


@frozen
class Head:
    """The head of an answer.

    Attributes:
        status: The HTTP status.
        content_type: The content type, without parameters; empty where the server gave none.
        length: The size of the body in bytes; None where it is not announced, or is that of a compressed one.
        encoding: How the body is compressed, though that was not asked for; empty where it is not.
        start: The first byte of the file that the body holds, in an answer with a part of it.
        whole: The size of the whole file, in an answer with a part of it; None where it is not known.
        validator: What tells this edition of the file from others; None where parts of it cannot be asked for.
        location: Where a redirection leads.
    """

    status: int
    content_type: str
    length: int | None
    encoding: str
    start: int | None
    whole: int | None
    validator: str | None
    location: str | None

    @classmethod
    def of(cls, response: Any) -> Head:
        """Read the head of an httpx response."""
        headers = response.headers
        encoding = headers.get("content-encoding", "").strip().lower().replace("identity", "")
        length = headers.get("content-length", "")
        part = _RANGE.fullmatch(headers.get("content-range", "").strip())
        return cls(
            status=response.status_code,
            content_type=headers.get("content-type", "").partition(";")[0].strip().lower(),
            length=int(length) if re.fullmatch(r"\d{1,18}", length) and not encoding else None,
            encoding=encoding,
            start=int(part[1]) if part else None,
            whole=int(part[2]) if part and part[2] != "*" else None,
            validator=None if encoding else _validator(headers),
            location=headers.get("location"),
        )


def _validator(headers: Any) -> str | None:
    """Return the ETag, unless it is a weak one, or else the date of the last change."""
    if headers.get("accept-ranges", "").strip().lower() == "none":
        return None
    tag: str = headers.get("etag", "")
    found = tag if tag.startswith('"') else headers.get("last-modified", "")
    return found if found and found.isascii() and found.isprintable() else None


class Body(Protocol):
    """Where the body of an answer goes."""

    def accept(self, head: Head) -> bool:
        """Make ready for the body that follows; return whether it is wanted."""

    def write(self, chunk: bytes) -> None:
        """Take a piece of it."""
