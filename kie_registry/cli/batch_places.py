"""Where a batch is that a command is asked about: in a folder, or by its name in a database."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from kie_registry.batches.folders.folder import MARKER, RESULTS, BatchFolder
from kie_registry.cli.databases import VARIABLE, with_database
from kie_registry.errors import ConfigurationError
from kie_registry.ledger.opening import default_place, open_ledger, with_ledger
from kie_registry.ledger.postgres_address import is_address, shown

if TYPE_CHECKING:
    from kie_registry.batches.folders.folder import Marker
    from kie_registry.ledger.protocol import Ledger

_MANIFESTS = frozenset({".jsonl", ".ndjson", ".csv", ".yaml", ".yml"})


def folder_of(target: str, database: str | None) -> Path | None:
    """Return the folder that somebody named, by itself or by the results in it; None where a database is meant."""
    path = Path(target)
    if database:
        return None
    if path.name == RESULTS and (path.parent / MARKER).exists():
        return path.parent
    return path if path.is_dir() or not os.environ.get(VARIABLE) else None


def marked(directory: Path) -> tuple[BatchFolder, Marker]:
    """Return a folder and what it says of its batch.

    Raises:
        ConfigurationError: It holds none.
    """
    folder = BatchFolder(directory)
    is_folder = folder.path.is_dir()
    marker = folder.marker() if is_folder else None
    if marker is None:
        what = "holds no batch" if is_folder else "is no folder"
        raise ConfigurationError(
            f"{directory} {what}: there is no {MARKER} in it. `kie batch run FILE --out DIR` begins one."
        )
    return folder, marker


def ledger_of(marker: Marker, given: Path | str | None) -> Path | str:
    """Return where the ledger of a batch is.

    Args:
        marker: What the folder of the batch says.
        given: What was said on the command line, which wins.

    Raises:
        ConfigurationError: It is not there.
    """
    place = given or marker.ledger or default_place()
    if with_ledger("", place) == "":
        # The marker has no password.
        return default_place() if given is None else given
    if not is_address(place) and not Path(place).exists():
        raise ConfigurationError(
            f"the ledger {place}, which knows the jobs of this batch, is not there; restore it, or name its new "
            "place with --ledger FILE"
        )
    return place


@contextlib.contextmanager
def opened(place: Path | str, marker: Marker | None = None) -> Iterator[Ledger]:
    """Open a ledger, and close it when the context is left.

    Raises:
        ConfigurationError: It does not know the batch of which the marker tells.
    """
    # Only where no place is given there may be no ledger.
    ledger = cast("Ledger", open_ledger(place))
    with contextlib.closing(ledger):
        if marker is not None and marker.planned and not ledger.batch(marker.batch, limit=1):
            raise ConfigurationError(
                f"the ledger {_shown(place)} does not know batch {marker.batch}; name the one that it was run "
                "with: --ledger FILE"
            )
        yield ledger


def names_of(name: str) -> list[str]:
    """Return what a batch may be called in a database: as it was said, or as the manifest it was made of."""
    path = Path(name)
    return [name, path.stem] if path.suffix.lower() in _MANIFESTS else [name]


def no_such_batch(database: str, name: str) -> ConfigurationError:
    """Return that a database has no batch of this name."""
    listing = with_database("kie batch status")
    return ConfigurationError(f"{shown(database)} has no batch called {name!r}; `{listing}` lists them all")


def _shown(place: Path | str) -> str:
    return shown(place) if isinstance(place, str) and is_address(place) else str(place)
