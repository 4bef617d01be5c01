"""KDIGO by urine: each rate at the end of each window, gaps and overlaps, and beside a creatinine."""

from datetime import timedelta

import pytest

from scoring.published.creatinine import RenalInputs, UrineAt
from scoring.published.inputs import Contradiction
from scoring.published.kdigo import kdigo_aki
from tests.unit.scoring.published.creatinines import START, after, hourly


@pytest.mark.parametrize(
    ("rates", "stage"),
    [
        ([0.4] * 5, None),
        ([0.5] * 6, 0),
        ([0.49] * 6, 1),
        ([0.5] * 5 + [0.4], 1),
        ([0.5] * 12, 0),
        ([0.49] * 11, 1),
        ([0.49] * 12, 2),
        ([0.3] * 24, 2),
        ([0.29] * 23, 2),
        ([0.29] * 24, 3),
        ([0.0] * 11, 1),
        ([0.0] * 12, 3),
        ([0.0] * 11 + [0.1], 2),
        ([2.0] * 6 + [0.4] * 6, 1),
    ],
)
def test_urine_stages_at_the_end_of_each_window(rates: list[float], stage: int | None) -> None:
    found = kdigo_aki(RenalInputs(urine=hourly(rates))).told["urine_stages"]
    assert found[-1]["stage"] == stage


@pytest.mark.parametrize(("hours", "stage"), [(11.9, 1), (12, 2), (18, 2), (18.01, 0)])
def test_a_urine_stage_stands_beside_the_creatinines_of_six_hours(hours: float, stage: int) -> None:
    assert after((hours, 1.0), urine=hourly([0.4] * 12)) == [stage]


def test_the_higher_of_urine_and_creatinine_is_the_stage() -> None:
    assert after((0, 1.0), (12, 3.0), urine=hourly([0.4] * 12)) == [0, 3]
    assert after((0, 1.0), (12, 1.5), urine=hourly([0.4] * 12)) == [0, 2]


def test_millilitres_need_the_weight_and_begin_where_the_last_collection_ended() -> None:
    urine = tuple(UrineAt(at=(START + timedelta(hours=6 * part)).isoformat(), ml=ml) for part, ml in enumerate((900, 210, 209)))
    weighed = kdigo_aki(RenalInputs(urine=urine, weight_kg=70))
    assert [one["stage"] for one in weighed.told["urine_stages"]] == [0, 2]
    unknown = kdigo_aki(RenalInputs(urine=urine))
    assert (unknown.missing, unknown.told["urine_stages"]) == (("creatinine", "weight_kg"), [])


def test_a_gap_in_the_collections_leaves_its_windows_unknown() -> None:
    urine = hourly([0.1] * 3) + hourly([0.1] * 10)[5:]
    assert kdigo_aki(RenalInputs(urine=urine)).told["urine_stages"][-1]["stage"] is None


def test_overlapping_collections_are_refused() -> None:
    urine = (*hourly([0.4] * 2), UrineAt(at=(START + timedelta(hours=3)).isoformat(), since=START.isoformat(), ml_per_kg=1))
    with pytest.raises(Contradiction):
        kdigo_aki(RenalInputs(urine=urine))


def test_a_collection_that_ends_as_it_begins_is_refused() -> None:
    with pytest.raises(Contradiction):
        kdigo_aki(RenalInputs(urine=(UrineAt(at=START.isoformat(), since=START.isoformat(), ml_per_kg=1),)))
