"""How far a worker is behind: messages that Kafka holds and no transaction has recorded, and the age of the oldest of them."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from faust.types import TP

from infra.metrics import Metrics
from streams import topics
from streams.record import Source, record_of


class Lag:
    """Follows every message from the reader's hands to its acknowledgement; a message is counted once, whatever becomes of it."""

    def __init__(self, metrics: Metrics, now: Callable[[], datetime]) -> None:
        self._metrics, self._now = metrics, now
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

    def tell(self, highwaters: Mapping[TP, int | None]) -> None:
        """Sets the metrics. `highwaters`: the next offset of each partition held, None where it is not known yet."""
        for topic in topics.RAW:
            unread = sum(
                max(0, high - self._seen[tp] - 1) for tp, high in highwaters.items() if tp.topic == topic and high and tp in self._seen
            )
            waiting = self._waiting[topic]
            self._metrics.consumer_lag_messages.labels(topic=topic).set(unread + len(waiting))
            self._metrics.committed_offset_age_seconds.labels(topic=topic).set(self._age_s(waiting[0]) if waiting else 0.0)

    def _age_s(self, message: Any) -> float:
        source = Source(topic=message.topic, partition=message.partition, offset=message.offset)
        received_at = record_of(source, message.value, message.headers or (), message.timestamp).received_at
        return max(0.0, (self._now() - received_at).total_seconds())
