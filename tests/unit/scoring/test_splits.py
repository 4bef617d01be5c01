"""Folds: by name alone, nobody on both sides, everybody judged once, and nothing tuned on those who judge."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scoring.models.splits import fold_of, folds, nested

GROUPS = [f"hospital {number % 40}" for number in range(400)]


def test_every_place_is_judged_once_and_its_hospital_is_not_among_those_fitted_on() -> None:
    judged = np.concatenate([one.outer.judge for one in nested(GROUPS)])
    assert sorted(judged) == list(range(len(GROUPS)))
    for one in nested(GROUPS):
        assert not {GROUPS[place] for place in one.outer.fit} & {GROUPS[place] for place in one.outer.judge}


def test_the_inner_folds_part_what_the_outer_fold_fits_on_and_see_nothing_else() -> None:
    for one in nested(GROUPS):
        assert sorted(np.concatenate([inner.judge for inner in one.inner])) == sorted(one.outer.fit)
        for inner in one.inner:
            assert not {GROUPS[place] for place in inner.fit} & {GROUPS[place] for place in inner.judge}
            assert not set(one.outer.judge) & (set(inner.fit) | set(inner.judge))


def test_folds_do_not_depend_on_who_else_is_there() -> None:
    alone = {group: fold_of(group, 5, "outer") for group in GROUPS}
    for number, one in enumerate(folds(list(reversed(GROUPS)), 5, "outer")):
        assert {alone[list(reversed(GROUPS))[place]] for place in one.judge} == {number}


@given(groups=st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=60))
def test_no_group_is_ever_on_both_sides(groups: list[str]) -> None:
    for one in nested(groups):
        assert not {groups[place] for place in one.outer.fit} & {groups[place] for place in one.outer.judge}
        assert len(one.outer.fit)
        assert len(one.outer.judge)
