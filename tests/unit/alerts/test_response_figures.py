"""The rapid-response team's figures, beside a reckoning of their own and in the hospital's months."""

import statistics
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.response_figures import Admission, Figures, MeasuredArrest, MeasuredCall, report, spread
from infra.main.rrt_report import NO_ICU, html, text

MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def call(
    unit: str = "4W", *, at: datetime = MARCH, arrival_s: float | None = 300, cancelled: bool = False, disposition: str | None = "icu"
) -> MeasuredCall:
    return MeasuredCall(
        call_id="ep", unit=unit, source="alert", called_for=None, called_at=at, call_to_page_s=2, page_to_acknowledgement_s=60, page_to_arrival_s=arrival_s,
        disposition=disposition, cancelled=cancelled,
    )  # fmt: skip


def admitted(count: int, unit: str | None = None, at: datetime = MARCH) -> list[Admission]:
    return [Admission(unit=unit, at=at)] * count


def line(found: list[Figures], month: str, unit: str = "") -> Figures:
    [one] = [one for one in found if (one.month, one.unit) == (month, unit)]
    return one


def test_calls_and_arrests_are_told_per_thousand_admissions_of_the_hospital_and_of_each_unit() -> None:
    calls = [call(), call(), call("6E"), call(cancelled=True)]
    arrests = [MeasuredArrest(unit=unit, arrested_at=MARCH, source="hand") for unit in ("4W", "ICU", "?")]
    found = report(calls, arrests, [*admitted(200), *admitted(80, "4W")], {"ICU"}, LONDON)
    march = line(found, "2026-03")
    assert (march.calls, march.cancelled, march.admissions, march.calls_per_1000_admissions) == (3, 1, 200, 15.0)
    assert (march.arrests, march.arrests_outside_icu, march.arrests_outside_icu_per_1000_admissions) == (3, 2, 10.0)
    assert (line(found, "2026-03", "4W").calls_per_1000_admissions, line(found, "2026-03", "6E").calls_per_1000_admissions) == (25.0, None)
    assert line(found, "all").calls == 3
    assert march.dispositions == {"icu": 3}


def test_a_call_that_was_cancelled_is_in_no_time_and_one_without_arrival_is_counted() -> None:
    found = report([call(arrival_s=100), call(arrival_s=None), call(arrival_s=900, cancelled=True)], [], [], (), LONDON)
    march = line(found, "2026-03")
    assert (march.page_to_arrival.count, march.page_to_arrival.median_s, march.without_arrival) == (1, 100.0, 1)


@pytest.mark.parametrize(
    ("at", "month"),
    [(datetime(2026, 6, 30, 22, 59, tzinfo=UTC), "2026-06"), (datetime(2026, 6, 30, 23, 0, tzinfo=UTC), "2026-07"), (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "2026-12")],
)  # fmt: skip
def test_a_month_is_the_hospitals_own(at: datetime, month: str) -> None:
    assert {one.month for one in report([call(at=at)], [], [], (), LONDON)} == {month, "all"}


@given(st.lists(st.floats(0, 10_000), min_size=2, max_size=60))
def test_quartiles_and_percentile_are_those_of_the_standard_library(seconds: list[float]) -> None:
    found = spread(seconds)
    quartiles = statistics.quantiles(seconds, n=4, method="inclusive")
    p90 = statistics.quantiles(seconds, n=10, method="inclusive")[-1]
    assert (found.p25_s, found.median_s, found.p75_s, found.p90_s) == pytest.approx((*quartiles, p90), abs=0.06)


def test_the_page_says_it_all_and_names_what_it_assumes() -> None:
    found = report([call("<b>")], [], admitted(10), (), LONDON)
    page, lines = html(found, ()), text(found, ())
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert NO_ICU in page
    assert NO_ICU in lines
    assert NO_ICU not in text(found, ("ICU",))
    assert "2026-03  hospital  10  1  100.0  0  2 (2–2; 2)  60 (60–60; 60)  300 (300–300; 300)  0  0.0" in lines


def test_nothing_at_all_is_a_report_too() -> None:
    assert report([], [], [], (), LONDON) == []
    assert "<table>" in html([], ("ICU",))


def test_a_later_month_stands_below_and_the_whole_time_last() -> None:
    found = report([call(), call(at=MARCH + timedelta(days=40))], [], [], (), LONDON)
    assert [(one.month, one.unit) for one in found] == [
        ("2026-03", ""), ("2026-03", "4W"), ("2026-04", ""), ("2026-04", "4W"), ("all", ""), ("all", "4W"),
    ]  # fmt: skip
