"""What is written is what is read: names with delimiters, places, times, deletions."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from parsers.events import Discharge, Note, Observation
from parsers.read import read
from streams.ward import hl7_writer as hl7
from streams.ward.hl7_writer import Identity, Stay, Value

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHO = Identity(mrn="700001", family="O|Sim&^~", given="Ada\\Bea", birth_date=date(1950, 2, 3), sex="F")
STAY = Stay(visit="V1", unit="4W", room="2", bed="3", admitted_at=NOON - timedelta(days=1), attending="D4W^Simdoctor")


@settings(deadline=None)
@example("|^~\\&")
@example("5 \\.br\\ 6")
@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), min_size=1, max_size=80).filter(lambda text: text.strip()))
def test_any_text_of_a_note_comes_back_as_it_was(text: str) -> None:
    lines = [line for line in text.splitlines() if line]
    (event,) = read(hl7.note("C1", NOON, WHO, STAY, "N1", "PN", "\n".join(lines))).events
    assert isinstance(event, Note)
    assert event.text.split() == " ".join(lines).split()


def test_a_name_with_every_delimiter_moves_no_field() -> None:
    message = read(hl7.adt("A01", "C1", NOON, WHO, STAY))
    assert message.patient is not None
    assert message.patient.key == "SIM:700001"
    assert message.person is not None
    assert (message.person.birth_date, message.person.sex) == (date(1950, 2, 3), "F")


def test_a_visit_is_read_back_whole() -> None:
    visit = read(hl7.adt("A02", "C1", NOON, WHO, STAY, before=replace(STAY, unit="ED"))).visit
    assert visit is not None
    assert visit.location is not None
    assert (visit.location.unit, visit.location.room, visit.location.bed, visit.location.facility) == ("4W", "2", "3", "SIM")
    assert (visit.encounter_id, visit.patient_class, visit.admitted_at, visit.discharged_at) == ("V1", "I", STAY.admitted_at, None)
    assert visit.attending is not None


def test_a_discharge_says_when_and_for_the_dead_that_they_died() -> None:
    message = read(hl7.adt("A03", "C1", NOON, replace(WHO, died_at=NOON), STAY))
    event, *_ = message.events
    assert isinstance(event, Discharge)
    assert event.occurred_at == event.visit.discharged_at == NOON
    assert event.person.died_at == NOON
    alive, *_ = read(hl7.adt("A03", "C1", NOON, WHO, STAY)).events
    assert isinstance(alive, Discharge)
    assert alive.person.died_at is None


@pytest.mark.parametrize(
    ("status", "expected"), [("F", "final"), ("C", "corrected"), ("P", "preliminary"), ("D", "deleted"), ("X", "incomplete")]
)
def test_a_result_keeps_its_status_and_a_deletion_has_no_value(status: str, expected: str) -> None:
    raw = hl7.oru("C1", NOON, WHO, STAY, "F1", "X^Y^LN", NOON - timedelta(hours=1), [Value(name="potassium", value=4.25, status=status)])
    (event,) = read(raw).events
    assert isinstance(event, Observation)
    assert event.status == expected
    assert event.observed_at == NOON - timedelta(hours=1)
    assert event.value_num == (None if status in "DX" else pytest.approx(4.2, abs=0.1))
    assert (event.unit, event.result_key) == ("mmol/L", "F1|2823-3|")


def test_a_comment_belongs_to_its_value() -> None:
    values = [Value(name="sodium", value=140.0), Value(name="potassium", value=4.0, comment="Haemolysed | repeat")]
    sodium, potassium = read(hl7.oru("C1", NOON, WHO, STAY, "F1", "X^Y^LN", NOON, values)).events
    assert isinstance(sodium, Observation)
    assert isinstance(potassium, Observation)
    assert (sodium.note, potassium.note) == (None, "Haemolysed | repeat")
