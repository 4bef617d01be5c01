"""CMS SEP-1, the elements: cultures, antibiotics, lactates, fluid, vasopressor and reassessment at both ends of their windows, and shock."""

from datetime import datetime, timedelta

import pytest

from scoring.sep1.facts import Antibiotic, Fluid, Reading
from scoring.sep1.measure import Assessment
from tests.unit.scoring.published.septic_stay import SECOND, ZERO, at, element, judged, reading, states, with_readings


@pytest.mark.parametrize(("name", "begin", "due"), [("initial_lactate", -6, 3), ("blood_culture", -48, 3), ("antibiotic", -24, 3)])
def test_an_element_is_due_until_its_time_and_then_missed(name: str, begin: float, due: float) -> None:
    waiting = element(judged(now=at(due)), name)
    assert (waiting.state, waiting.counts_from, waiting.due_at, waiting.met_at) == ("due", at(begin), at(due), None)
    assert element(judged(now=at(due) + SECOND), name).state == "missed"


def done(name: str, when: datetime) -> Assessment:
    match name:
        case "initial_lactate":
            return with_readings(Reading(at=when, name="lactate_mmol_l", value=1.5))
        case "blood_culture":
            return judged(blood_cultures_at=(when,))
        case _:
            return judged(antibiotics=(Antibiotic(at=when, broad_spectrum=True, intravenous=False),))


@pytest.mark.parametrize(("name", "begin"), [("initial_lactate", -6), ("blood_culture", -48), ("antibiotic", -24)])
def test_an_element_counts_within_its_window_both_ends_included(name: str, begin: float) -> None:
    for when, state in ((at(begin) - SECOND, "missed"), (at(begin), "met"), (ZERO, "met"), (at(3), "met"), (at(3) + SECOND, "missed")):
        found = element(done(name, when), name)
        assert (found.state, found.met_at) == (state, when if state == "met" else None)


@pytest.mark.parametrize(
    ("culture", "dose", "state"),
    [
        (-1, 0, "met"), (0, 0, "met"), (0 + 1 / 3600, 0, "missed"), (None, 0, "missed"), (-40, -20, "met"), (1, 2, "met"), (2, 1, "missed"), (1, 4, "met"),
    ],
)  # fmt: skip
def test_the_culture_comes_before_the_antibiotic(culture: float | None, dose: float, state: str) -> None:
    cultures = () if culture is None else (at(culture),)
    found = judged(blood_cultures_at=cultures, antibiotics=(Antibiotic(at=at(dose), broad_spectrum=True),))
    assert element(found, "blood_culture").state == state


def test_an_antibiotic_given_first_is_told_before_the_time_is_out() -> None:
    found = element(judged(now=at(0.5), antibiotics=(Antibiotic(at=at(0.2), broad_spectrum=False),)), "blood_culture")
    assert (found.state, found.reason) == ("missed", "antibiotic_first")


def test_a_narrow_antibiotic_is_not_the_one_asked_for() -> None:
    assert element(judged(antibiotics=(Antibiotic(at=at(1), broad_spectrum=False),)), "antibiotic").state == "missed"


@pytest.mark.parametrize(("value", "state"), [(2.0, "not_required"), (2.1, "missed")])
def test_a_lactate_is_repeated_only_where_it_was_raised(value: float, state: str) -> None:
    assert element(with_readings(reading(1, "lactate_mmol_l", value)), "repeat_lactate").state == state


@pytest.mark.parametrize(
    ("when", "state"),
    [
        (timedelta(hours=1), "missed"),
        (timedelta(hours=1, seconds=1), "met"),
        (timedelta(hours=6), "met"),
        (timedelta(hours=6, seconds=1), "missed"),
    ],
)
def test_the_repeat_counts_after_the_first_until_six_hours(when: timedelta, state: str) -> None:
    found = with_readings(reading(1, "lactate_mmol_l", 3), Reading(at=ZERO + when, name="lactate_mmol_l", value=2.5))
    assert element(found, "repeat_lactate").state == state
    assert element(found, "repeat_lactate").due_at == at(6)


def test_of_several_first_lactates_the_highest_up_to_time_zero_counts() -> None:
    found = with_readings(reading(-4, "lactate_mmol_l", 1.0), reading(-3, "lactate_mmol_l", 1.9), reading(2, "lactate_mmol_l", 6))
    assert element(found, "initial_lactate").met_at == at(-3)
    assert element(found, "repeat_lactate").state == "not_required"
    assert found.status == "severe_sepsis"


