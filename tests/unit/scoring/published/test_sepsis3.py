"""Sepsis-3's windows, at each edge: antibiotic and culture, and SOFA around the suspicion."""

from datetime import UTC, datetime, timedelta

import pytest

from scoring.published.sepsis3 import SepsisInputs, SofaAt, organ_dysfunction, sepsis3, suspicions

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def after(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("antibiotic", "culture", "suspected"),
    [
        (NOON, NOON, [NOON]),
        (NOON, after(24), [NOON]),
        (NOON, after(24) + SECOND, []),
        (after(72), NOON, [NOON]),
        (after(72) + SECOND, NOON, []),
    ],
)
def test_an_antibiotic_and_a_culture_belong_together_within_their_windows(
    antibiotic: datetime, culture: datetime, suspected: list[datetime]
) -> None:
    assert suspicions([antibiotic], [culture]) == suspected


def test_every_pair_counts_and_the_earlier_of_each_is_told_once() -> None:
    assert suspicions([after(1), after(100), after(101)], [NOON, after(99)]) == [NOON, after(99)]
    assert suspicions([NOON], []) == suspicions([], [NOON]) == []


@pytest.mark.parametrize(
    ("at", "total", "found"),
    [
        (after(-48), 2, True),
        (after(-48) - SECOND, 2, False),
        (after(24), 2, True),
        (after(24) + SECOND, 2, False),
        (NOON, 1, False),
    ],
)
def test_sofa_counts_from_48_hours_before_to_24_hours_after(at: datetime, total: int, found: bool) -> None:
    assert organ_dysfunction(NOON, [(at, total)]) == (at if found else None)


@pytest.mark.parametrize(("baseline", "found"), [(0, True), (1, True), (2, False)])
def test_the_rise_is_counted_from_the_baseline(baseline: int, found: bool) -> None:
    assert (organ_dysfunction(NOON, [(NOON, 3)], baseline) is not None) is found


def test_a_request_answers_with_the_first_suspicion_that_came_with_organ_dysfunction() -> None:
    times = {"antibiotics_at": ("2026-03-01T12:00Z", "2026-03-09T12:00Z"), "cultures_at": ("2026-03-01T13:00Z", "2026-03-09T11:00Z")}
    sofa = (SofaAt(at="2026-03-01T12:00Z", total=1), SofaAt(at="2026-03-09T20:00Z", total=4))
    found = sepsis3(SepsisInputs(**times, sofa=sofa))
    assert (found.total, found.told["positive"], found.told["baseline_known"]) == (4, True, False)
    assert found.told["sepsis_suspected_at"] == datetime(2026, 3, 9, 11, tzinfo=UTC)
    assert found.told["organ_dysfunction_at"] == datetime(2026, 3, 9, 20, tzinfo=UTC)
    assert sepsis3(SepsisInputs(**times, sofa=sofa, baseline_sofa=3)).told["positive"] is False


def test_no_antibiotic_is_something_else_than_not_known_whether_there_was_one() -> None:
    none = sepsis3(SepsisInputs(antibiotics_at=(), cultures_at=("2026-03-01T12:00Z",), sofa=()))
    assert (none.total, none.missing, none.told["positive"]) == (None, (), False)
    unknown = sepsis3(SepsisInputs(cultures_at=("2026-03-01T12:00Z",), sofa=()))
    assert (unknown.total, unknown.missing, unknown.told["positive"]) == (None, ("antibiotics_at",), None)


@pytest.mark.parametrize(
    ("at", "counts"),
    [("2026-02-27T12:00:00Z", True), ("2026-02-27T11:59:59Z", False), ("2026-03-02T12:00:00Z", True), ("2026-03-02T12:00:01Z", False)],
)
def test_the_highest_rise_is_looked_for_in_the_same_window(at: str, counts: bool) -> None:
    suspected = {"antibiotics_at": ("2026-03-01T12:00Z",), "cultures_at": ("2026-03-01T12:00Z",)}
    found = sepsis3(SepsisInputs(**suspected, sofa=(SofaAt(at="2026-03-01T12:00Z", total=1), SofaAt(at=at, total=5))))
    assert (found.total, found.told["positive"]) == ((5, True) if counts else (1, False))
