"""Proves that nothing acknowledged is missing: Kafka's offsets against what the database recorded, partition by partition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from streams.backlog import Range, waiting
from streams.beginnings import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the database holds of one partition: rows, distinct offsets, the lowest and highest, and rows by outcome."""

    recorded: int = 0
    distinct: int = 0
    first: int | None = None
    last: int | None = None
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that should be there and is not, or is there twice, in one partition."""

    topic: str
    partition: int
    kind: str
    expected: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The sums over all partitions. `waiting`: messages in Kafka that no transaction has reached yet; they are not gaps."""

    in_kafka: int
    recorded: int
    stored: int
    duplicate: int
    quarantined: int
    waiting: int
    gaps: tuple[Gap, ...]


def audit(
    kafka: Mapping[Place, tuple[int, int]],
    progress: Mapping[Place, int],
    counts: Mapping[Place, Counts],
    put_aside: Sequence[Range] = (),
    since: Mapping[Place, int] = MappingProxyType({}),
) -> Audit:
    """Compares them. `kafka`: first and next offset of each partition. `put_aside`: ranges behind the progress that wait to be filled in.
    `since`: the offset from which the counts begin, Kafka's first where it is not said.

    >>> full = Counts(recorded=5, distinct=5, first=0, last=4, stored=5)
    >>> audit({("t", 0): (0, 6)}, {("t", 0): 5}, {("t", 0): full}).waiting
    1
    >>> audit({("t", 0): (0, 5)}, {("t", 0): 5}, {("t", 0): Counts(recorded=4, distinct=4, first=0, last=4, stored=4)}).gaps[0].kind
    'offsets_missing'
    """
    gaps = [
        gap
        for place, (low, high) in sorted(kafka.items())
        for gap in _gaps(
            place, low, high, progress, counts.get(place, Counts()), [one for one in put_aside if one.place == place], since.get(place, low)
        )
    ]
    return Audit(
        in_kafka=sum(high - low for low, high in kafka.values()),
        recorded=sum(one.recorded for one in counts.values()),
        stored=sum(one.stored for one in counts.values()),
        duplicate=sum(one.duplicate for one in counts.values()),
        quarantined=sum(one.quarantined for one in counts.values()),
        waiting=sum(max(0, high - progress.get(place, low)) for place, (low, high) in kafka.items()) + waiting(put_aside),
        gaps=tuple(gaps),
    )


def _gaps(
    place: Place, low: int, high: int, progress: Mapping[Place, int], counts: Counts, put_aside: Sequence[Range], since: int
) -> list[Gap]:
    topic, partition = place
    reached = progress.get(place, low)
    found = []

    def gap(kind: str, expected: int, actual: int) -> None:
        found.append(Gap(topic=topic, partition=partition, kind=kind, expected=expected, found=actual))

    if reached > high:
        gap("kafka_lost_messages", reached, high)
    if (behind := min([reached, *(one.next_offset for one in put_aside)])) < low:
        gap("retention_outran_the_worker", behind, low)
    if counts.recorded != counts.distinct:
        gap("recorded_twice", counts.distinct, counts.recorded)
    if counts.last is not None and counts.last >= reached:
        gap("progress_behind_rows", reached, counts.last + 1)
    due = reached - since - sum(max(0, one.until_offset - max(one.next_offset, since)) for one in put_aside)
    if counts.distinct < due:
        gap("offsets_missing", due, counts.distinct)
    return found
