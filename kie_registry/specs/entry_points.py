"""Name models in the entry points of a ``pyproject.toml``, leaving all else in it as it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kie_registry.discovery import MODELS
from kie_registry.errors import SpecError


def add_entry_points(pyproject: Path, names: Iterable[str], module: str) -> None:
    """Let each of `names` lead to `module`; comments and the order of the file are kept.

    Raises:
        SpecError: A name leads to another module already, or the file is no TOML.
    """
    try:
        import tomlkit
        from tomlkit.exceptions import ParseError
        from tomlkit.items import KeyType, SingleKey
    except ImportError as error:
        raise SpecError("this needs the extra 'codegen': pip install 'kie-registry[codegen]'") from error
    text = pyproject.read_bytes().decode()
    try:
        document: Any = tomlkit.parse(text)
    except ParseError as error:
        raise SpecError(f"{pyproject}: is no TOML: {error}") from error
    groups = document["project"].setdefault("entry-points", tomlkit.table(is_super_table=True))
    models = groups.setdefault(MODELS, tomlkit.table())
    for name in names:
        if models.get(name, module) != module:
            raise SpecError(
                f"{pyproject}: the model name {name!r} leads to {models[name]} already; "
                "remove that entry point first"
            )
        if name not in models:
            models.add(SingleKey(name, t=KeyType.Basic), module)
    pyproject.write_bytes(tomlkit.dumps(document).encode())
