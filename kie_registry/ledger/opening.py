"""Which ledger a client is given: none, that of ``KIE_HOME``, a file, or any object that is one."""

from __future__ import annotations

import os
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
    """Return the ledger that `given` means: True that of ``KIE_HOME``, a path that file, None or False none.

    All clients of this process share one object for each file. Nothing is opened or made before its first use.

    Raises:
        ConfigurationError: It means none.
    """
    if given is None or given is False:
        return None
    if given is True:
        return _shared(home() / NAME)
    if isinstance(given, (str, os.PathLike)):
        return _shared(_file(given))
    if not callable(getattr(given, "move", None)):
        raise ConfigurationError(f"ledger is {given!r}; it takes True, the path of a file, a Ledger, or None")
    return given


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
        raise ConfigurationError(f"ledger is {given!r}: {error}") from None
    if not str(path).strip() or "\0" in str(path) or path.is_dir():
        raise ConfigurationError(
            f"ledger is {str(given)!r}, which is no file; name one, such as jobs.sqlite3 in it"
        )
    return path
