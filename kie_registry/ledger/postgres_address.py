"""Addresses of PostgreSQL databases and of file systems, and how they are shown: never with a password."""

from __future__ import annotations

import re
import urllib.parse

SCHEMES = ("postgresql://", "postgres://")

# Greedy: a password in which an @ or a / was not encoded is hidden whole.
_PASSWORD = re.compile(r"(?<=://)([^:@/]*):.*@", re.DOTALL)
_IN_QUERY = re.compile(r"(?i)([?&][a-z]*(?:password|passphrase)=)[^&]*")


def is_address(given: object) -> bool:
    """Whether it is the address of a PostgreSQL database, and no path."""
    return isinstance(given, str) and given.lower().startswith(SCHEMES)


def shown(url: str) -> str:
    """Return an address without the password that stands in it."""
    return _IN_QUERY.sub(r"\1...", _PASSWORD.sub(r"\1@", url))


def password_in(url: str) -> str:
    """Return the password that stands before the host; empty where there is none."""
    found = _PASSWORD.search(url)
    return urllib.parse.unquote(found[0].partition(":")[2][:-1]) if found else ""
