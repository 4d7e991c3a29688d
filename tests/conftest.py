"""What every test stands on: no setting from outside, and a sandbox to talk to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kie_registry import Kie
from kie_registry.sandbox import Sandbox

_OUTSIDE = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Forget what the environment says of kie.ai and of proxies, and keep out of the user's own home."""
    for name in ("KIE_API_KEY", "KIE_BASE_URL", "KIE_UPLOAD_URL", "KIE_STRICT_PLUGINS", "KIE_LOG"):
        monkeypatch.delenv(name, raising=False)
    for name in _OUTSIDE:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("KIE_HOME", str(tmp_path_factory.mktemp("kie-home")))


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A fast sandbox without limits, that draws small pictures."""
    with Sandbox(latency=0.05, rate_limit=None, read_limit=None, image_scale=0.1) as sandbox:
        yield sandbox


@pytest.fixture
def open_kie(box: Sandbox) -> Iterator[Callable[..., Kie]]:
    """Makes clients of the sandbox, and closes them."""
    opened: list[Kie] = []

    def make(**options: object) -> Kie:
        defaults: dict[str, object] = {"base_url": box.url, "upload_url": box.url, "poll_interval": 0.02}
        kie = Kie(box.key, **{**defaults, "creates": None, **options})  # type: ignore[arg-type]
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
