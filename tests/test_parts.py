"""Parts of files: those of the dead are removed, those of the living are not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kie_registry.parts import Part, sweep


def old_part(directory: Path, name: str = ".kie-0123.part", *, age: float = 3600) -> Path:
    """Leave a part of long ago, as a killed process would."""
    path = directory / name
    path.write_text("half")
    os.utime(path, (time.time() - age, time.time() - age))
    return path


LEFT: dict[str, tuple[str, float, bool]] = {
    "a part of long ago": (".kie-0123.part", 3600, False),
    "one of this minute": (".kie-0123.part", 60, True),
    "another's": (".other.part", 3600, True),
    "a file of the user's": ("kie-0123.part", 3600, True),
}


@pytest.mark.parametrize(("name", "age", "stays"), LEFT.values(), ids=LEFT.keys())
def test_what_a_killed_process_left_is_removed(tmp_path: Path, name: str, age: float, stays: bool) -> None:
    left = old_part(tmp_path, name, age=age)
    sweep(tmp_path)
    assert left.exists() is stays


@pytest.mark.skipif(sys.platform == "win32", reason="what is open cannot be removed there anyway")
def test_what_another_process_still_writes_is_not(tmp_path: Path) -> None:
    left = old_part(tmp_path)
    hold = "import fcntl, sys; file = open(sys.argv[1], 'rb'); fcntl.flock(file, 2); print(flush=True); input()"
    command = [sys.executable, "-c", hold, str(left)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        sweep(tmp_path)
        other.communicate(b"\n")
    assert left.exists()


def test_a_part_is_locked_while_it_is_written(tmp_path: Path) -> None:
    with Part(tmp_path, 10) as part:
        part.open()
        os.utime(part.path, (0, 0))
        sweep(tmp_path)
        assert part.path.exists()
