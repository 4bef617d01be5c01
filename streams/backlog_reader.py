"""Reads a backlog's ranges from Kafka, beside Faust and outside its group: a range is a fixed stretch of offsets that nobody else moves."""

from collections.abc import Sequence
from datetime import datetime

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from streams.backlog import Range
from streams.beginnings import Place, since
from streams.lookup import onlooker, record_from
from streams.progress import Gap
from streams.record import Record

WAIT_S = 0.5
"""How long one look may take; the present waits meanwhile."""


class BacklogReader:
    """One consumer that stays on the range it reads, so that what was fetched ahead is of use."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer: Consumer | None = None
        self._at: tuple[str, int, int] | None = None

    def read(self, found: Range, most: int) -> Sequence[Record]:
        """The next records of the range, at most `most`; none where Kafka has not answered yet, or is away. Raises Gap."""
        place = (found.topic, found.partition, found.next_offset)
        if self._consumer is None or self._at != place:
            self._go(place)
        if self._consumer is None:
            return []
        try:
            messages = self._consumer.consume(min(most, found.until_offset - found.next_offset), WAIT_S)
        except KafkaException:
            self.close()
            return []
        self._must_hold(found, [message for message in messages if message.error() is None])
        records = [
            record
            for message in messages
            if message.error() is None and (record := record_from(message)).source.offset < found.until_offset
        ]
        if records:
            self._at = (found.topic, found.partition, records[-1].source.offset + 1)
        return records

    def _must_hold(self, found: Range, messages: Sequence[Message]) -> None:
        """Raises Gap where Kafka has let go of what the range begins with: waiting would not bring it back."""
        if self._consumer is None:
            return
        first = messages[0].offset() if messages else None
        if first is None:
            try:
                first, _ = self._consumer.get_watermark_offsets(TopicPartition(found.topic, found.partition), timeout=WAIT_S)
            except KafkaException:
                return
        if first is not None and first > found.next_offset:
            self.close()
            raise Gap(found.topic, found.partition, found.next_offset, first)

    def since(self, places: Sequence[Place], at: datetime) -> dict[Place, int]:
        """The first offset of each partition that was written at `at` (real time) or later. Raises KafkaAway."""
        return since(self._bootstrap, places, at)

    def close(self) -> None:
        """Forgets where it was."""
        consumer, self._consumer, self._at = self._consumer, None, None
        if consumer is not None:
            consumer.close()

    def _go(self, place: tuple[str, int, int]) -> None:
        if self._consumer is None:
            self._consumer = onlooker(self._bootstrap, "vigil-backlog")
        self._consumer.assign([TopicPartition(*place)])
        self._at = place
