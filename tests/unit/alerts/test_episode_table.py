"""The table of what moves an episode."""

from itertools import product
from typing import get_args

import pytest

from alerts.episode import ANSWERED, OVER, TRANSITIONS, Happening, State, follow

STATES, HAPPENINGS = get_args(State), get_args(Happening)


@pytest.mark.parametrize(("state", "happening"), list(product(STATES, HAPPENINGS)))
def test_nothing_moves_an_episode_that_is_over_and_whatever_ends_one_ends_it_from_every_other_state(
    state: State, happening: Happening
) -> None:
    after = follow(state, happening)
    if state in OVER:
        assert after == state
    elif happening in ("cleared", "merged", "silent", "left"):
        assert after in OVER
    assert after in STATES


def test_every_state_can_be_reached_and_every_happening_moves_something() -> None:
    reached: set[str] = {"open"}
    for _ in STATES:
        reached |= {after for (state, _), after in TRANSITIONS.items() if state in reached}
    assert reached == set(STATES)
    assert {happening for _, happening in TRANSITIONS} == set(HAPPENINGS)


def test_an_answer_is_never_undone_but_by_a_rise_a_reminder_or_an_end() -> None:
    for (state, happening), after in TRANSITIONS.items():
        if state in ANSWERED:
            assert after in ANSWERED or happening in ("risen", "reminded", "cleared", "merged", "silent", "left")
