"""Unit drift: many patients' numbers that only another unit explains are told, one strange patient is not, and nothing tells of a patient."""

from datetime import UTC, datetime

import msgspec
import pytest

from scoring.drift import LEAST, MISTAKEN_FOR, UnitDrift, judged
from scoring.guards import guard_of
from scoring.models.metadata import SHIPPED
from streams.processing import Taken, read_record
from streams.record import Record, Source
from tests.hl7 import oru

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHIPPED_GUARD = guard_of(SHIPPED / "deterioration" / "1" / "guard.json")
assert SHIPPED_GUARD is not None
QUANTILES = SHIPPED_GUARD.constants.quantiles

USUAL = {
    "temperature": 36.9,
    "creatinine": 0.9,
    "glucose": 118.0,
    "lactate": 1.4,
    "hemoglobin": 10.4,
    "wbc": 9.8,
    "platelets": 205.0,
}


def taken(patient: int, inputs: dict[str, float], feed: str = "main") -> Taken:
    record = Record(
        source=Source(topic="hl7.oru", partition=0, offset=patient), value=oru(str(patient), NOON, inputs), received_at=NOON, feed=feed
    )
    return read_record(record)


def sent(*messages: Taken) -> list[tuple[str, str, str]]:
    drift = UnitDrift(QUANTILES)
    for one in messages:
        drift.take(one)
    return [(one.feed, one.quantity, one.looks_like) for one in drift.drifting()]


def test_temperatures_in_fahrenheit_that_are_called_celsius_are_told() -> None:
    """The reader refuses each as impossible; together they say why."""
    assert sent(*(taken(n, {"temp": 97.5 + n / 10}) for n in range(12))) == [("main", "temperature", "[degF]")]


def test_creatinine_in_micromoles_that_is_called_milligrams_is_told() -> None:
    assert sent(*(taken(n, {"creatinine": 62.0 + 5 * n}) for n in range(12))) == [("main", "creatinine", "umol/L")]


def test_usual_numbers_are_no_drift_and_neither_are_a_few() -> None:
    assert sent(*(taken(n, {"temp": 36.5 + n / 10, "creatinine": 0.7 + n / 20}) for n in range(20))) == []
    assert sent(*(taken(n, {"temp": 98.6}) for n in range(LEAST - 1))) == []


def test_one_strange_patient_is_no_drift_however_often_he_is_measured() -> None:
    assert sent(*(taken(n, {"creatinine": 0.9}) for n in range(20)), *(taken(99, {"creatinine": 78.0}) for _ in range(50))) == []


def test_each_feed_is_judged_by_itself() -> None:
    good = [taken(n, {"temp": 36.8}, "main") for n in range(20)]
    bad = [taken(n, {"temp": 98.2}, "theatre") for n in range(20)]
    assert sent(*good, *bad) == [("theatre", "temperature", "[degF]")]


def test_a_feed_that_was_put_right_drifts_no_longer() -> None:
    wrong = [taken(n, {"temp": 98.2}) for n in range(20)]
    right = [taken(n, {"temp": 36.8}) for n in range(20)]
    assert sent(*wrong, *right) == []


def test_what_is_told_names_no_patient() -> None:
    drift = UnitDrift(QUANTILES)
    for number in range(4700, 4720):
        drift.take(taken(number, {"temp": 98.6}))
    [found] = drift.drifting()
    assert found.detail == "the median of 20 patients is 98.6 Cel; it would be ordinary in [degF]"
    assert "47" not in msgspec.json.encode(found).decode()


def test_everything_that_is_watched_for_can_be_told_from_the_usual() -> None:
    """Of these at least. Urea in mmol/L lies within what mg/dL allows, and the training data has ionised calcium among the total: nobody tells those apart."""
    drift = UnitDrift(QUANTILES)
    for name, usual in USUAL.items():
        for unit, (factor, offset) in drift._units[name].items():
            wrong = [(usual - offset) / factor] * LEAST
            found = judged(wrong, QUANTILES[name], drift._units[name])
            assert found is not None, (name, unit)
            assert found[0] == unit, (name, unit)
        assert judged([usual] * LEAST, QUANTILES[name], drift._units[name]) is None
    assert set(USUAL) <= set(MISTAKEN_FOR)


@pytest.mark.parametrize("value", [float("1e9"), -40.0])
def test_what_no_unit_explains_is_no_drift(value: float) -> None:
    assert judged([value] * 20, QUANTILES["temperature"], {"[degF]": (5 / 9, -160 / 9)}) is None
