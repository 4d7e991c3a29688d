"""By what a batch knows its jobs again: their ids, else what they say, and how often it was said before.

Four equal lines are four jobs, because four pictures are wanted; run again, they are the same four. What a local
file holds is a part of what a line says: another photo of the same name makes another job. Its path is none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_GIVEN = "id:"
_SAID = "sha:"
_DIGITS = 40


def key_of_id(job_id: str) -> str:
    """Return the key of a job that was given an id."""
    return f"{_GIVEN}{job_id}"


def key_of_content(digest: str, times: int) -> str:
    """Return the key of the job that is this one among those of equal content, counted from 1."""
    return f"{_SAID}{digest}:{times}"


def id_in(key: str | None) -> str | None:
    """Return the id that a job was given, by its key; None where it was given none."""
    return key.removeprefix(_GIVEN) if key is not None and key.startswith(_GIVEN) else None


def digest_of(model: str, native_input: Mapping[str, Any]) -> str:
    """Return a digest of what a job says, in which the content of each local file stands for the file."""
    said = json.dumps([model, native_input], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()[:_DIGITS]
