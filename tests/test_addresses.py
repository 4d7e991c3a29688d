"""Where files may come from: the public network, our own services, and nowhere else unless allowed."""

from __future__ import annotations

import asyncio
import ipaddress
import pickle
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_registry import Kie, Result, TransportError
from kie_registry.addresses import FileSources, is_public, origin_of
from kie_registry.effects import drive, drive_async
from kie_registry.flows.download import Saving, save
from kie_registry.http import AsyncHttp, Http
from kie_registry.sandbox import Sandbox
from kie_registry.settings import Settings
from tests.canned import Canned, canned, http

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "192.0.1.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]
NOT_PUBLIC = {
    "loopback": "127.0.0.1",
    "all of loopback": "127.255.0.3",
    "private, 10": "10.1.2.3",
    "private, 172": "172.31.0.1",
    "private, 192": "192.168.1.1",
    "link-local": "169.254.0.7",
    "a cloud's metadata": "169.254.169.254",
    "shared by a carrier": "100.64.0.1",
    "unspecified": "0.0.0.0",
    "this network": "0.1.2.3",
    "multicast": "224.0.0.1",
    "multicast, global": "239.255.255.250",
    "broadcast": "255.255.255.255",
    "reserved": "240.0.0.1",
    "for measurements": "198.18.0.1",
    "for documents": "203.0.113.1",
    "loopback, 6": "::1",
    "unspecified, 6": "::",
    "unique local": "fd00::1",
    "link-local, 6": "fe80::1",
    "link-local with a zone": "fe80::1%eth0",
    "site-local": "fec0::1",
    "multicast, 6": "ff02::1",
    "multicast, 6, global": "ff0e::1",
    "mapped": "::ffff:10.0.0.1",
    "mapped loopback": "::ffff:127.0.0.1",
    "compatible": "::127.0.0.1",
    "NAT64": "64:ff9b::10.0.0.1",
    "NAT64, local": "64:ff9b:1::a00:1",
    "6to4": "2002:a00:1::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "for documents, 6": "2001:db8::1",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC.values(), ids=NOT_PUBLIC.keys())
def test_an_address_that_is_not(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


LITERAL = {
    "plain": "http://10.0.0.1/1.png",
    "6": "http://[::1]/1.png",
    "with a port": "http://127.0.0.1:81/1.png",
    "one number": "http://2130706433/1.png",
    "short": "http://127.1/1.png",
    "hexadecimal": "http://0x7f.0.0.1/1.png",
    "octal": "http://0177.0.0.1/1.png",
    "with a user": "http://kie.ai@127.0.0.1/1.png",
}


@pytest.mark.parametrize("url", LITERAL.values(), ids=LITERAL.keys())
def test_a_literal_address_is_known_however_it_is_written(url: str) -> None:
    assert "is not public" in str(FileSources().problem(url))


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://kie.ai/1.png", "data:,x", "/1.png", "http:///1.png", "http://[::1", ""]
)
def test_what_is_no_web_address(url: str) -> None:
    assert FileSources(private=True).problem(url) is not None


@pytest.mark.parametrize("url", ["https://files.kie.ai/1.png", "http://8.8.8.8/1.png", "http://8.8.8.8.example/"])
def test_what_the_url_alone_does_not_speak_against(url: str) -> None:
    assert FileSources().problem(url) is None


ORIGINS = {
    "the same": ("http://127.0.0.1:8000/files/1.png", True),
    "in capitals": ("HTTP://127.0.0.1:8000/files/1.png", True),
    "another port": ("http://127.0.0.1:8001/files/1.png", False),
    "another scheme": ("https://127.0.0.1:8000/files/1.png", False),
    "another address": ("http://127.0.0.2:8000/files/1.png", False),
}


@pytest.mark.parametrize(("url", "allowed"), ORIGINS.values(), ids=ORIGINS.keys())
def test_the_origins_of_our_own_services_are_allowed(url: str, allowed: bool) -> None:
    sources = Settings.resolve("key", "http://127.0.0.1:8000/kie").file_sources
    assert (sources.problem(url) is None) is allowed


def test_a_port_that_goes_without_saying() -> None:
    assert origin_of("https://kie.ai/a") == origin_of("https://KIE.ai:443")


@pytest.mark.parametrize("value", ["1", "yes"])
def test_the_environment_allows_everything(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("KIE_ALLOW_PRIVATE_FILES", value)
    assert Settings.resolve("key").file_sources.private


@pytest.mark.parametrize("value", ["", "0"])
def test_or_does_not(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("KIE_ALLOW_PRIVATE_FILES", value)
    assert not Settings.resolve("key").file_sources.private


def test_the_argument_counts_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIE_ALLOW_PRIVATE_FILES", "1")
    assert not Settings.resolve("key", allow_private_files=False).file_sources.private


@pytest.fixture
def neighbour() -> Iterator[Canned]:
    """A server of this machine that is none of the client's own."""
    with canned(http(b"secret of the house")) as server:
        yield server


Options = dict[str, Any]


def _fetch(kind: str, url: str, directory: Path, settings: Settings, transport: Any = None) -> list[Path]:
    flow = save(Saving([url], directory, None, False, "task_1", None, sources=settings.file_sources))
    if kind == "asynchronous":
        return asyncio.run(_fetch_async(flow, AsyncHttp(settings, transport)))
    client = Http(settings, transport)
    try:
        return drive(flow, client)
    finally:
        client.close()


async def _fetch_async(flow: Any, client: AsyncHttp) -> list[Path]:
    try:
        return await drive_async(flow, client)
    finally:
        await client.close()


@pytest.fixture(params=["blocking", "asynchronous"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which client fetches."""
    return str(request.param)


@pytest.fixture
def rebound(monkeypatch: pytest.MonkeyPatch, neighbour: Canned) -> str:
    """A name that stands for a public address at the first look, and for this machine at the next."""
    real = socket.getaddrinfo

    def lookup(host: Any, *rest: Any, **more: Any) -> Any:
        ours = host in ("files.example", b"files.example")
        return real("127.0.0.1" if ours else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return neighbour.url.replace("127.0.0.1", "files.example")


class TestThisMachine:
    def test_is_not_asked_by_its_address(self, kind: str, neighbour: Canned, tmp_path: Path) -> None:
        with pytest.raises(TransportError, match="which is not public") as caught:
            _fetch(kind, neighbour.url, tmp_path, Settings.resolve("key"))
        assert (neighbour.requests, caught.value.retryable, caught.value.charged) == ([], False, "yes")

    def test_is_not_asked_by_its_name(self, kind: str, neighbour: Canned, tmp_path: Path) -> None:
        with pytest.raises(TransportError, match="which is not public"):
            _fetch(kind, neighbour.url.replace("127.0.0.1", "localhost"), tmp_path, Settings.resolve("key"))
        assert neighbour.requests == []

    def test_is_not_asked_by_a_name_that_came_to_mean_it(
        self, kind: str, neighbour: Canned, rebound: str, tmp_path: Path
    ) -> None:
        with pytest.raises(TransportError, match="its host has the address 127"):
            _fetch(kind, rebound, tmp_path, Settings.resolve("key"))
        assert neighbour.requests == []

    def test_is_not_asked_where_our_own_server_leads(self, kind: str, neighbour: Canned, tmp_path: Path) -> None:
        with (
            canned(http(b"", "302 Found", location=neighbour.url)) as own,
            pytest.raises(TransportError) as caught,
        ):
            _fetch(kind, own.url, tmp_path, Settings.resolve("key", own.url))
        assert (neighbour.requests, "KIE_ALLOW_PRIVATE_FILES=1" in str(caught.value)) == ([], True)

    def test_is_asked_where_the_user_allows_it(self, kind: str, neighbour: Canned, tmp_path: Path) -> None:
        settings = Settings.resolve("key", allow_private_files=True)
        (path,) = _fetch(kind, neighbour.url, tmp_path, settings)
        assert path.read_bytes() == b"secret of the house"


class TestThroughAProxy:
    def test_the_proxy_may_be_anywhere(
        self, kind: str, neighbour: Canned, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("http_proxy", neighbour.url)
        (path,) = _fetch(kind, "http://files.example/1.bin", tmp_path, Settings.resolve("key"))
        assert path.read_bytes() == b"secret of the house"

    def test_the_target_may_not(
        self, kind: str, neighbour: Canned, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("http_proxy", neighbour.url)
        with pytest.raises(TransportError, match="which is not public"):
            _fetch(kind, "http://10.0.0.1/1.bin", tmp_path, Settings.resolve("key"))
        assert neighbour.requests == []


def test_a_transport_of_ones_own_is_asked_for_public_names_only(kind: str, tmp_path: Path) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=b"x"))
    settings = Settings.resolve("key")
    assert len(_fetch(kind, "https://files.example/1.bin", tmp_path, settings, transport)) == 1
    with pytest.raises(TransportError, match="not public"):
        _fetch(kind, "https://[fd00::1]/1.bin", tmp_path / "other", settings, transport)


def test_the_sandbox_is_allowed_and_stays_so_in_a_pickle(box: Sandbox, kie: Kie, tmp_path: Path) -> None:
    result: Result = pickle.loads(pickle.dumps(kie.generate("nano-banana-pro", "a cat")))
    assert len(result.save(tmp_path)) == 1


def test_but_not_its_neighbour(neighbour: Canned, box: Sandbox, kie: Kie, tmp_path: Path) -> None:
    box.end_next(result={"resultUrls": [f"{neighbour.url}/1.png"]})
    result = kie.generate("nano-banana-pro", "a cat")
    with pytest.raises(TransportError, match="not public") as caught:
        result.save(tmp_path)
    assert (caught.value.task_id, neighbour.requests) == (result.task_id, [])
