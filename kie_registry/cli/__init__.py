"""The command line, `kie`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its status."""
    try:
        from kie_registry.cli.run import run
    except ImportError as error:
        if error.name != "click":
            raise
        sys.stderr.write("The command line needs an extra: pip install 'kie-registry[cli]'\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))
