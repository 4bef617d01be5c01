"""MEOWS: every colour from both sides of its edges, the trigger, and whom it is for."""

from typing import Any

import msgspec
import pytest

from scoring.published.inputs import Contradiction, Inputs, NotForThisPatient, NotOnThisChart
from scoring.published.meows import meows

WELL = Inputs(temp_c=37, sbp_mmhg=120, dbp_mmhg=70, hr_per_min=80, rr_per_min=16, spo2_pct=98, consciousness="A", pain_score=0)
RED, YELLOW, WHITE = 2, 1, 0


@pytest.mark.parametrize(
    ("name", "edges"),
    [
        ("temp_c", {34.94: RED, 34.95: YELLOW, 35.0: YELLOW, 36.0: YELLOW, 36.1: WHITE, 38.04: WHITE, 38.05: RED}),
        ("sbp_mmhg", {89: RED, 90: YELLOW, 100: YELLOW, 101: WHITE, 149: WHITE, 150: YELLOW, 160: YELLOW, 161: RED}),
        ("dbp_mmhg", {40: WHITE, 89: WHITE, 90: YELLOW, 100: YELLOW, 101: RED}),
        ("hr_per_min", {39: RED, 40: YELLOW, 50: YELLOW, 51: WHITE, 99: WHITE, 100: YELLOW, 120: YELLOW, 121: RED}),
        ("rr_per_min", {9: RED, 10: WHITE, 20: WHITE, 21: YELLOW, 30: YELLOW, 31: RED}),
        ("spo2_pct", {94: RED, 95: WHITE, 100: WHITE}),
        ("consciousness", {"A": WHITE, "V": YELLOW, "P": RED, "U": RED}),
        ("pain_score", {0: WHITE, 1: WHITE, 2: YELLOW, 3: YELLOW}),
    ],
)
def test_each_colour_on_both_sides_of_its_edges(name: str, edges: dict[Any, int]) -> None:
    found = {value: meows(msgspec.structs.replace(WELL, **{name: value})) for value in edges}
    assert {value: one.parts[name] for value, one in found.items()} == edges
    assert all(one.told["triggered"] is (one.total == RED) for one in found.values())


def test_one_red_or_two_yellow_trigger() -> None:
    assert meows(WELL).told["triggered"] is False
    assert meows(msgspec.structs.replace(WELL, pain_score=2)).told["triggered"] is False
    two = meows(msgspec.structs.replace(WELL, pain_score=2, rr_per_min=22))
    assert (two.told["triggered"], two.told["yellow"], two.told["red"]) == (True, ["rr_per_min", "pain_score"], [])
    one = meows(msgspec.structs.replace(WELL, spo2_pct=90))
    assert (one.told["triggered"], one.told["yellow"], one.told["red"]) == (True, [], ["spo2_pct"])


@pytest.mark.parametrize("name", ["temp_c", "sbp_mmhg", "dbp_mmhg", "hr_per_min", "rr_per_min", "spo2_pct", "consciousness", "pain_score"])
def test_whatever_is_missing_is_named_and_may_be_a_red(name: str) -> None:
    found = meows(msgspec.structs.replace(WELL, **{name: None}))
    assert (found.total, found.missing, found.told["triggered"]) == (None, (name,), None)
    already = meows(msgspec.structs.replace(WELL, **({"hr_per_min": 130, "temp_c": 39, "spo2_pct": 90} | {name: None})))
    assert (already.total, already.told["triggered"]) == (None, True)


@pytest.mark.parametrize(
    ("patient", "refused"),
    [
        ({}, False),
        ({"pregnant": True}, False),
        ({"gestation_weeks": 30}, False),
        ({"pregnant": False, "postpartum_days": 42}, False),
        ({"postpartum_days": 0}, False),
        ({"pregnant": False, "postpartum_days": 43}, True),
        ({"postpartum_days": 43}, True),
        ({"pregnant": False}, True),
        ({"sex": "M"}, True),
        ({"sex": "F"}, False),
    ],
)
def test_it_is_for_pregnancy_and_the_six_weeks_after(patient: dict[str, Any], refused: bool) -> None:
    asked = msgspec.structs.replace(WELL, **patient)
    if refused:
        with pytest.raises(NotForThisPatient):
            meows(asked)
    else:
        assert meows(asked).total == 0


def test_what_the_chart_does_not_know_and_what_cannot_be_is_refused() -> None:
    with pytest.raises(NotOnThisChart):
        meows(msgspec.structs.replace(WELL, consciousness="C"))
    with pytest.raises(Contradiction):
        meows(msgspec.structs.replace(WELL, sbp_mmhg=70, dbp_mmhg=71))
    assert meows(msgspec.structs.replace(WELL, sbp_mmhg=85, dbp_mmhg=85)).total == RED
