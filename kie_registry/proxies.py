"""Which proxy a request goes through, after the usual variables of the environment."""

from __future__ import annotations

import ipaddress
import urllib.parse
import urllib.request

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


def is_loopback(host: str | None) -> bool:
    """Whether `host` is this machine by its very name."""
    if host is None or host in LOOPBACK_HOSTS:
        return host is not None
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.endswith(".localhost")


def proxy_for(url: str) -> str | None:
    """Return the address of the proxy for `url`; None for a direct connection.

    A proxy never comes between us and a server on this machine, whatever ``NO_PROXY`` says.
    """
    parts = urllib.parse.urlsplit(url)
    if is_loopback(parts.hostname) or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy
