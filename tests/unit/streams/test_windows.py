"""Windows end at the moment asked about, expire exactly, and never see what was not received yet."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.readings import Reading
from streams.windows import latest, within

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIX_HOURS = timedelta(hours=6)


def reading(minutes: int, value: float | None, *, late: int = 0) -> Reading:
    at = NOON + timedelta(minutes=minutes)
    return Reading(observed_at=at, received_at=at + timedelta(minutes=late), value_num=value)


READINGS = st.lists(
    st.builds(reading, st.integers(-600, 60), st.one_of(st.none(), st.floats(-50, 300)), late=st.integers(0, 90)), max_size=20
).map(lambda found: sorted(found, key=lambda one: one.order))


@given(READINGS)
def test_a_window_holds_exactly_what_was_observed_in_it_and_received_by_its_end(readings: list[Reading]) -> None:
    expected = [
        one
        for one in readings
        if NOON - SIX_HOURS < one.observed_at <= NOON and one.received_at <= NOON and one.value_num is not None
    ]  # fmt: skip
    assert within(readings, NOON, SIX_HOURS) == expected


def test_a_reading_leaves_when_its_age_reaches_the_window() -> None:
    readings = (reading(-360, 80.0),)
    assert within(readings, NOON, SIX_HOURS) == []
    assert within(readings, NOON - timedelta(microseconds=1), SIX_HOURS) == list(readings)


def test_a_late_result_is_unknown_until_it_is_received() -> None:
    readings = (reading(-60, 4.0, late=90),)
    assert latest(readings, NOON, SIX_HOURS) is None
    assert latest(readings, NOON + timedelta(minutes=30), SIX_HOURS) == readings[0]


def test_a_tombstone_uncovers_the_reading_before_it() -> None:
    readings = (reading(-90, 4.0), reading(-30, None))
    assert latest(readings, NOON, SIX_HOURS) == readings[0]


@pytest.mark.parametrize("ahead_s", [1, 120, 599])
def test_a_sender_whose_clock_is_fast_is_heard_at_once(ahead_s: int) -> None:
    ahead = Reading(observed_at=NOON + timedelta(seconds=ahead_s), received_at=NOON, value_num=128.0)
    assert latest([ahead], NOON, timedelta(hours=1)) == ahead
