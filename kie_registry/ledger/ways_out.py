"""What to do about what SQLite finds wrong with a file."""

from __future__ import annotations

_LOCKED = "Another program holds it; end that program, and try again."
_FULL = "Make room on the disk, and try again."
_UNREADABLE = "The system cannot read or write it; see to the disk, its room and its rights, and try again."
_READ_ONLY = "It, or its folder, cannot be written; give yourself the right to, or name another KIE_HOME."
_NOT_OPENED = "It, or its folder, cannot be opened or written; see to its rights, or name another KIE_HOME."
_DAMAGED = (
    "It is damaged, or no SQLite file. Move it away, and a new one is made; what is pending in it can then only "
    "be found at https://kie.ai/logs. (`sqlite3 FILE .recover` may save what is in it.)"
)
_ROW_DAMAGED = "A row of it is damaged; the rest is whole. `sqlite3 FILE` can mend that row, or delete it."
# Nobody is to move a ledger away that may be whole.
_UNFORESEEN = "Leave the file where it is, and try again; if this stays so, please report it, with these words."

_WAYS_OUT = {
    "locked": _LOCKED,
    "full": _FULL,
    "I/O": _UNREADABLE,
    "readonly": _READ_ONLY,
    "unable to open": _NOT_OPENED,
    "malformed": _DAMAGED,
    "not a database": _DAMAGED,
    "file is encrypted": _DAMAGED,
    "cannot be read": _ROW_DAMAGED,
    "not decode": _ROW_DAMAGED,
}
"""Words of SQLite's, or of whoever read a row -> what to do."""


def way_out(reason: str) -> str:
    """Return what to do about what SQLite says in these words."""
    return next((way for words, way in _WAYS_OUT.items() if words in reason), _UNFORESEEN)
