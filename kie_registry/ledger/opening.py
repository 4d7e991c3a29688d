"""Which ledger a client is given: none, the default one, a file, or any object that is one."""

from __future__ import annotations

import os
import shlex
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from kie_registry.errors import ConfigurationError
from kie_registry.settings import home

if TYPE_CHECKING:
    from kie_registry.ledger.protocol import Ledger
    from kie_registry.ledger.sqlite import SqliteLedger

NAME = "ledger.sqlite3"

_opened: WeakValueDictionary[Path, SqliteLedger] = WeakValueDictionary()
_lock = threading.Lock()


def open_ledger(given: Ledger | str | os.PathLike[str] | bool | None) -> Ledger | None:  # noqa: FBT001
    """Return the ledger that `given` means: True the default one, a path that file, None or False none.

    All clients of this process share one object for each file. Nothing is opened or made before its first use.

    Raises:
        ConfigurationError: It means none.
    """
    if given is None or given is False:
        return None
    if given is True:
        return _shared(default_file())
    if isinstance(given, (str, os.PathLike)):
        return _shared(_file(given))
    if not callable(getattr(given, "move", None)):
        raise ConfigurationError(f"ledger is {given!r}; it takes True, the path of a file, a Ledger, or None")
    return given


def default_file() -> Path:
    """Return the file of the default ledger, that of every `kie` command: ``KIE_LEDGER``, or one in ``KIE_HOME``.

    Raises:
        ConfigurationError: The variable names no file.
    """
    chosen = os.environ.get("KIE_LEDGER")
    return _file(chosen) if chosen else home() / NAME


def with_ledger(command: str, path: Path | None) -> str:
    """Return a `kie` command, for a message, with the ledger's file where that is not the default one."""
    try:
        default = path is None or os.path.realpath(path) == os.path.realpath(default_file())
    except ConfigurationError:
        default = False
    return command if path is None or default else f"{command} --ledger {shlex.quote(str(path.absolute()))}"


def _shared(path: Path) -> SqliteLedger:
    from kie_registry.ledger.sqlite import SqliteLedger

    # Whatever links lead to it, a file is one ledger; a link that leads to itself is told of on first use.
    real = Path(os.path.realpath(path))
    with _lock:
        if (known := _opened.get(real)) is None:
            known = _opened[real] = SqliteLedger(path.absolute())
        return known


def _file(given: Any) -> Path:
    try:
        path = Path(given).expanduser()
    except (RuntimeError, TypeError) as error:
        raise ConfigurationError(f"ledger (KIE_LEDGER) is {given!r}: {error}") from None
    if not str(path).strip() or "\0" in str(path) or path.is_dir():
        raise ConfigurationError(
            f"ledger (KIE_LEDGER) is {str(given)!r}, which is no file; name one, such as jobs.sqlite3 in it"
        )
    return path
