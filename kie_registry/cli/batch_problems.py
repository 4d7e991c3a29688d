"""What is wrong with a manifest, in few words: many lines with one mistake are told as one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import evolve

from kie_registry.errors import InvalidRequest, Problem

# ``line 3, prompt``: the unit, the number, and the parameter with a comma before it.
_PLACE = re.compile(r"(\w+) (\d+)(.*)")
# So many lines of one mistake are named.
_NAMED = 3


def folded(error: InvalidRequest) -> str:
    """Return the message of an error in which lines that are wrong in the same way stand together."""
    alike: dict[tuple[str, ...], list[tuple[Problem, str]]] = {}
    for number, problem in enumerate(error.problems):
        place = _PLACE.fullmatch(problem.parameter)
        unit, line, rest = place.groups() if place else (str(number), "", "")
        kind = (unit, rest, problem.native or "", problem.message)
        alike.setdefault(kind, []).append((problem, line))
    told = [_told(kind, problems) for kind, problems in alike.items()]
    total = len(error.problems) + error.more
    if error.more:
        told.append(f"and {error.more:,} more")
    if total == 1:
        return f"Invalid request: {told[0]}\nNothing was sent, nothing was spent."
    listed = "\n  - ".join([f"Invalid request, {total:,} problems:", *told])
    return f"{listed}\nNothing was sent, nothing was spent."


def _told(kind: tuple[str, ...], problems: Sequence[tuple[Problem, str]]) -> str:
    unit, rest, _, message = kind
    (first, _), *others = problems
    if (rest, message) == (", model", "is missing"):
        first = evolve(first, message=f"{message}; --model MODEL names it for all that name none")
    if others:
        lines = [line for _, line in problems[:_NAMED]]
        if len(problems) > _NAMED:
            lines.append(f"{len(problems) - _NAMED:,} more")
        first = evolve(first, parameter=f"{unit}s {', '.join(lines[:-1])} and {lines[-1]}{rest}")
    return str(first)
