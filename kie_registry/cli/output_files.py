"""Look at where the files shall go before anything is paid for."""

from __future__ import annotations

from pathlib import Path

from kie_registry.errors import ConfigurationError
from kie_registry.flows.download import check_name


def check_output(directory: Path, name: str | None, *, overwrite: bool) -> None:
    """Make the directory, and raise ConfigurationError where a file could not be saved in it.

    A file is in the way if it has the chosen name with any suffix, because which one comes is not known yet.
    """
    if name is not None:
        check_name(name)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        taken = [path for path in directory.iterdir() if name is not None and name in (path.stem, path.name)]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{directory} cannot be written: {reason}. Nothing was sent.") from None
    if taken and not overwrite:
        raise ConfigurationError(
            f"{taken[0]} exists already; give --overwrite, or another --name or --out. Nothing was sent."
        )
