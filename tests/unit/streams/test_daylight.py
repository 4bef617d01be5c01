"""The night the clocks go back, at a feed that sends no offsets: every reading is taken for the instant it was made at."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.events import Observation
from parsers.times import parse_time
from streams.daylight import zone_at
from streams.processing import read_record
from streams.record import Record, Source
from streams.times import AHEAD
from tests.hl7 import WELL, oru

BERLIN = ZoneInfo("Europe/Berlin")
CHANGE = datetime(2026, 10, 25, 1, tzinfo=UTC)
"""03:00 CEST becomes 02:00 CET."""


@given(minutes=st.integers(-180, 1400), age_minutes=st.integers(0, 600))
def test_of_two_instants_it_is_the_later_that_is_not_after_receipt(minutes: int, age_minutes: int) -> None:
    received = CHANGE + timedelta(minutes=minutes)
    local = (received - timedelta(minutes=age_minutes)).astimezone(BERLIN)
    meant = {local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    assert parse_time(local.strftime("%Y%m%d%H%M%S"), zone_at(BERLIN, received)) == max(one for one in meant if one <= received + AHEAD)


@pytest.mark.parametrize(
    ("received", "local", "meant"),
    [
        ("2026-10-25T00:11", "20261025021000", "2026-10-25T00:10"),
        ("2026-10-25T01:11", "20261025021000", "2026-10-25T01:10"),
        ("2026-10-25T01:11", "20261025025000", "2026-10-25T00:50"),
        ("2026-10-25T01:11", "20261025012000", "2026-10-24T23:20"),
        ("2026-10-25T03:00", "20261025033000", "2026-10-25T02:30"),
        ("2026-03-29T01:30", "20260329023000", "2026-03-29T01:30"),
        ("2026-07-01T12:00", "20260701135900", "2026-07-01T11:59"),
    ],
)
def test_local_times_around_both_changes(received: str, local: str, meant: str) -> None:
    at = datetime.fromisoformat(received).replace(tzinfo=UTC)
    assert parse_time(local, zone_at(BERLIN, at)) == datetime.fromisoformat(meant).replace(tzinfo=UTC)


def test_the_worker_reads_a_message_so() -> None:
    received = CHANGE + timedelta(minutes=11)
    raw = oru("1", received - timedelta(minutes=1), WELL).replace(b"+0000", b"").replace(b"20261025011000", b"20261025021000")
    record = Record(source=Source(topic="hl7.oru", partition=0, offset=0), value=raw, received_at=received)
    taken = read_record(record, BERLIN)
    assert taken.message is not None
    times = {event.observed_at for event in taken.message.events if isinstance(event, Observation)}
    assert times == {received - timedelta(minutes=1)}
