"""What comes again is told apart by its bytes, and a number used twice is told."""

from datetime import UTC, datetime

import pytest

from streams.record import Record, Source
from streams.resends import name_of, repeat_of

AT = datetime(2026, 3, 1, tzinfo=UTC)


def record(value: bytes, control_id: str | None = "C1", sent_by: str | None = "LAB|HOSP") -> Record:
    return Record(
        source=Source(topic="hl7.oru", partition=0, offset=0), value=value, received_at=AT, control_id=control_id, sent_by=sent_by
    )


FIRST = record(b"one")
KNOWN = ({FIRST.fingerprint}, {("LAB|HOSP", "C1"): {FIRST.fingerprint}})


@pytest.mark.parametrize(
    ("again", "repeat"),
    [
        (record(b"one"), "resend"),
        (record(b"one", control_id="C2"), "resend"),
        (record(b"two"), "reused_control_id"),
        (record(b"two", control_id="C2"), "new"),
        (record(b"two", sent_by="MONITOR|HOSP"), "new"),
        (record(b"two", control_id=None), "new"),
        (record(b"two", sent_by=None), "new"),
    ],
)
def test_the_same_bytes_are_a_resend_and_the_same_name_with_others_is_told(again: Record, repeat: str) -> None:
    assert repeat_of(again, *KNOWN) == repeat


def test_a_message_without_a_number_has_no_name() -> None:
    assert (name_of(FIRST), name_of(record(b"", control_id=None))) == (("LAB|HOSP", "C1"), None)
