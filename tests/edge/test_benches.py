"""The benchmarks measure what they say: on few patients, without looking at the clock."""

from datetime import UTC, datetime

import numpy as np
import pytest

from infra.main.benches import model, states
from infra.main.benches.cold_start import cold_start
from infra.main.benches.messages import OBX, half_hourly
from parsers.read import read
from scoring.guards import guard_of
from scoring.models.metadata import SHIPPED
from streams.features import features

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_cold_start_finds_every_reading_of_every_patient_from_facts_and_from_kept_states(postgres_url: str) -> None:
    found = cold_start(postgres_url, models=3, copies=4, steps=20, since=SINCE)
    assert {name: (one["patients"], one["readings"]) for name, one in found.items()} == {
        "cold_start_facts": (12.0, 12.0 * 20 * OBX),
        "cold_start_kept": (12.0, 12.0 * 20 * OBX),
    }


def test_each_patient_is_measured_once_each_half_hour() -> None:
    messages = [read(raw) for _, _, raw in half_hourly(patients=5, tag="T", since=SINCE, first=2, steps=3)]
    keys = [message.patient.key for message in messages if message.patient is not None]
    assert keys == [f"SIM:T{patient}" for _ in range(3) for patient in range(5)]
    assert {len(message.events) for message in messages} == {OBX}


def test_the_further_patients_of_each_size_are_walked_beside_those_already_held() -> None:
    assert [one.patients for one in states.walk((2, 5), steps=3)] == [2, 5]


def test_the_ward_that_is_scored_is_of_so_many_patients_of_whom_the_guard_knows_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "PATIENTS", 4)
    ward = model._ward()
    assert len({moment.patient.patient_id for moment in ward}) == 4
    guard = guard_of(SHIPPED / "deterioration" / "1" / "guard.json")
    assert guard is not None
    assert guard.check(np.stack([features(moment.patient, moment.received_at) for moment in ward])) == [None] * 4
