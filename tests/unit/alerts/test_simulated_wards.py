"""Raises of simulated wards that come in storms: one page for those who are answered for by it, and nobody lost."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.rules import Storms, Tier
from alerts.simulate import wards
from alerts.simulate.replay import pages_of
from alerts.simulate.wards import admissions, told_together
from tests.courses import RULE, hour, policy, track

WARD_STORMS = Storms(
    unit_raises=3, input_raises=1000, within=timedelta(days=400), bed_raises=1000, bed_within=timedelta(hours=2), hold=timedelta(days=400)
)


@pytest.mark.parametrize(("tier", "answers"), [("urgent", True), ("urgent", False), ("rapid_response", True)])
def test_from_the_third_of_a_unit_on_one_page_speaks_for_who_joins_until_it_is_answered_and_nobody_is_lost(
    tier: Tier, answers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wards, "ANSWERED_AFTER", timedelta(hours=6))
    many = [track([0.6], patient=f"p{number}", unit="MICU" if number % 2 else "SICU") for number in range(300)]
    stormy = policy(replace(RULE, tier=tier), storms=WARD_STORMS)
    told = told_together(stormy, many, [pages_of(stormy, one) for one in many], 5, answers=answers)
    assert all(len(paged) + len(held) == 1 for paged, held in zip(told.paged, told.held, strict=True))
    held = sum(map(len, told.held))
    at_once = sum(page.at == hour(0) for paged in told.paged for page in paged)
    assert at_once == (300 if tier == "rapid_response" else 2 * 3)
    assert (0 < held < 2 * 35) == (tier == "urgent" and answers)  # of each ward some of those who come until the answer
    assert told_together(stormy, many, [pages_of(stormy, one) for one in many], 5, answers=answers) == told


def test_what_is_told_anew_is_no_new_raise_and_joins_no_storm() -> None:
    rises = policy(replace(RULE, rearm_rise=0.2), storms=WARD_STORMS)
    many = [track([0.5, 0.7], patient=f"p{number}") for number in range(10)]
    told = told_together(rises, many, [pages_of(rises, one) for one in many], 5)
    assert [paged[-1].reason for paged in told.paged] == ["risen"] * 10


@settings(max_examples=30, deadline=None)
@given(stays=st.lists(st.tuples(st.integers(1, 60), st.sampled_from(("MICU", "SICU"))), min_size=1, max_size=120), seed=st.integers(0, 9))
def test_a_ward_never_holds_more_patients_than_it_has_beds_and_a_free_bed_is_taken_within_the_hour(
    stays: list[tuple[int, str]], seed: int
) -> None:
    many = [track([0.0] * hours, unit=unit) for hours, unit in stays]
    begins = admissions(many, seed)
    for unit in ("MICU", "SICU"):
        mine = sorted(
            (begin, begin + timedelta(hours=len(one.times) - 1)) for begin, one in zip(begins, many, strict=True) if one.unit == unit
        )
        for begin, _ in mine:
            assert sum(one <= begin <= end for one, end in mine) <= 35
        free = sorted(end for _, end in mine)
        assert all(timedelta(hours=1) <= begin - end <= timedelta(hours=2) for (begin, _), end in zip(mine[35:], free, strict=False))
