"""What an ops team must be told at once: gaps, acknowledgements that are not on Kafka, silence, lateness. Pure: samples in, problems out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from streams.backlog import Range, waiting
from streams.beginnings import Place

Kind = Literal["gap", "unaccounted", "late", "silent", "quarantine", "away", "path", "units"]
KINDS: Final[tuple[Kind, ...]] = ("gap", "unaccounted", "late", "silent", "quarantine", "away", "path", "units")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong. `subject`: a feed, a partition or a dependency; never a patient."""

    kind: Kind
    subject: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From when it is a problem, in real seconds; 0 switches one off."""

    late_s: float
    silent_s: float
    quarantine_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Of one partition: rows, and distinct offsets among them, in [verified, reached)."""

    verified: int
    reached: int
    rows: int
    distinct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look. What could not be asked is None, and `away` names it. `acked`: by listener process, how many messages it has acknowledged since
    it started; `in_kafka`: messages ever written to the raw topics."""

    checked: Mapping[Place, Checked] | None = None
    put_aside: Sequence[Range] = ()
    lows: Mapping[Place, int] | None = None
    highs: Mapping[Place, int] | None = None
    in_kafka: int | None = None
    acked: Mapping[str, float] = field(default_factory=dict)
    silence_s: Mapping[str, float] = field(default_factory=dict)
    oldest_unprocessed_s: float | None = None
    oldest_quarantined_s: float | None = None
    away: Sequence[str] = ()


def problems(earlier: Sequence[Sample], now: Sample, limits: Limits) -> list[Problem]:
    """What is wrong at this look. `earlier`: the looks before it, the newest last; two are needed to account for acknowledgements."""
    found = [*_gaps(now), *_unaccounted(earlier, now)]
    if limits.late_s and now.oldest_unprocessed_s is not None and now.oldest_unprocessed_s > limits.late_s:
        found.append(Problem(kind="late", subject="work", detail=f"the oldest message waits for {now.oldest_unprocessed_s:.0f} s"))
    for feed, seconds in sorted(now.silence_s.items()):
        if limits.silent_s and seconds > limits.silent_s:
            found.append(Problem(kind="silent", subject=feed, detail=f"nothing came for {seconds:.0f} s"))
    if limits.quarantine_s and now.oldest_quarantined_s is not None and now.oldest_quarantined_s > limits.quarantine_s:
        found.append(Problem(kind="quarantine", subject="quarantine", detail="messages wait for somebody: vigil quarantine list"))
    found += [Problem(kind="away", subject=name, detail="does not answer") for name in now.away]
    return found


def _gaps(now: Sample) -> list[Problem]:
    found = []
    for place, one in sorted((now.checked or {}).items()):
        name = f"{place[0]}/{place[1]}"
        mine = [each for each in now.put_aside if each.place == place and each.until_offset > one.verified]
        due = one.reached - one.verified - waiting(mine)
        if one.distinct < due:
            found.append(Problem(kind="gap", subject=name, detail=f"{due - one.distinct} messages are not recorded"))
        if one.reached > (now.highs or {}).get(place, one.reached):
            found.append(
                Problem(kind="gap", subject=name, detail="Kafka holds less than was recorded: it has lost its log and begins again")
            )
        if one.rows > one.distinct:
            found.append(Problem(kind="gap", subject=name, detail=f"{one.rows - one.distinct} messages are recorded twice"))
        low = (now.lows or {}).get(place, 0)
        behind = min([one.reached, *(each.next_offset for each in now.put_aside if each.place == place)])
        if behind < low:
            found.append(Problem(kind="gap", subject=name, detail=f"Kafka deleted {low - behind} messages before they were recorded"))
    return found


def _unaccounted(earlier: Sequence[Sample], now: Sample) -> list[Problem]:
    """Every acknowledgement means a message on Kafka. The count on Kafka is taken a look before the count of acknowledgements, so that what is on
    its way between the two is never held against anybody; a listener that was started anew begins anew.
    """
    whole = [one for one in earlier if one.in_kafka is not None]
    if len(whole) < 2 or now.in_kafka is None:
        return []
    first, second = whole[0], whole[1]
    acked = sum(count - second.acked[name] for name, count in now.acked.items() if count >= second.acked.get(name, float("inf")))
    written = now.in_kafka - (first.in_kafka or 0)
    if acked <= written:
        return []
    return [Problem(kind="unaccounted", subject="listen", detail=f"{acked:.0f} acknowledged, {written} on Kafka")]


def verified(now: Sample, before: Mapping[Place, int]) -> dict[Place, int]:
    """Up to where each partition need not be counted again: what is whole, and has no backlog before it."""
    reached = dict(before)
    for place, one in (now.checked or {}).items():
        mine = [each for each in now.put_aside if each.place == place]
        if not mine and one.rows == one.distinct == one.reached - one.verified:
            reached[place] = one.reached
    return reached
