"""Databases that are closed while a process forks: parent and child cannot share a connection."""

from __future__ import annotations

import os
import threading
from typing import Protocol
from weakref import WeakSet


class Forking(Protocol):
    """What is closed over a fork."""

    def before_fork(self) -> None:
        """Close it, and let nobody open it."""

    def after_fork(self) -> None:
        """Go on in the parent."""

    def start_anew(self) -> None:
        """Go on in the child, without the threads of the parent."""


_all: WeakSet[Forking] = WeakSet()
_forking = threading.local()


def close_over_forks(database: Forking) -> None:
    """Have a database told of each fork, for as long as there is any use for it."""
    _all.add(database)


def _before_fork() -> None:
    _forking.databases = list(_all)
    for database in _forking.databases:
        database.before_fork()


def _after_fork_in_parent() -> None:
    for database in _forking.databases:
        database.after_fork()
    del _forking.databases


def _after_fork_in_child() -> None:
    for database in _forking.databases:
        database.start_anew()
    del _forking.databases


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
    )
