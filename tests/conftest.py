"""What every test stands on: no setting from outside, and a sandbox to talk to."""

from __future__ import annotations

import gc
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from kie_registry import Kie
from kie_registry.sandbox import Sandbox
from kie_registry.testing.serving import client_options, fast_sandbox

if TYPE_CHECKING:
    from tests.ledger.postgres import Server, World

# A distribution of its own, whose tests run where it can be imported.
collect_ignore = ["third_party"]

# Whoever collects, and every process that is started, would compile the same modules again and again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The same examples in every run: what is found by chance is found while writing, and not when others build.
settings.register_profile("same", derandomize=True)
settings.register_profile("random", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

_OWN = (
    "KIE_ALLOW_PRIVATE_FILES",
    "KIE_API_KEY",
    "KIE_API_KEYS",
    "KIE_BASE_URL",
    "KIE_DATABASE",
    "KIE_LEDGER",
    "KIE_LOG",
    "KIE_STRICT_PLUGINS",
    "KIE_UPLOAD_URL",
    "KIE_WEBHOOK_KEY",
)
_OUTSIDE = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def pytest_collection_finish() -> None:
    """Spare the garbage collector the tests themselves, which live until the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of homes, one for each test; to have pytest number them takes longer with each that there is."""
    root = tmp_path_factory.mktemp("homes")
    return (root / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, homes: Iterator[Path]) -> None:
    """Forget what the environment says of kie.ai and of proxies, and keep out of the user's own home."""
    for name in _OWN:
        monkeypatch.delenv(name, raising=False)
    for name in _OUTSIDE:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    home = next(homes)
    home.mkdir()
    monkeypatch.setenv("KIE_HOME", str(home))


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A fast sandbox without limits, that draws small pictures."""
    with fast_sandbox(latency=0.05) as sandbox:
        yield sandbox


@pytest.fixture
def open_kie(box: Sandbox) -> Iterator[Callable[..., Kie]]:
    """Makes clients of the sandbox, and closes them."""
    opened: list[Kie] = []

    def make(**options: object) -> Kie:
        kie = Kie(box.key, **{**client_options(box), **options})
        opened.append(kie)
        return kie

    yield make
    for kie in opened:
        kie.close()


@pytest.fixture
def kie(open_kie: Callable[..., Kie]) -> Kie:
    """A client of the sandbox."""
    return open_kie()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A real JPEG."""
    from PIL import Image

    path = tmp_path / "photo.jpg"
    Image.new("RGB", (64, 48), "teal").save(path)
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The PostgreSQL server of all tests that need one; they are a group, and run in one process."""
    from tests.ledger.postgres import OwnServer, Server

    if named := os.environ.get("KIE_TEST_DATABASE"):
        yield Server(named)
        return
    server = OwnServer()
    yield server
    server.end()


@pytest.fixture(scope="session")
def postgres_database(postgres_server: Server) -> Iterator[str]:
    """The name of a PostgreSQL database with the tables of a ledger."""
    from kie_registry.ledger import PostgresLedger

    with postgres_server.database() as name:
        ledger = PostgresLedger(postgres_server.url(name))
        ledger.jobs()
        ledger.close()
        yield name


@pytest.fixture
def postgres(postgres_server: Server, postgres_database: str) -> Iterator[World]:
    """A PostgreSQL database with empty tables."""
    from tests.ledger.postgres import World

    world = World(postgres_server, postgres_database)
    world.empty()
    yield world
    world.close()
