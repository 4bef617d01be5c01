"""How far a worker is behind: messages that Kafka holds and no transaction has recorded, and the age of the oldest of them."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from faust.types import TP

from infra.clock import Clock
from infra.metrics import Metrics
from streams import backlog, topics
from streams.backlog import Range
from streams.record import Source, record_of


class Lag:
    """Follows every message from the reader's hands to its acknowledgement; a message is counted once, whatever becomes of it."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics, self._now, self._speed = metrics, clock.now, clock.speed
        self._waiting: dict[str, deque[Any]] = defaultdict(deque)
        self._seen: dict[TP, int] = {}

    def taken(self, message: Any) -> None:
        """The reader has it."""
        self._waiting[message.topic].append(message)
        self._seen[message.tp] = message.offset

    def done(self, message: Any) -> None:
        """It is recorded, or was dropped to be read again."""
        waiting = self._waiting[message.topic]
        if waiting and waiting[0] is message:
            waiting.popleft()
        elif message in waiting:
            waiting.remove(message)

    def unread(self, highwaters: Mapping[TP, int | None], topic: str | None = None) -> int:
        """Messages that Kafka holds beyond the recorded ones, of one topic or of all. `highwaters`: see `Reader.highwaters`."""
        unread = sum(
            max(0, high - self._seen[tp] - 1) for tp, high in highwaters.items() if high and tp in self._seen and topic in (None, tp.topic)
        )
        return unread + sum(len(waiting) for name, waiting in self._waiting.items() if topic in (None, name))

    def caught_up(self, highwaters: Mapping[TP, int | None], committed: Mapping[TP, int]) -> bool:
        """Whether all that Kafka held at these offsets is recorded. `committed`: where reading began, for partitions of which nothing was taken yet."""
        for tp, high in highwaters.items():
            reached = self._seen[tp] + 1 if tp in self._seen else committed.get(tp)
            if high is None or (high and (reached is None or reached < high)):
                return False
        return not any(message.offset < (highwaters.get(message.tp) or 0) for waiting in self._waiting.values() for message in waiting)

    def oldest_s(self) -> float:
        """Real seconds since the oldest message that waits was received."""
        return max((self._age_s(waiting[0]) for waiting in self._waiting.values() if waiting), default=0.0) / self._speed

    def tell(self, highwaters: Mapping[TP, int | None], put_aside: Sequence[Range]) -> None:
        """Sets the metrics. What was put aside counts as not yet recorded; `vigil watch` tells its age."""
        for topic in topics.RAW:
            waiting = self._waiting[topic]
            aside = backlog.waiting(one for one in put_aside if one.topic == topic)
            self._metrics.backlog_messages.labels(topic=topic).set(aside)
            self._metrics.consumer_lag_messages.labels(topic=topic).set(self.unread(highwaters, topic) + aside)
            self._metrics.committed_offset_age_seconds.labels(topic=topic).set(self._age_s(waiting[0]) if waiting else 0.0)

    def _age_s(self, message: Any) -> float:
        source = Source(topic=message.topic, partition=message.partition, offset=message.offset)
        received_at = record_of(source, message.value, message.headers or (), message.timestamp).received_at
        return max(0.0, (self._now() - received_at).total_seconds())
