"""Every endpoint of the generated package, found and not listed."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import kie_generated
import pytest

PACKAGE = Path(kie_generated.__file__).parent


@functools.cache
def endpoints() -> list[ModuleType]:
    modules = pkgutil.walk_packages(kie_generated.__path__, "kie_generated.")
    imported = [importlib.import_module(found.name) for found in modules]
    return [module for module in imported if hasattr(module, "parse") and hasattr(module, "request_kwargs")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with the argument `endpoint` for each endpoint, one with `published` for each document."""
    if "endpoint" in metafunc.fixturenames:
        found = endpoints()
        ids = [module.__name__.removeprefix("kie_generated.") for module in found]
        metafunc.parametrize("endpoint", found, ids=ids)
    if "published" in metafunc.fixturenames:
        paths = sorted(PACKAGE.glob("*/openapi.yaml"))
        metafunc.parametrize("published", paths, ids=[path.parent.name for path in paths])
