"""One raw message as it lies on Kafka: its place, its bytes and what the listener wrote beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b

from streams import topics


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Source:
    """The place of a message on Kafka: what makes everything derived from it nameable and idempotent.

    `subject`: which of the patients that the message speaks of, the first is 0.
    """

    topic: str
    partition: int
    offset: int
    subject: int = 0

    def __str__(self) -> str:
        place = f"{self.topic}/{self.partition}/{self.offset}"
        return f"{place}.{self.subject}" if self.subject else place


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`value`: the message byte for byte as received. `refused`: why the listener answered AE or AR (`code: detail`), None where it answered AA.

    `received_at` is the listener's header; where a foreign producer left it out, the record's own timestamp stands in.
    """

    source: Source
    value: bytes
    received_at: datetime
    feed: str | None = None
    control_id: str | None = None
    sent_by: str | None = None
    refused: str | None = None

    @property
    def fingerprint(self) -> int:
        """64 bits that tell the message's bytes apart: the same sender, control id and body give the same number."""
        return _remembered(self.value) if len(self.value) <= REMEMBERED else _fingerprint(self.value)


REMEMBERED = 16 * 1024
"""Bytes of a message whose fingerprint is remembered: it is asked for several times a batch. A thousand of them hold 16 MB."""


def _fingerprint(value: bytes) -> int:
    return int.from_bytes(blake2b(value, digest_size=8).digest(), signed=True)


_remembered = lru_cache(maxsize=1024)(_fingerprint)


def record_of(
    source: Source, value: bytes | None, headers: Mapping[str, bytes] | Sequence[tuple[str, bytes]], timestamp_s: float
) -> Record:
    """The record as the worker sees it. `timestamp_s`: Kafka's own timestamp in seconds, used only where the header is missing or wrong."""
    known = {name: content.decode("utf-8", "replace") for name, content in dict(headers or ()).items() if content is not None}
    return Record(
        source=source,
        value=value or b"",
        received_at=_time(known.get(topics.RECEIVED_AT)) or datetime.fromtimestamp(timestamp_s, UTC),
        feed=known.get(topics.FEED),
        control_id=known.get(topics.CONTROL_ID),
        sent_by=known.get(topics.SENT_BY),
        refused=known.get(topics.REASON),
    )


def _time(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None
