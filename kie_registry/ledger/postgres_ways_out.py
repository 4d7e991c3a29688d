"""What to do about what PostgreSQL finds wrong."""

from __future__ import annotations

from collections.abc import Mapping

_UNREACHABLE = "See that the server runs, and that its host and port are right and can be reached from here."
_NO_DATABASE = "Make it with `createdb`, or name another."
_NOT_LET_IN = (
    "See to the user and the password: in the address (with special characters encoded), in PGPASSWORD "
    "or in ~/.pgpass; and to the server's pg_hba.conf."
)
_NO_RIGHTS = (
    "Give the user the right to make the schema kie_registry (GRANT CREATE ON DATABASE ...), or to use its tables "
    "where another user has made them."
)
_READ_ONLY = "It cannot be written: it may be a replica. Name the server that takes writes."
_FULL = "Make room on the server's disk, and try again."
_TOO_MANY = "The server takes no more connections; end some of them, or raise its max_connections."
_LOCKED = "Another session holds the tables; end that session, and try again."
_DAMAGED = "A row of it is damaged; the rest is whole. `psql` can mend that row of the table jobs, or delete it."
_UNFORESEEN = "Try again; if this stays so, please report it, with these words."

_BY_CODE: Mapping[str, str] = {
    "28": _NOT_LET_IN,
    "3D000": _NO_DATABASE,
    "42501": _NO_RIGHTS,
    "25006": _READ_ONLY,
    "53100": _FULL,
    "53300": _TOO_MANY,
    "55P03": _LOCKED,
    "08": _UNREACHABLE,
    "57P": _UNREACHABLE,
}
"""An SQLSTATE, or the beginning of one -> what to do."""

_BY_WORDS: Mapping[str, str] = {
    "password": _NOT_LET_IN,
    "authentication": _NOT_LET_IN,
    "pg_hba.conf": _NOT_LET_IN,
    "role": _NOT_LET_IN,
    "does not exist": _NO_DATABASE,
    "permission denied for database": _NO_RIGHTS,
    "too many": _TOO_MANY,
    "remaining connection slots": _TOO_MANY,
    "connection": _UNREACHABLE,
    "resolve": _UNREACHABLE,
    "server": _UNREACHABLE,
    "cannot be read": _DAMAGED,
}
"""Words of PostgreSQL's, or of whoever read a row -> what to do. Refused connections have no code."""


def way_out(code: str | None, reason: str) -> str:
    """Return what to do about what PostgreSQL says with this SQLSTATE, if it gave one, and in these words."""
    known = (way for beginning, way in _BY_CODE.items() if code is not None and code.startswith(beginning))
    by_words = (way for words, way in _BY_WORDS.items() if words in reason)
    return next(known, None) or next(by_words, _UNFORESEEN)
