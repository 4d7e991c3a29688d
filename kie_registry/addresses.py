"""Where files may be fetched from: the public network, and what was allowed.

The URL of a result comes from a server. Whoever can make that server name another address must not get at what
only this machine can reach: its own services, its neighbours, the metadata service of a cloud.
"""

from __future__ import annotations

import ipaddress
import socket
import urllib.parse
from collections.abc import Iterable
from typing import TypeAlias

from attrs import field, frozen

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_WAY_OUT = (
    "Files are fetched from there only if that is allowed: allow_private_files=True, or KIE_ALLOW_PRIVATE_FILES=1"
)


@frozen
class FileSources:
    """Where a client may fetch files from.

    Attributes:
        origins: The origins that are allowed wherever they are: those of the client's own services.
        private: Whether addresses that are not public are allowed as well.
    """

    origins: frozenset[str] = field(factory=frozenset)
    private: bool = False

    @classmethod
    def of(cls, addresses: Iterable[str], *, private: bool) -> FileSources:
        """Allow the origins of some addresses."""
        return cls(frozenset(map(origin_of, addresses)), private)

    def problem(self, url: str) -> str | None:
        """Say what speaks against fetching `url`, as far as the URL alone tells; None if nothing does."""
        try:
            parts = urllib.parse.urlsplit(url)
            if parts.scheme not in _PORTS or not parts.hostname:
                return "it is no http or https URL"
            literal = _literal(parts.hostname)
        except ValueError:
            return "it is no URL"
        return None if literal is None else self._problem_of(url, literal, "it leads to")

    def peer_problem(self, url: str, peer: str) -> str | None:
        """Say what speaks against fetching `url` from the IP address that it turned out to be."""
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return None  # no IP address: a socket of the system
        return self._problem_of(url, address, "its host has the address")

    def _problem_of(self, url: str, address: _Address, what: str) -> str | None:
        if self.private or is_public(address) or origin_of(url) in self.origins:
            return None
        return f"{what} {address}, which is not public. {_WAY_OUT}"


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL, the port always written out."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or _PORTS.get(parts.scheme)}"


def is_public(address: _Address) -> bool:
    """Whether anybody on the internet reaches the same machine under this address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address only stands for: mapped, of NAT64, or of 6to4."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _literal(host: str) -> _Address | None:
    """Return the IP address that is written in a URL, in any of the spellings that systems take."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None
