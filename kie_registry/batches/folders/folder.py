"""The output folder of a batch: which batch it holds, and that one process at a time works on it."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from kie_registry.errors import ConfigurationError
from kie_registry.whole_files import write_whole
from kie_registry.wording import writable

RESULTS = "results.jsonl"
"""The name of the file that says what came of each job."""

MARKER = ".kie-batch.json"
_HOLDER = ".kie-batch.holder.json"
_LOCK = ".kie-batch.lock"
_VERSION = 1

# What is less than this on a disk is no room for pictures either.
_PROBE = bytes(1 << 16)


@frozen(kw_only=True)
class Marker:
    """What a folder says of its batch.

    Attributes:
        batch: The id of the batch.
        ledger: The path of the ledger that knows its jobs; None for one that has none.
        manifest: The path of the manifest; None where a program named the jobs.
        created: When, in ISO 8601.
        planned: Whether its jobs were written into the ledger, so that some may be paid.
        account: Whose jobs they are, as in the ledger; empty where that is not known.
        version: The form of the marker.
    """

    batch: str
    ledger: str | None
    manifest: str | None
    created: str
    planned: bool
    account: str = ""
    version: int = _VERSION


class BatchFolder:
    """A folder for the files of one batch.

    Args:
        directory: The folder; made when it is first held.

    Attributes:
        path: Its absolute path.

    Raises:
        ConfigurationError: It is nowhere.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        try:
            self.path = Path(directory).expanduser().absolute()
        except (RuntimeError, OSError) as error:
            raise ConfigurationError(f"the folder {os.fspath(directory)!r}: {error}. Nothing was sent.") from None

    def where(self, path: str) -> str:
        """Return where a file of the batch is by now, which the folder may have been moved with."""
        if "://" in path or os.path.lexists(path):
            return path
        here = self.path / Path(path).name
        return str(here) if os.path.lexists(here) else path

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for this process alone, after a look whether files can be written there.

        Raises:
            ConfigurationError: None can, or another process holds it; the message says who. Nothing was sent.
        """
        from filelock import FileLock, Timeout

        with self._explained():
            self.path.mkdir(parents=True, exist_ok=True)
            self._try_to_write()
            # A lock that outlives its process would keep everybody out for good.
            lock = FileLock(self.path / _LOCK, thread_local=False, fallback_to_soft=False)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                raise self._is_held() from None
        try:
            with self._explained():
                self._write(_HOLDER, {"process": os.getpid(), "host": socket.gethostname(), "since": now()})
            yield
        finally:
            with contextlib.suppress(OSError):
                (self.path / _HOLDER).unlink()
            lock.release()

    def holder(self) -> str | None:
        """Return who works on the folder just now, in words; None where nobody does."""
        from filelock import FileLock, Timeout

        try:
            # The lock alone tells: whoever was killed has left his name behind.
            if (self.path / _LOCK).exists():
                FileLock(self.path / _LOCK, fallback_to_soft=False).acquire(blocking=False).lock.release()
        except Timeout:
            return self._named_holder()
        except (OSError, NotImplementedError):
            return self._named_holder() if (self.path / _HOLDER).exists() else None
        return None

    def marker(self) -> Marker | None:
        """Return what the folder says of its batch; None where it holds none.

        Raises:
            ConfigurationError: It cannot be made out. Nothing was sent.
        """
        path = self.path / MARKER
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationError(
                f"{path}: cannot be read: {error.strerror or error}. Nothing was sent."
            ) from error
        try:
            return _read(json.loads(content))
        except (ValueError, TypeError, RecursionError):
            raise ConfigurationError(
                f"{path} is damaged, or of a newer version. It says which batch of the ledger {self.path} holds, "
                "and so what is paid already. Restore it, or name another folder with --out, where all is made, "
                "and paid, anew. Nothing was sent."
            ) from None

    def write_marker(self, marker: Marker) -> None:
        """Write down which batch the folder holds.

        Raises:
            ConfigurationError: It cannot be written. Nothing was sent.
        """
        with self._explained():
            self._write(MARKER, asdict(marker))

    def _write(self, name: str, content: dict[str, Any]) -> None:
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        # Paths may hold what is no text, for which JSON has the same escape.
        write_whole(self.path / name, writable(text).encode(), fresh=False)

    def _try_to_write(self) -> None:
        probe = self.path / f".kie-batch.{secrets.token_hex(8)}.tmp"
        try:
            with probe.open("xb") as file:
                file.write(_PROBE)
                file.flush()
                os.fsync(file.fileno())
        finally:
            with contextlib.suppress(OSError):
                probe.unlink()

    def _named_holder(self) -> str:
        try:
            said = json.loads((self.path / _HOLDER).read_bytes())
            return f"process {said['process']} on {said['host']} (since {said['since']})"
        except (OSError, ValueError, TypeError, LookupError):
            return "another process"

    def _is_held(self) -> ConfigurationError:
        return ConfigurationError(
            f"{self.path}: {self._named_holder()} works on the batch in this folder. Wait until it ends, or "
            "interrupt it. Nothing was sent."
        )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, NotImplementedError) as error:
            if isinstance(error, ConfigurationError):
                raise
            reason = getattr(error, "strerror", None) or error
            raise ConfigurationError(
                f"{self.path}: no files can be written there: {reason}. Make room, or give yourself the right, "
                "or name another folder with --out. Nothing was sent, nothing was spent."
            ) from error


def now() -> str:
    """Return the time, in ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _read(data: Any) -> Marker:
    marker = Marker(**data)
    texts = (marker.batch, marker.created, marker.account, marker.ledger or "", marker.manifest or "")
    if marker.version != _VERSION or not marker.batch or not all(isinstance(text, str) for text in texts):
        raise ValueError
    return marker
