"""The feature vector: fixed in order, NaN where nothing is known, and blind to whatever was not received by the moment asked about."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.events import Canonical, Observation
from streams.features import CODE, FEATURES, LABS, VITALS, features
from streams.movements import Encounter
from streams.patient import PatientState, advance

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EMPTY = PatientState(patient_id="HOSP:1")


def observation(name: str, value: float | None, at: datetime, text: str | None = None) -> Observation:
    return Observation(
        code=CODE[name], code_system="LN", value_num=value, value_text=text, comparator=None, unit=None, observed_at=at, status="final", set_id=None,
        sub_id=None, canonical=Canonical(code=CODE[name], value_num=value, unit="", value_text=text),
    )  # fmt: skip


def state(*facts: tuple[str, float, int], start: PatientState = EMPTY) -> PatientState:
    found = start
    for name, value, minutes in facts:
        at = NOON + timedelta(minutes=minutes)
        found = advance(found, observation(name, value, at), received_at=at)
    return found


def named(patient: PatientState, at: datetime = NOON) -> dict[str, float]:
    return dict(zip(FEATURES, features(patient, at).tolist(), strict=True))


def test_a_patient_of_whom_nothing_is_known_has_counts_and_points_of_zero_and_nothing_else() -> None:
    found = named(EMPTY)
    assert all(value == 0.0 for name, value in found.items() if name.endswith(("_count", "_points")))
    assert all(np.isnan(value) for name, value in found.items() if not name.endswith(("_count", "_points")))


def test_the_vector_is_single_precision_in_the_declared_order() -> None:
    vector = features(state(("heart_rate", 88.0, -10)), NOON)
    assert (vector.dtype, vector.shape, len(set(FEATURES))) == (np.float32, (len(FEATURES),), len(FEATURES))
    assert vector[FEATURES.index("heart_rate_6h_last")] == 88.0


def test_vital_signs_are_summarised_over_six_and_twenty_four_hours() -> None:
    found = named(state(("sbp", 130.0, -20 * 60), ("sbp", 110.0, -120), ("sbp", 100.0, -60), ("sbp", 90.0, 0)))
    assert (found["sbp_6h_last"], found["sbp_6h_low"], found["sbp_6h_high"], found["sbp_6h_mean"]) == (90.0, 90.0, 110.0, 100.0)
    assert (found["sbp_6h_slope"], found["sbp_6h_count"], found["sbp_6h_age_h"]) == pytest.approx((-10.0, 3.0, 0.0))
    assert (found["sbp_24h_high"], found["sbp_24h_count"], found["sbp_24h_sd"]) == pytest.approx((130.0, 4.0, 14.790199))


def test_a_window_of_two_days_keeps_the_extremes() -> None:
    found = named(state(("temperature", 39.5, -47 * 60), ("temperature", 36.5, -30), ("wbc", 14.0, -40 * 60), ("wbc", 9.0, -60)))
    assert (found["temperature_48h_low"], found["temperature_48h_high"], found["temperature_24h_high"]) == pytest.approx((36.5, 39.5, 36.5))
    assert (found["wbc_low"], found["wbc_high"], found["lab_6h_count"], found["lab_24h_count"]) == (9.0, 14.0, 1.0, 1.0)


def test_a_lab_is_told_by_its_last_value_its_change_and_its_age() -> None:
    found = named(state(("lactate", 1.5, -300), ("lactate", 4.0, -90)))
    assert (found["lactate_last"], found["lactate_change"], found["lactate_age_h"]) == (4.0, 2.5, 1.5)


def test_what_is_derived_comes_from_the_same_readings() -> None:
    start = PatientState(
        patient_id="HOSP:1", birth_date=date(1956, 3, 1), sex="M",
        encounter=Encounter(encounter_id="V", unit="SICU", admitted_at=NOON - timedelta(hours=30), unit_since=NOON - timedelta(hours=10)),
    )  # fmt: skip
    found = named(state(("heart_rate", 120.0, -5), ("sbp", 80.0, -5), ("dbp", 50.0, -5), ("oxygen_flow", 2.0, -5), start=start))
    assert (found["shock_index"], found["pulse_pressure"], found["on_oxygen"]) == (1.5, 30.0, 1.0)
    assert (found["age_years"], found["is_male"], found["hours_in_hospital"]) == pytest.approx((70.0, 1.0, 30.0), abs=0.01)
    assert (found["hours_in_unit"], found["hours_before_unit"], found["surgical_icu"]) == (10.0, 20.0, 1.0)
    assert np.isnan(found["not_alert"])


def test_gas_exchange_and_the_points_of_the_last_values() -> None:
    found = named(state(("fio2", 50.0, -30), ("pao2", 80.0, -30), ("spo2", 94.0, -30), ("temperature", 38.4, -10), ("wbc", 13.0, -40),
                        ("platelets", 90.0, -40), ("creatinine", 2.1, -40), ("map", 62.0, -10)))  # fmt: skip
    assert (found["pao2_to_fio2"], found["spo2_to_fio2"]) == (160.0, 188.0)
    assert (found["sirs_points"], found["sofa_points"]) == (2.0, 2.0 + 2.0 + 1.0)


@given(
    st.lists(
        st.tuples(st.sampled_from([*VITALS, *LABS]), st.floats(1, 200), st.integers(-2000, 600), st.integers(0, 400)), min_size=1, max_size=25
    )
)  # fmt: skip
def test_what_is_received_later_never_changes_the_vector_of_an_earlier_moment(facts: list[tuple[str, float, int, int]]) -> None:
    before = after = EMPTY
    for name, value, minutes, late in facts:
        observed_at = NOON + timedelta(minutes=minutes)
        received_at = observed_at + timedelta(minutes=late)
        after = advance(after, observation(name, value, observed_at), received_at=received_at)
        if received_at <= NOON:
            before = advance(before, observation(name, value, observed_at), received_at=received_at)
    held = NOON + timedelta(hours=10) - timedelta(hours=48)  # the window follows the newest reading, up to ten hours after noon
    np.testing.assert_array_equal(features(_since(before, held), NOON), features(_since(after, held), NOON))


def _since(patient: PatientState, start: datetime) -> PatientState:
    readings = {code: tuple(one for one in held if one.observed_at > start) for code, held in patient.readings.items()}
    return PatientState(patient_id=patient.patient_id, readings=readings)
