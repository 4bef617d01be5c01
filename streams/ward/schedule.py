"""What happens when on the ward, and what is sent when: two heaps of times, one seed. Messages come out in the order of their sending."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Final

DUPLICATE: Final = 0.01
"""Messages sent twice, byte for byte, as interface engines do when an acknowledgement is lost."""
DUPLICATE_S: Final = (1.0, 90.0)

Act = Callable[[datetime], None]


@dataclass(frozen=True, slots=True)
class Sent:
    """One message and when it leaves the hospital's systems."""

    at: datetime
    raw: bytes


class Schedule:
    """Acts run in the order of their times; each may emit messages and plan further acts, at its own time or later."""

    def __init__(self, seed: int, start: datetime) -> None:
        self.random, self.start, self.prefix = Random(seed), start.replace(microsecond=0), f"S{seed}-"
        self._midnight = self.start.replace(hour=0, minute=0, second=0)
        self._order, self._controls = count(), count(1)
        self._acts: list[tuple[datetime, int, Act]] = []
        self._outbox: list[tuple[datetime, int, bytes]] = []

    def hour(self, at: datetime) -> float:
        """Hours since the midnight before the simulation began, so that bodies follow the clock on the wall."""
        return (at - self._midnight).total_seconds() / 3600.0

    def at(self, hour: float) -> datetime:
        """The time of an hour."""
        return self._midnight + timedelta(hours=hour)

    def plan(self, at: datetime, act: Act) -> None:
        """`act` is called at its time, with its time."""
        heapq.heappush(self._acts, (at, next(self._order), act))

    def emit(self, at: datetime, raw: bytes) -> None:
        """Sends a message at its time; now and then twice."""
        heapq.heappush(self._outbox, (at, next(self._order), raw))
        if self.random.random() < DUPLICATE:
            again = at + timedelta(seconds=self.random.uniform(*DUPLICATE_S))
            heapq.heappush(self._outbox, (again, next(self._order), raw))

    def control(self) -> str:
        """The next MSH-10."""
        return f"{self.prefix}{next(self._controls):07d}"

    def messages(self) -> Iterator[Sent]:
        """In the order of sending, as long as something is planned."""
        while self._acts or self._outbox:
            if self._acts and (not self._outbox or self._acts[0][0] <= self._outbox[0][0]):
                at, _, act = heapq.heappop(self._acts)
                act(at)
            else:
                at, _, raw = heapq.heappop(self._outbox)
                yield Sent(at, raw)
