"""Summaries of one quantity: of exactly what was observed within the window and received by its end."""

from datetime import timedelta
from statistics import fmean, pstdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.readings import Reading
from streams.series import series
from streams.windows import within
from tests.unit.streams.test_windows import NOON, reading

TWO_DAYS = timedelta(hours=48)


READINGS = st.lists(
    st.builds(reading, st.integers(-3200, 0), st.one_of(st.none(), st.floats(-50, 300)), late=st.integers(0, 90)), max_size=20
).map(lambda found: sorted(found, key=lambda one: one.order))


@given(READINGS, st.sampled_from([6, 24, 48]))
def test_a_summary_agrees_with_the_numbers_of_its_window(readings: list[Reading], hours: int) -> None:
    held = within(readings, NOON, timedelta(hours=hours))
    numbers = [one.value_num for one in held if one.value_num is not None]
    spell = series(readings, NOON, TWO_DAYS).since(float(hours))
    assert spell.number == len(numbers)
    if numbers:
        assert (spell.last, spell.low, spell.high) == (numbers[-1], min(numbers), max(numbers))
        assert (spell.mean, spell.sd) == (pytest.approx(fmean(numbers)), pytest.approx(pstdev(numbers), abs=1e-6))


@given(READINGS)
def test_the_slope_is_that_of_the_least_squares_line(readings: list[Reading]) -> None:
    found = series(readings, NOON, TWO_DAYS)
    if len({round(hour, 6) for hour in found.hours}) < 2:
        assert np.isnan(found.since(48.0).slope_per_h)
        return
    expected = np.polynomial.Polynomial.fit(-np.array(found.hours), np.array(found.numbers), 1).convert().coef
    assert found.since(48.0).slope_per_h == pytest.approx(expected[1] if len(expected) > 1 else 0.0, abs=1e-6)


def test_a_reading_leaves_when_its_age_reaches_the_window() -> None:
    readings = (reading(-360, 80.0), reading(-10, 90.0))
    assert series(readings, NOON, TWO_DAYS).since(6.0).number == 1
    assert series(readings, NOON - timedelta(microseconds=1), TWO_DAYS).since(6.0).number == 2


def test_a_clock_that_runs_ahead_makes_nothing_younger_than_now() -> None:
    found = series((Reading(observed_at=NOON + timedelta(seconds=30), received_at=NOON, value_num=7.0),), NOON, TWO_DAYS)
    assert (found.age_h, found.last, found.before) == (0.0, 7.0, pytest.approx(np.nan, nan_ok=True))
