"""The command line of the run: exit status 0 only if every model works."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from kie_registry.errors import KieError
from kie_registry.testing.corpus import report
from kie_registry.testing.corpus.run import run_corpus


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print what was found, and return the exit status: 0, 1 for models that fail, 2 for a wrong call."""
    parser = argparse.ArgumentParser(
        prog="python -m kie_registry.testing.corpus",
        description="Take every page of a folder through the whole way, on a local sandbox.",
    )
    parser.add_argument("folder", type=Path, help="where the pages are; folders in it are searched too")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args(arguments)
    if not given.folder.is_dir():
        parser.error(f"{given.folder} is no folder")
    try:
        reports = run_corpus(given.folder)
    except KieError as error:
        parser.exit(2, f"Error: {error}\n")
    if given.json:
        text = json.dumps(report.as_data(reports), ensure_ascii=False, indent=2)
    else:
        text = "\n".join(report.lines(reports))
    sys.stdout.write(f"{text}\n")
    return 0 if report.all_work(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
