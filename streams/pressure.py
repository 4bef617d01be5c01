"""Back-pressure: while the workers are behind, senders wait a little for their acknowledgements, so that what waits for its score does not grow."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams import topics
from streams.beginnings import Place

AIM_S = 1.0
"""What the workers can do in less is left alone: of the 2 s from receipt to score that are promised. It stays above the time in which what was done is heard of
here (Faust's commit, a look: up to 0.75 s), or the senders would wait for news and not for the workers; what was not heard of yet comes on top of it."""
LEAST = 200
"""Messages: fewer are never too many."""
STALLED_S = 3.0
"""Partitions in which nothing is recorded for so long are nobody's at present; waiting for them helps nobody, and Kafka takes in everything until they are back."""
LOOK_S, MEMORY_S, TICK_S = 0.25, 1.0, 0.02
PEAK_S = 10.0
"""How long the best rate counts as what the workers can do: held back, they show less than that."""
ANSWER_S = 2.0


class Estimate:
    """How many messages wait behind the workers, between two looks at what they have recorded. Pure but for what it remembers.

    >>> found = Estimate()
    >>> for offset in range(3000): found.delivered("hl7.oru", 0, offset)
    >>> for second in range(3): found.looked({("hl7.oru", 0): 1000 * second}, at=float(second))
    >>> found.waiting(2.0), found.rate, found.waiting(2.5), found.too_many(2.0), found.too_many(9.0)
    (1000.0, 1000.0, 500.0, False, False)
    """

    def __init__(self) -> None:
        self._produced: dict[Place, int] = {}
        self._recorded: dict[Place, int] = {}
        self._moved_at: dict[Place, float] = {}
        self._looks: deque[tuple[float, int]] = deque()
        self._rates: deque[tuple[float, float]] = deque()
        self.rate = self.peak = 0.0

    def delivered(self, topic: str, partition: int, offset: int) -> None:
        """Kafka has one more message, at this offset."""
        place = (topic, partition)
        if offset >= self._produced.get(place, 0):
            self._produced[place] = offset + 1

    def places(self) -> list[Place]:
        """The partitions that there is something in."""
        return list(self._produced)

    def looked(self, recorded: Mapping[Place, int], at: float) -> None:
        """What the workers have recorded: the next offset of each partition. `at`: seconds of any clock that does not go back."""
        for place, reached in recorded.items():
            if reached > self._recorded.get(place, reached):
                self._moved_at[place] = at
        self._recorded |= recorded
        total = sum(self._recorded.values())
        self._looks.append((at, total))
        while len(self._looks) > 2 and self._looks[0][0] < at - MEMORY_S:
            self._looks.popleft()
        since, before = self._looks[0]
        self.rate = max(0.0, (total - before) / (at - since)) if at > since else 0.0
        self._rates.append((at, self.rate))
        while self._rates[0][0] < at - PEAK_S:
            self._rates.popleft()
        self.peak = max(rate for _, rate in self._rates)

    def waiting(self, at: float) -> float:
        """Messages, at most as many as were seen to wait: since the last look the workers went on as they did before.

        Only of partitions that the workers got on with of late: one that stands still (a gap, a worker that is away) is no reason to let all others wait.
        """
        if not self._looks:
            return 0.0
        moving = [
            (place, produced) for place, produced in list(self._produced.items()) if at - self._moved_at.get(place, -STALLED_S) < STALLED_S
        ]
        seen = sum(produced - self._recorded[place] for place, produced in moving)
        return max(0.0, seen - self.rate * min(1.0, at - self._looks[-1][0]))

    def may_go(self, at: float) -> int:
        """How many of those who wait may go at a tick: more than the workers take meanwhile, and never all at once."""
        return 0 if self.too_many(at) else max(1, int(2 * self.peak * TICK_S))

    def too_many(self, at: float) -> bool:
        """Whether a sender should wait: the workers have more than AIM_S of work before them, and are at it."""
        return self.waiting(at) > max(LEAST, AIM_S * self.peak)


class Pressure:
    """Holds acknowledgements back, each for `hold_s` at most; in the order they came, and as many at a time as the workers can take."""

    def __init__(self, bootstrap: str, hold_s: float, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.monotonic) -> None:
        self.estimate = Estimate()
        self._bootstrap, self._hold_s, self._loop, self._clock = bootstrap, hold_s, loop, clock
        self._held: deque[tuple[asyncio.Future[None], float]] = deque()
        self._easing: asyncio.Task[None] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look, name="pressure", daemon=True)
        if hold_s:
            self._thread.start()

    async def ease(self) -> None:
        """Returns at once where the workers keep up; else when they do again, or `hold_s` later."""
        now = self._clock()
        if not self._held and not (self._hold_s and self.estimate.too_many(now)):
            return
        released: asyncio.Future[None] = self._loop.create_future()
        self._held.append((released, now))
        if self._easing is None or self._easing.done():
            self._easing = self._loop.create_task(self._ease())
        await released

    async def _ease(self) -> None:
        while self._held:
            await asyncio.sleep(TICK_S)
            now = self._clock()
            may_go = self.estimate.may_go(now)
            while self._held and (may_go > 0 or now - self._held[0][1] >= self._hold_s):
                released, _ = self._held.popleft()
                may_go -= 1
                if not released.done():
                    released.set_result(None)

    def _look(self) -> None:
        """Asks Kafka how far the workers are; without an answer nothing is known, and after a while nobody waits."""
        consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": topics.GROUP, "enable.auto.commit": False, "log_level": 0})
        while not self._stopping.wait(LOOK_S):
            asked = [TopicPartition(topic, partition) for topic, partition in self.estimate.places()]
            if not asked:
                continue
            with suppress(KafkaException):
                told = consumer.committed(asked, timeout=ANSWER_S)
                found = {(one.topic, one.partition): one.offset for one in told if one.error is None and one.offset >= 0}
                self._loop.call_soon_threadsafe(self.estimate.looked, found, self._clock())
        consumer.close()

    def close(self) -> None:
        """Lets everybody go, and ends the thread."""
        self._stopping.set()
        self._hold_s = 0.0
        if self._thread.is_alive():
            self._thread.join()
