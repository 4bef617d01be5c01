"""Bodies: what an illness does to them, and how measuring them wanders without running away."""

from itertools import pairwise
from random import Random

import pytest

from streams.ward.physiology import COURSES, NORMAL, RISE_H, Body, Course


def body(course: Course, *, rescued: bool = True, seed: int = 3) -> Body:
    return Body(random=Random(seed), course=course, onset_h=10.0, treated_h=8.0, rescued=rescued)


@pytest.mark.parametrize("course", COURSES)
def test_an_illness_begins_at_its_onset_and_rises_to_its_height(course: Course) -> None:
    ill = body(course, rescued=False)
    assert ill.severity(9.9) == 0.0
    at_height = ill.severity(10.0 + RISE_H[course])
    assert ill.severity(10.0 + RISE_H[course] / 3) < 0.3
    assert at_height > 0.85
    assert ill.severity(60.0) >= at_height


@pytest.mark.parametrize("course", COURSES)
def test_the_rescued_mend_after_treatment(course: Course) -> None:
    assert body(course).severity(90.0) < 0.05 < body(course, rescued=False).severity(90.0)


def test_the_stable_never_sicken_and_the_recovering_only_mend() -> None:
    assert {body("stable").severity(float(hour)) for hour in range(200)} == {0.0}
    mending = [body("recovering").severity(float(hour)) for hour in range(10, 80)]
    assert mending == sorted(mending, reverse=True)
    assert mending[0] == 1.0


@pytest.mark.parametrize(
    ("course", "rising", "falling"),
    [
        ("sepsis", ("heart_rate", "respiratory_rate", "temperature", "lactate", "wbc", "crp"), ("sbp", "spo2", "platelets")),
        ("haemorrhage", ("heart_rate", "respiratory_rate", "lactate"), ("sbp", "hemoglobin")),
        ("respiratory", ("heart_rate", "respiratory_rate"), ("spo2",)),
        ("aki", ("creatinine", "potassium", "bun"), ()),
    ],
)
def test_each_illness_shows_where_it_should(course: Course, rising: tuple[str, ...], falling: tuple[str, ...]) -> None:
    ill = body(course, rescued=False)
    later = 10.0 + RISE_H[course] * 1.5
    for names, sign in ((rising, 1), (falling, -1)):
        for name in names:
            noise = NORMAL[name][2]
            assert sign * (ill.value(name, later) - ill.value(name, 5.0)) > noise, name


def test_measuring_for_days_stays_near_the_baseline() -> None:
    well = body("stable")
    for name, (_, _, noise) in NORMAL.items():
        values = [well.value(name, float(hour)) for hour in range(24 * 14)]
        assert max(abs(value - well.baseline[name]) for value in values) < 6 * noise + 5


def test_one_measurement_remembers_the_last() -> None:
    well = body("stable")
    values = [well.value("respiratory_rate", 12.0) for _ in range(2000)]
    mean = sum(values) / len(values)
    lagged = sum((a - mean) * (b - mean) for a, b in pairwise(values)) / sum((a - mean) ** 2 for a in values)
    assert 0.6 < lagged < 0.95


def test_oxygen_is_given_to_those_who_lack_it_and_saturation_never_passes_100() -> None:
    ill = body("respiratory", rescued=False)
    assert ill.oxygen_flow(5.0) == 0.0 < ill.oxygen_flow(30.0)
    assert max(body("stable", seed=seed).value("spo2", 16.0) for seed in range(200)) <= 100.0
