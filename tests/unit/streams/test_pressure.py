"""Back-pressure: senders wait only while workers are at work and behind, each for a bounded time, in their order."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.pressure import LEAST, STALLED_S, Estimate, Pressure

ORU = ("hl7.oru", 0)


def behind(waiting: int, rate: int, seconds: int = 3) -> Estimate:
    """Workers that have recorded `rate` a second, with so many waiting now, at `seconds`."""
    found = Estimate()
    for second in range(seconds + 1):
        found.looked({ORU: second * rate}, at=float(second))
    found.delivered(*ORU, 0)
    found.delivered(*ORU, seconds * rate + waiting - 1)
    return found


def test_more_than_a_second_of_work_is_too_much() -> None:
    assert not behind(900, 1000).too_many(3.0)
    assert behind(1100, 1000).too_many(3.0)
    assert not behind(1100, 1000).too_many(3.2)  # by then they will have recorded 200 more


def test_what_the_workers_can_do_is_what_they_did_not_what_they_are_held_to() -> None:
    found = behind(900, 1000)
    found.looked({ORU: 3100}, at=4.0)
    assert (found.rate, found.peak, found.too_many(4.0)) == (100.0, 1000.0, False)
    found.looked({ORU: 3200}, at=20.0)
    assert found.peak < 100.0
    assert found.too_many(20.0)


def test_a_few_hundred_are_never_too_many() -> None:
    assert not behind(LEAST, 20).too_many(3.0)
    assert behind(LEAST + 100, 20).too_many(3.0)


def test_nobody_waits_for_workers_that_are_away() -> None:
    found = behind(100_000, 1000)
    assert found.too_many(3.0 + STALLED_S - 0.1)
    assert not found.too_many(3.0 + STALLED_S)
    found.looked({ORU: 3000}, at=9.0)
    assert not found.too_many(9.0)
    found.looked({ORU: 3100}, at=9.5)
    assert found.too_many(9.5)


def test_one_partition_that_stands_still_holds_nobody_up() -> None:
    found = behind(100, 1000)
    found.looked({ORU: 3000, ("hl7.adt", 1): 0}, at=3.0)
    for offset in range(50_000):
        found.delivered("hl7.adt", 1, offset)
    for quarter in range(1, 9):
        found.looked({ORU: 3000 + quarter, ("hl7.adt", 1): 0}, at=3.0 + quarter / 4)
        assert not found.too_many(3.0 + quarter / 4)


def test_nobody_waits_before_there_was_ever_a_worker() -> None:
    found = Estimate()
    for offset in range(5000):
        found.delivered(*ORU, offset)
    assert not found.too_many(0.0)
    found.looked({}, at=1.0)
    assert not found.too_many(1.0)


def test_a_backlog_that_was_put_aside_waits_no_longer() -> None:
    found = behind(50_000, 1000)
    found.looked({ORU: 53_000}, at=4.0)
    assert (found.waiting(4.0), found.too_many(4.0)) == (0.0, False)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10_000)), max_size=50), st.lists(st.integers(0, 20_000), max_size=20))
def test_what_waits_is_never_less_than_nothing(delivered: list[tuple[int, int]], looks: list[int]) -> None:
    found = Estimate()
    for partition, offset in delivered:
        found.delivered("hl7.oru", partition, offset)
    for second, recorded in enumerate(looks):
        found.looked({ORU: recorded}, at=float(second))
        assert found.waiting(second + 0.3) >= 0.0
        assert found.rate >= 0.0


@dataclass(slots=True)
class Ward:
    """Senders that never rest, a listener that takes 2,500 a second, workers that record `can` a second and commit each half second: a model of the loop."""

    can: float
    senders: int
    held_back: bool = True
    hold_s: float = 5.0
    estimate: Estimate = field(default_factory=Estimate)
    free: deque[float] = field(default_factory=deque)
    held: deque[float] = field(default_factory=deque)
    queue: deque[float] = field(default_factory=deque)
    waits: list[tuple[float, float]] = field(default_factory=list)
    produced: int = 0
    owed: float = 0.0

    def run(self, seconds: int) -> tuple[float, float]:
        """Messages a second, and the wait that 99 of 100 stay below, once it has settled."""
        self.free.extend([0.0] * self.senders)
        for step in range(seconds * 100):
            at = step / 100
            self._send(at, most=25 if at > 4 else 1)
            self._record(at)
            if step % 25 == 0:
                self.estimate.looked({ORU: sum(1 for done, _ in self.waits if done <= step // 50 / 2)}, at=at)
            if step % 2 == 0:
                self._release(at)
        settled = sorted(wait for done, wait in self.waits if done > 10)
        return len(settled) / (seconds - 10), settled[int(0.99 * len(settled))]

    def _send(self, at: float, most: int) -> None:
        while most > 0 and self.free and self.free[0] <= at:
            most -= 1
            self.free.popleft()
            self.estimate.delivered(*ORU, self.produced)
            self.produced += 1
            self.queue.append(at)
            (self.held if self.held_back and (self.held or self.estimate.too_many(at)) else self.free).append(at + 0.01)

    def _record(self, at: float) -> None:
        self.owed = min(self.owed + self.can / 100, len(self.queue) + 1.0)
        while self.owed >= 1.0 and self.queue:
            self.owed -= 1.0
            self.waits.append((at, at - self.queue.popleft()))

    def _release(self, at: float) -> None:
        may_go = self.estimate.may_go(at)
        while self.held and (may_go > 0 or at - self.held[0] >= self.hold_s):
            self.held.popleft()
            self.free.append(at + 0.01)
            may_go -= 1


@pytest.mark.parametrize("can", [300, 1000])
@pytest.mark.parametrize("senders", [32, 200])
def test_the_workers_are_never_idle_and_nobody_waits_for_long(can: int, senders: int) -> None:
    rate, wait_s = Ward(can=can, senders=senders).run(25)
    assert rate > 0.97 * can
    assert wait_s < 2.0
    _, without = Ward(can=can, senders=senders, held_back=False).run(25)
    assert without > 5.0


class Clock:
    """Goes on by as much at each look."""

    def __init__(self, step_s: float) -> None:
        self._times: Iterator[float] = (3.0 + step_s * number for number in range(1_000_000))

    def __call__(self) -> float:
        return next(self._times)


def released(waiting: int, step_s: float, hold_s: float = 1.0) -> list[int]:
    """Who of ten senders is let go, in order."""

    async def story() -> list[int]:
        pressure = Pressure("127.0.0.1:1", 0.0, asyncio.get_running_loop(), Clock(step_s))
        pressure._hold_s = hold_s
        pressure.estimate = behind(waiting, 1000)
        gone: list[int] = []

        async def sender(number: int) -> None:
            await pressure.ease()
            gone.append(number)

        await asyncio.wait_for(asyncio.gather(*(sender(number) for number in range(10))), 20)
        return gone

    return asyncio.run(story())


def test_where_workers_keep_up_nobody_is_held() -> None:
    assert released(100, 0.0) == list(range(10))


def test_senders_are_let_go_in_their_order_when_the_workers_have_caught_up() -> None:
    assert released(1200, 0.01) == list(range(10))


def test_nobody_is_held_for_longer_than_the_bound() -> None:
    assert released(1_000_000, 0.1, hold_s=0.5) == list(range(10))


def test_with_a_bound_of_nothing_nobody_is_held() -> None:
    assert released(1_000_000, 0.0, hold_s=0.0) == list(range(10))
