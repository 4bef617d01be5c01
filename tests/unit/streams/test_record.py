"""How a Kafka record becomes what the worker sees."""

from datetime import UTC, datetime

from streams.record import Source, record_of

PLACE = Source(topic="hl7.oru", partition=1, offset=7)


def test_received_at_is_the_listeners_header_in_utc() -> None:
    record = record_of(PLACE, b"MSH|", [("received_at", b"2026-03-01T10:00:00+02:00"), ("feed", b"lab")], 0.0)
    assert record.received_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert record.feed == "lab"


def test_a_missing_a_naive_and_a_broken_time_fall_back_to_kafkas_own() -> None:
    for header in ([], [("received_at", b"2026-03-01T10:00:00")], [("received_at", b"\xff")]):
        assert record_of(PLACE, b"", header, 1_700_000_000.0).received_at == datetime.fromtimestamp(1_700_000_000, UTC)


def test_the_fingerprint_tells_bytes_apart_and_nothing_else() -> None:
    one = record_of(PLACE, b"MSH|a", [], 0.0)
    again = record_of(Source(topic="hl7.oru", partition=1, offset=8), b"MSH|a", [("feed", b"x")], 5.0)
    other = record_of(PLACE, b"MSH|b", [], 0.0)
    assert one.fingerprint == again.fingerprint != other.fingerprint
    assert -(2**63) <= one.fingerprint < 2**63
