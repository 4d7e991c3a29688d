"""Whether a file lies on another machine, where the locks that a shared SQLite file needs do not hold."""

from __future__ import annotations

from pathlib import Path

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

    Only Linux tells, in `mounts`.
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
