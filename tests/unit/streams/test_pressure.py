"""Back-pressure: senders wait only while workers are at work and behind, each for a bounded time, in their order."""

import asyncio
from collections.abc import Iterator

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


def test_more_than_a_second_and_a_half_of_work_is_too_much() -> None:
    assert not behind(1400, 1000).too_many(3.0)
    assert behind(1600, 1000).too_many(3.0)
    assert not behind(1600, 1000).too_many(3.2)  # by then they will have recorded 200 more


def test_what_the_workers_can_do_is_what_they_did_not_what_they_are_held_to() -> None:
    found = behind(1400, 1000)
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
    assert released(1700, 0.01) == list(range(10))


def test_nobody_is_held_for_longer_than_the_bound() -> None:
    assert released(1_000_000, 0.1, hold_s=0.5) == list(range(10))


def test_with_a_bound_of_nothing_nobody_is_held() -> None:
    assert released(1_000_000, 0.0, hold_s=0.0) == list(range(10))
