"""Rolling states made of a few facts, for tests of what is read from them."""

from datetime import UTC, datetime, timedelta

from parsers.codes import CANONICAL
from streams.features import CODE
from streams.patient import PatientState
from streams.readings import Reading, put

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Fact = tuple[str, float | str, int]
"""Canonical name, value, minutes after noon (negative: before)."""


def state(*facts: Fact) -> PatientState:
    """Readings as they are, whatever the reader of messages would have said to them."""
    held: dict[str, tuple[Reading, ...]] = {}
    newest: datetime | None = None
    for name, value, minutes in facts:
        assert CODE[name] in CANONICAL
        at = NOON + timedelta(minutes=minutes)
        number, text = (None, value) if isinstance(value, str) else (value, None)
        one = Reading(observed_at=at, received_at=at, value_num=number, value_text=text)
        found, newest = put(held, newest, [(CODE[name], one)])
        held = dict(found)
    return PatientState(patient_id="HOSP:1", readings=held, newest=newest)
