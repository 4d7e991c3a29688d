"""One call of a model, as the hooks of plugins see it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen


def _copied(given: Mapping[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(dict(given))


@frozen(kw_only=True)
class Call:
    """One call of a model, as hooks see it: a copy, by which nothing can be changed.

    Attributes:
        model: The model id, or None for a task taken up by its id alone.
        callback_url: Where kie.ai posts the record when the task ends, or None.
        job_id: The id of the job, the same in all hooks and log records of one call; None where it has none.
        attempt_id: The id of the submission that was accepted; None before, and where there is no ledger.
    """

    model: str | None
    _input: Mapping[str, Any] = field(factory=dict, converter=_copied, repr=False, hash=False)
    callback_url: str | None = field(default=None, repr=False)
    job_id: str | None = None
    attempt_id: str | None = None

    @property
    def input(self) -> dict[str, Any]:
        """The input as kie.ai gets it, native name -> value; each look gives a copy of its own.

        Empty for a task taken up by its id alone.
        """
        return _copied(self._input)
