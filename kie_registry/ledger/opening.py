"""Which ledger a client is given: none, the default one, a file, a database, or any object that is one."""

from __future__ import annotations

import os
import shlex
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from kie_registry.errors import ConfigurationError
from kie_registry.ledger.postgres_address import is_address, shown
from kie_registry.settings import home

if TYPE_CHECKING:
    from kie_registry.ledger.postgres import PostgresLedger
    from kie_registry.ledger.protocol import Ledger
    from kie_registry.ledger.sqlite import SqliteLedger

NAME = "ledger.sqlite3"

_NO_DRIVER = (
    "A ledger in PostgreSQL needs psycopg, which cannot be imported ({error}): pip install 'kie-registry[batch]'"
)

_opened: WeakValueDictionary[Path, SqliteLedger] = WeakValueDictionary()
_databases: WeakValueDictionary[str, PostgresLedger] = WeakValueDictionary()
_lock = threading.Lock()


def open_ledger(given: Ledger | str | os.PathLike[str] | bool | None) -> Ledger | None:  # noqa: FBT001
    """Return the ledger that `given` means: True the default one, a path that file, None or False none.

    ``postgresql://user:password@host/database`` means that database. All clients of this process share one object
    for each file, and for each address. Nothing is opened or made before its first use.

    Raises:
        ConfigurationError: It means none, or what a database needs is not installed.
    """
    if given is None or given is False:
        return None
    if given is True:
        return _shared(default_place())
    if isinstance(given, (str, os.PathLike)):
        return _shared(_place(given))
    if not callable(getattr(given, "move", None)):
        raise ConfigurationError(f"ledger is {given!r}; it takes True, the path of a file, a Ledger, or None")
    return given


def default_place() -> Path | str:
    """Return where the default ledger is, that of every `kie` command: ``KIE_LEDGER``, or a file in ``KIE_HOME``.

    Raises:
        ConfigurationError: The variable names neither a file nor a database.
    """
    chosen = os.environ.get("KIE_LEDGER")
    return _place(chosen) if chosen else home() / NAME


def with_ledger(command: str, place: Path | str | None) -> str:
    """Return a `kie` command, for a message, with the ledger's place where that is not the default one.

    A database is named without its password.
    """
    if place is None:
        return command
    try:
        default = _in_words(default_place()) == _in_words(place)
    except ConfigurationError:
        default = False
    named = shown(place) if isinstance(place, str) and is_address(place) else str(Path(place).absolute())
    return command if default else f"{command} --ledger {shlex.quote(named)}"


def _in_words(place: Path | str) -> str:
    """Return the same words for all names of a file, and for an address with and without its password."""
    return shown(place) if isinstance(place, str) and is_address(place) else os.path.realpath(place)


def _shared(place: Path | str) -> SqliteLedger | PostgresLedger:
    return _shared_database(place) if isinstance(place, str) else _shared_file(place)


def _shared_database(url: str) -> PostgresLedger:
    try:
        from kie_registry.ledger.postgres import PostgresLedger
    except ImportError as error:
        raise ConfigurationError(_NO_DRIVER.format(error=error)) from error

    with _lock:
        if (known := _databases.get(url)) is None:
            known = _databases[url] = PostgresLedger(url)
        return known


def _shared_file(path: Path) -> SqliteLedger:
    from kie_registry.ledger.sqlite import SqliteLedger

    # Whatever links lead to it, a file is one ledger; a link that leads to itself is told of on first use.
    real = Path(os.path.realpath(path))
    with _lock:
        if (known := _opened.get(real)) is None:
            known = _opened[real] = SqliteLedger(path.absolute())
        return known


def _place(given: Any) -> Path | str:
    if is_address(given):
        return str(given)
    if isinstance(given, str) and "://" in given:
        raise ConfigurationError(
            f"ledger (KIE_LEDGER) is {shown(given)!r}, which is neither a file nor an address that begins with "
            "postgresql://"
        )
    try:
        path = Path(given).expanduser()
    except (RuntimeError, TypeError) as error:
        raise ConfigurationError(f"ledger (KIE_LEDGER) is {given!r}: {error}") from None
    if not str(path).strip() or "\0" in str(path) or path.is_dir():
        raise ConfigurationError(
            f"ledger (KIE_LEDGER) is {str(given)!r}, which is no file; name one, such as jobs.sqlite3 in it"
        )
    return path
