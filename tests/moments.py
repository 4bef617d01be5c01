"""Moments to score, made of messages as the worker makes them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from streams.processing import Moment, process, read_record
from streams.record import Record, Source

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def moments(*messages: bytes) -> Sequence[Moment]:
    """The messages received a minute apart, the first ten minutes after noon."""
    records = [
        Record(source=Source(topic="hl7.oru", partition=3, offset=number), value=message, received_at=NOON + timedelta(minutes=10 + number))
        for number, message in enumerate(messages)
    ]  # fmt: skip
    return process([read_record(record) for record in records], {}, {}, set()).moments
