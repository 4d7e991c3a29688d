"""Files of this machine as addresses, in which planned jobs keep them: ``file:///photos/cat.jpg#sha256=...``."""

from __future__ import annotations

import os
import urllib.parse
import urllib.request
from pathlib import Path

_DIGEST = "sha256="


def to_address(path: Path, digest: str) -> str:
    """Return the address of a file, by its absolute path, that has the content with this SHA-256 now."""
    return f"{path.as_uri()}#{_DIGEST}{digest}"


def is_local(address: str) -> bool:
    """Whether an address is that of a file of this machine."""
    return address.startswith("file://")


def path_of(address: str) -> Path:
    """Return the path in an address."""
    path = urllib.parse.urlsplit(address).path
    # A name on Linux is bytes, which need not be text.
    return Path(
        urllib.request.url2pathname(path) if os.name == "nt" else os.fsdecode(urllib.parse.unquote_to_bytes(path))
    )


def digest_in(address: str) -> str | None:
    """Return the SHA-256 that the content had when the job was planned; None where the address says none."""
    fragment = urllib.parse.urlsplit(address).fragment
    return fragment.removeprefix(_DIGEST) if fragment.startswith(_DIGEST) else None
