"""What the harness and its processes agree on."""

from __future__ import annotations

from attrs import frozen

MODEL = "nano-banana-pro"
CREATES = (20, 2.0)
"""The limit on createTask: as many as kie.ai allows, in a fifth of the time, to be through in minutes."""

AT_ONCE = 6
"""How many jobs a process does at once."""


@frozen
class Plan:
    """How much is to happen.

    Attributes:
        jobs: How many jobs are done.
        kills: How often a process is killed.
        seed: What decides what goes wrong, and when.
    """

    jobs: int
    kills: int
    seed: int


def prompt_of(number: int) -> str:
    """Return the prompt of a job, by which the server's tasks are told apart."""
    return f"job {number}"


def wants_callback(number: int) -> bool:
    """Whether the server is to post the record of a job's task when that ends."""
    return number % 2 > 0


def number_in(prompt: object) -> int:
    """Return the number of the job that has this prompt."""
    return int(str(prompt).removeprefix("job "))
