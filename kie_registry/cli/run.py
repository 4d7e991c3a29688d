"""Run a command line: every error becomes a message on stderr and an exit status, never a traceback.

0 done; 1 failed; 2 the request was wrong, nothing was spent; 3 the outcome is unknown, something may have been
spent; 4 the task is paid and still running; 130 interrupted.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Sequence

import click

from kie_registry.cli import output
from kie_registry.cli.app import app
from kie_registry.errors import (
    ConfigurationError,
    InvalidRequest,
    KieError,
    RequestRejected,
    SpecError,
    SubmitOutcomeUnknown,
    TaskTimeout,
)

_STATUS: tuple[tuple[type[KieError], int], ...] = (
    (SubmitOutcomeUnknown, 3),
    (TaskTimeout, 4),
    (InvalidRequest, 2),
    (ConfigurationError, 2),
    (RequestRejected, 2),
    (SpecError, 2),
)

logger = logging.getLogger("kie_registry.cli")


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit status."""
    _set_up_streams()
    _set_up_logging()
    try:
        status = app.main(list(arguments), prog_name="kie", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        output.note(said.getvalue().removesuffix("\n"))
        if "--json" in arguments:
            output.show_json({"error": {"type": type(error).__name__, "message": error.format_message()}})
        return error.exit_code
    except click.Abort as error:
        # click hides the interruption behind its own exception; whoever was interrupted says how to go on.
        output.note(str(error.__cause__ or "") or "Interrupted.")
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more can be said to them, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KieError as error:
        return _report(error)
    except Exception as error:
        logger.debug("the traceback", exc_info=True)
        output.fail(f"{type(error).__name__}: {error}\nThis is a bug, or your system's; KIE_LOG=debug shows more.")
        return 1


def _report(error: KieError) -> int:
    logger.debug("the traceback", exc_info=True)
    output.fail(str(error))
    output.print_error_as_json(error)
    # What costs money is never said to be a wrong request, and what cost none is not said to be running.
    wrong_and_free = {2: error.charged == "no", 4: error.charged != "no"}
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 1)
    return status if wrong_and_free.get(status, True) else 1


def _set_up_streams() -> None:
    """Let no character that a terminal cannot show end the program after a task was paid."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _set_up_logging() -> None:
    level = os.environ.get("KIE_LOG", "").upper()
    if not level:
        return
    known = logging.getLevelNamesMapping().get(level)
    if known is None:
        output.note(f"KIE_LOG={level.lower()} is no logging level; it takes debug, info, warning or error")
        return
    logging.basicConfig(level=known, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
