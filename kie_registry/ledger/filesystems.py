"""Where a shared SQLite file lies: on a disk of this machine, for this user alone, and for good."""

from __future__ import annotations

import os
from pathlib import Path

from kie_registry.whole_files import sync_folder

_NETWORK = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.sshfs",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    }
)
_MOUNTS = Path("/proc/self/mountinfo")


def network_filesystem(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the kind of the network file system that `path` lies on; None for a disk, or where nobody can tell.

    The locks that a shared SQLite file needs do not hold there. Only Linux tells, in `mounts`.
    """
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
        place = path.resolve()
    except (OSError, RuntimeError):
        # Older Pythons raise the second for a link that leads to itself; who opens the file will say that.
        return None
    best, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        point = Path(fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"))
        # Of two on the same folder, the later one hides the other.
        if place.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split()[0]
    return kind if kind in _NETWORK else None


def make_private_file(path: Path, *, durable: bool) -> None:
    """Make a file and its folder, where there are none, that only this user can read: prompts are private.

    Args:
        path: The file.
        durable: Whether its name is to survive a power cut.

    Raises:
        OSError: It cannot be made, or not be written.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if durable:
        for each in missing:
            sync_folder(each.parent)
