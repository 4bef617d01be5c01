"""CMS SEP-1, who is not measured, on both sides of each limit; and that nothing depends on what lies after now."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.sep1.facts import Antibiotic, Reading
from scoring.sep1.manual import manual
from scoring.sep1.measure import assess
from tests.unit.scoring.published.septic_stay import SECOND, SEPTIC, at, element, judged, states


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"age_years": 17.9}, "under_18"), ({"age_years": 18}, None),
        ({"transferred_in": True}, "transferred_in"),
        ({"comfort_care_at": at(6)}, "comfort_care"), ({"comfort_care_at": at(6) + SECOND}, None), ({"comfort_care_at": at(-30)}, "comfort_care"),
        ({"refused_at": at(6)}, "refused"), ({"refused_at": at(6) + SECOND}, None),
        ({"discharged_at": at(6)}, "discharged"), ({"discharged_at": at(6) + SECOND}, None),
        ({"antibiotics": (Antibiotic(at=at(-24) - SECOND, broad_spectrum=False),)}, "antibiotic_before"),
        ({"antibiotics": (Antibiotic(at=at(-24), broad_spectrum=False),)}, None),
        ({"antibiotics": (Antibiotic(at=at(-30), broad_spectrum=True, intravenous=False),)}, None),
        ({"discharged_at": at(115 + 24), "admitted_at": at(115 + 24 - 120 * 24)}, None),
        ({"discharged_at": at(115 + 24) + SECOND, "admitted_at": at(115 + 24 - 120 * 24)}, "long_stay"),
        ({"admitted_at": at(200 - 120 * 24) - SECOND}, "long_stay"),
    ],
)  # fmt: skip
def test_each_exclusion_on_both_sides(facts: dict[str, Any], reason: str | None) -> None:
    found = judged(**facts)
    assert found.excluded == (() if reason is None else (reason,))
    assert ("missed" in states(found).values()) is (reason is None)
    assert ("excluded" in states(found).values()) is (reason is not None)


def test_what_is_needed_to_be_sure_of_the_exclusions_is_told() -> None:
    assert judged(age_years=None, admitted_at=None, transferred_in=None).missing == ("age_years", "transferred_in", "admitted_at")
    assert judged().missing == ()


@given(
    st.lists(
        st.tuples(st.floats(-50, 50), st.sampled_from(["sbp_mmhg", "lactate_mmol_l", "temp_c", "hr_per_min"]), st.floats(1, 120)),
        max_size=12,
    ),
    st.floats(-10, 20),
)
def test_what_lies_after_now_changes_nothing(later: list[tuple[float, Any, float]], hours: float) -> None:
    now = at(hours)
    future = tuple(Reading(at=now + timedelta(hours=abs(step) + 0.001), name=name, value=value) for step, name, value in later)
    assert judged(now=now, readings=(*SEPTIC.readings, *future)) == judged(now=now)


@given(st.floats(0, 30), st.floats(0, 30))
def test_a_missed_element_stays_missed_and_a_met_one_met(first: float, second: float) -> None:
    facts = {"blood_cultures_at": (at(2),), "antibiotics": (Antibiotic(at=at(2.5), broad_spectrum=True),)}
    earlier, later = sorted((first, second))
    before, after = states(judged(now=at(earlier), **facts)), states(judged(now=at(later), **facts))
    assert all(after[name] == state for name, state in before.items() if state in {"met", "missed"})


def test_every_number_of_the_measure_is_data() -> None:
    changed = msgspec.structs.replace(manual(), version="next", antibiotic=msgspec.structs.replace(manual().antibiotic, after_hours=1))
    found = assess(SEPTIC, changed, at(1) + SECOND)
    assert element(found, "antibiotic").state == "missed"
