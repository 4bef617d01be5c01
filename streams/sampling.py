"""One look at a running installation for `vigil watch`: the database, Kafka and the listeners are asked, each answer or its absence noted."""

import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import datetime

import psycopg
from prometheus_client.parser import text_string_to_metric_families
from psycopg import IsolationLevel

from infra.clock import Clock
from infra.database.connect import connect
from infra.database.sql import statements
from streams import backlog
from streams.backlog import Range
from streams.beginnings import Place, offsets
from streams.lookup import Gone, KafkaAway, look_up
from streams.record import Source
from streams.watch import Checked, Sample

SQL = statements("streams", "sampling.sql")

AT_MOST = 100_000
"""Messages of a partition that the first look goes back; `vigil audit` goes back to the first."""

ANSWER_S = 2.0

Recorded = tuple[dict[Place, Checked], list[Range], datetime | None]


def look(url: str, bootstrap: str, listeners: Mapping[str, str], verified: Mapping[Place, int], clock: Clock) -> Sample:
    """One sample. `listeners`: the /metrics of each by name. The database is asked before Kafka: what comes in between waits, and is no gap."""
    away: list[str] = []
    heard = {name: _metrics(address) for name, address in listeners.items()}
    away += [name for name, told in heard.items() if told is None]
    before, recorded, kafka, oldest_s = _offsets(bootstrap), None, None, None
    try:
        recorded = _recorded(url, verified, {place: low for place, (low, _) in (before or {}).items()})
    except psycopg.Error:
        away.append("postgres")
    try:
        kafka = None if before is None else offsets(bootstrap, timeout_s=ANSWER_S)
        oldest_s = None if kafka is None else _oldest_s(bootstrap, kafka, recorded, clock)
    except KafkaAway:
        kafka = None
    if kafka is None:
        away.append("kafka")
    checked, put_aside, quarantined = recorded or (None, [], None)
    return Sample(
        checked=checked,
        put_aside=put_aside,
        lows={place: low for place, (low, _) in kafka.items()} if kafka else None,
        highs={place: high for place, (_, high) in kafka.items()} if kafka else None,
        in_kafka=sum(high for _, high in kafka.values()) if kafka else None,
        acked={name: told[0] for name, told in heard.items() if told is not None},
        silence_s=_shortest([told[1] for told in heard.values() if told is not None]),
        oldest_unprocessed_s=oldest_s,
        oldest_quarantined_s=None if quarantined is None else (clock.now() - quarantined).total_seconds() / clock.speed,
        away=away,
    )


def _offsets(bootstrap: str) -> dict[Place, tuple[int, int]] | None:
    try:
        return offsets(bootstrap, timeout_s=ANSWER_S)
    except KafkaAway:
        return None


def _recorded(url: str, verified: Mapping[Place, int], lows: Mapping[Place, int]) -> Recorded:
    """`lows`: where Kafka begins; what is older may be retired on either side, and is not counted. Without Kafka nothing is."""
    with connect(url, application="vigil-watch") as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        cursor = connection.cursor()
        progress = {(topic, partition): reached for topic, partition, reached in cursor.execute(SQL["progress"].encode())}
        places = sorted(place for place in progress if place in lows)
        names: dict[str, Sequence[object]] = {
            "topics": [place[0] for place in places],
            "partitions": [place[1] for place in places],
            "verified": [max(lows[place], verified.get(place, progress[place] - AT_MOST)) for place in places],
            "reached": [progress[place] for place in places],
        }
        checked = {
            (row[0], row[1]): Checked(verified=row[2], reached=row[3], rows=row[4], distinct=row[5])
            for row in cursor.execute(SQL["checked"].encode(), names)
        }
        [quarantined] = cursor.execute(SQL["oldest_quarantined"].encode()).fetchone() or (None,)
        return checked, backlog.ranges(cursor), quarantined


def _oldest_s(bootstrap: str, kafka: Mapping[Place, tuple[int, int]], recorded: Recorded | None, clock: Clock) -> float | None:
    """Real seconds since the oldest message that no transaction has reached was received; 0 where none waits."""
    if recorded is None:
        return None
    checked, put_aside, _ = recorded
    first = {place: one.reached for place, one in checked.items() if kafka.get(place, (0, 0))[1] > one.reached}
    for one in put_aside:
        first[one.place] = min(first.get(one.place, one.next_offset), one.next_offset)
    ages = [0.0]
    for (topic, partition), offset in first.items():
        source = Source(topic=topic, partition=partition, offset=max(offset, kafka[topic, partition][0]))
        try:
            ages.append((clock.now() - look_up(bootstrap, source, ANSWER_S).received_at).total_seconds() / clock.speed)
        except Gone:  # told as a gap
            continue
    return max(ages)


def _shortest(told: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """A feed is as silent as the listener that heard it last says."""
    silence_s: dict[str, float] = {}
    for one in told:
        for feed, seconds in one.items():
            silence_s[feed] = min(seconds, silence_s.get(feed, seconds))
    return silence_s


def _metrics(address: str) -> tuple[float, dict[str, float]] | None:
    """How many messages a listener has acknowledged, and how long each of its feeds has been silent; None where it does not answer."""
    try:
        with urllib.request.urlopen(address, timeout=ANSWER_S) as answer:  # noqa: S310 (an address from the settings, http only)
            text = answer.read().decode()
    except (urllib.error.URLError, OSError, ValueError):
        return None
    acked, silence_s = 0.0, {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "vigil_messages_acked_total":
                acked += sample.value
            elif sample.name == "vigil_feed_silence_seconds":
                silence_s[sample.labels["feed"]] = sample.value
    return acked, silence_s
