"""The states and the moves, and that the drawing of them is true."""

from __future__ import annotations

import itertools
import re

from kie_registry.ledger import states
from kie_registry.ledger.states import INITIAL, MOVES, PENDING, State, sources

DOCUMENTATION = states.__doc__ or ""
DRAWING, _, EXPLAINED = DOCUMENTATION.partition("\n``planned``")


def test_the_drawing_shows_every_state_once() -> None:
    drawn = re.findall(r"\b(?:" + "|".join(State) + r")\b", DRAWING)
    assert sorted(drawn) == sorted(State)


def test_every_state_is_explained() -> None:
    assert re.findall(r"^``(\w+)`` ", f"\n``planned``{EXPLAINED}", re.MULTILINE) == list(State)


def test_the_moves_along_the_top_of_the_drawing() -> None:
    (line,) = (line for line in DRAWING.splitlines() if "(a batch's)" in line)
    path = [State(name) for name in re.findall(r"▶ (\w+)", line)]
    assert path[0] in INITIAL
    assert all(after in MOVES[before] for before, after in itertools.pairwise(path))


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(State)


def test_every_state_can_be_reached() -> None:
    assert INITIAL.union(*MOVES.values()) == set(State)


def test_sources_are_the_moves_backwards() -> None:
    moves = {(before, after) for before in State for after in MOVES[before]}
    assert {(before, after) for after in State for before in sources(after)} == moves


def test_what_ended_stays_as_it_is() -> None:
    assert [state for state in State if not MOVES[state]] == [State.FAILED, State.COLLECTED, State.LOST]


def test_nobody_makes_unknown_of_what_was_not_being_sent() -> None:
    assert sources(State.UNKNOWN) == (State.SENDING,)


def test_pending_is_what_may_have_been_paid_and_is_not_settled() -> None:
    assert {State.SENDING, State.UNKNOWN, State.RUNNING, State.SUCCEEDED} == PENDING
