"""Which addresses are this sandbox's own, and which may be contacted at all."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

FILES = "/files/"


def is_loopback(url: str) -> bool:
    """Tell whether a URL leads to this machine. The sandbox contacts no other."""
    parts = _split(url)
    return parts is not None and _is_loopback_host(parts.hostname)


def own_path(url: str, base_url: str) -> str | None:
    """Return the path of a URL that belongs to the server at `base_url`; None if it leads elsewhere.

    ``localhost`` and ``127.0.0.1`` are the same server if the port is the same.
    """
    parts, base = _split(url), _split(base_url)
    if parts is None or base is None or (parts.port or 80) != (base.port or 80):
        return None
    both_local = _is_loopback_host(parts.hostname) and _is_loopback_host(base.hostname)
    return unquote(parts.path) if both_local or parts.hostname == base.hostname else None


def _split(url: str) -> SplitResult | None:
    """Split an HTTP URL; None for anything else."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (raises on a port that is no number)
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} and parts.hostname else None


def _is_loopback_host(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
