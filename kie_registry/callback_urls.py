"""The reference that an attempt's callback URL carries, so that the callback tells which attempt it answers."""

from __future__ import annotations

import urllib.parse

PARAMETER = "kie_attempt"
"""The name of the query parameter."""


def with_reference(url: str, reference: str) -> str:
    """Return `url` with the reference in its query, after whatever is there already."""
    parts = urllib.parse.urlsplit(url)
    query = f"{parts.query}&" if parts.query else ""
    return urllib.parse.urlunsplit(parts._replace(query=f"{query}{PARAMETER}={urllib.parse.quote(reference)}"))


def reference_in(url: str) -> str | None:
    """Return the reference in a URL; None where there is none, or more than one."""
    try:
        query = urllib.parse.urlsplit(url).query
        found = urllib.parse.parse_qs(query, max_num_fields=100).get(PARAMETER, [])
    except ValueError:
        return None
    return found[0] if len(found) == 1 else None