@pytest.mark.parametrize(("lactate", "status"), [(3.9, "severe_sepsis"), (4.0, "septic_shock")])
def test_an_initial_lactate_from_four_on_is_shock(lactate: float, status: str) -> None:
    found = with_readings(reading(1, "lactate_mmol_l", lactate))
    assert (found.status, found.septic_shock_at) == (status, at(1) if status == "septic_shock" else None)
    early = with_readings(reading(-3, "lactate_mmol_l", 4.5), infection_at=(at(0.5),))
    assert early.septic_shock_at == early.severe_sepsis_at == at(0.5)


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (((1, 2400),), "met"), (((1, 2399),), "missed"), (((-5, 1400), (3.9, 1000)), "met"), (((4, 2400),), "met"), (((4 + 1 / 3600, 2400),), "missed"),
        (((-5 - 1 / 3600, 1400), (1, 1000)), "missed"), ((), "missed"),
    ],
)  # fmt: skip
def test_thirty_millilitres_per_kilogram_within_three_hours_of_a_high_lactate(given: tuple[tuple[float, float], ...], state: str) -> None:
    fluids = tuple(Fluid(at=at(hours), ml=ml) for hours, ml in given)
    found = element(with_readings(reading(1, "lactate_mmol_l", 4.0), crystalloids=fluids), "crystalloid")
    assert (found.state, found.counts_from, found.due_at) == (state, at(-5), at(4))


def test_fluid_is_asked_for_from_the_second_of_two_low_pressures() -> None:
    once = with_readings(reading(1, "sbp_mmhg", 85))
    assert element(once, "crystalloid").state == "not_required"
    for apart, asked in ((3, True), (3 + 1 / 3600, False)):
        twice = with_readings(reading(1, "sbp_mmhg", 85), reading(1.5, "sbp_mmhg", 120), reading(1 + apart, "map_mmhg", 60))
        found = element(twice, "crystalloid")
        assert (found.state, found.due_at) == (("missed", at(4 + apart)) if asked else ("not_required", None))
    late = with_readings(reading(6 + 1 / 3600, "sbp_mmhg", 85), reading(7, "sbp_mmhg", 85))
    assert element(late, "crystalloid").state == "not_required"


def test_without_a_weight_fluid_cannot_be_judged_and_says_so() -> None:
    found = with_readings(reading(1, "lactate_mmol_l", 4.0), weight_kg=None, crystalloids=(Fluid(at=at(2), ml=5000),), now=at(3))
    assert (element(found, "crystalloid").state, element(found, "crystalloid").reason, found.missing) == (
        "due",
        "weight_not_known",
        ("weight_kg",),
    )


LOW = (reading(0.5, "sbp_mmhg", 80), reading(1, "sbp_mmhg", 82))
FILLED = (Fluid(at=at(2), ml=2400),)


@pytest.mark.parametrize(
    ("pressures", "shock"),
    [
        (((2.2, 85), (2.5, 88)), 2.5),
        (((2.0, 85), (3.0, 85)), 3.0),
        (((2.2, 85), (3 + 1 / 3600, 85)), None),
        (((2.2, 85), (2.3, 95), (2.4, 85)), None),
        (((2.2, 85), (2.3, 95), (2.4, 85), (2.9, 85)), 2.9),
        (((2.2, 90), (2.5, 90)), None),
        (((1.9, 85), (2.1, 85)), None),
    ],
)
def test_hypotension_that_persists_in_the_hour_after_the_fluid_is_shock(
    pressures: tuple[tuple[float, float], ...], shock: float | None
) -> None:
    found = with_readings(*LOW, *(reading(hours, "sbp_mmhg", value) for hours, value in pressures), crystalloids=FILLED)
    assert found.septic_shock_at == (None if shock is None else at(shock))
    assert element(found, "vasopressor").state == ("not_required" if shock is None else "missed")
    assert element(found, "perfusion_assessment").state == ("not_required" if shock is None else "missed")


@pytest.mark.parametrize(("hours", "state"), [(-3.5 - 1 / 3600, "missed"), (-3.5, "met"), (8.5, "met"), (8.5 + 1 / 3600, "missed")])
def test_a_vasopressor_within_six_hours_of_shock(hours: float, state: str) -> None:
    persisting = (*LOW, reading(2.2, "sbp_mmhg", 85), reading(2.5, "sbp_mmhg", 85))
    found = with_readings(*persisting, crystalloids=FILLED, vasopressors_at=(at(hours),))
    assert (element(found, "vasopressor").state, element(found, "vasopressor").due_at) == (state, at(8.5))


@pytest.mark.parametrize(("hours", "state"), [(1 - 1 / 3600, "missed"), (1, "met"), (7, "met"), (7 + 1 / 3600, "missed")])
def test_volume_and_perfusion_are_assessed_again_within_six_hours_of_shock(hours: float, state: str) -> None:
    found = with_readings(reading(1, "lactate_mmol_l", 4.0), perfusion_assessed_at=(at(hours),))
    assert element(found, "perfusion_assessment").state == state
    assert element(found, "vasopressor").state == "not_required"


def test_a_stay_in_which_everything_was_done_has_met_everything() -> None:
    found = with_readings(
        *LOW,
        reading(0.2, "lactate_mmol_l", 5),
        reading(2.2, "sbp_mmhg", 85),
        reading(2.5, "sbp_mmhg", 85),
        reading(3, "lactate_mmol_l", 3),
        blood_cultures_at=(at(0.1),),
        antibiotics=(Antibiotic(at=at(0.3), broad_spectrum=True),),
        crystalloids=FILLED,
        vasopressors_at=(at(2.6),),
        perfusion_assessed_at=(at(3),),
    )
    assert set(states(found).values()) == {"met"}
    assert len(states(found)) == 7
