"""Sending the ward: in order, nothing left out whatever the listener does, and on from where it stopped."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from infra.clock import Clock
from streams.ward.pace import Bookmark, Tally, send_paced
from streams.ward.schedule import Sent
from streams.ward.ward import ward
from tests.taker import Taker

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


def sent_to(taker: Taker, messages: list[Sent], clock: Clock) -> tuple[Tally, list[int]]:
    counted: list[int] = []
    tally = asyncio.run(send_paced(iter(messages), clock, "127.0.0.1", taker.port, tally=Tally(), on_sent=counted.append))
    return tally, counted


def test_a_listener_that_hangs_up_loses_nothing_and_keeps_the_order() -> None:
    messages = list(islice(ward(1, 4, START), 12))
    with Taker(hang_up=3) as taker:
        tally, counted = sent_to(taker, messages, Clock(anchor=START, real_anchor=datetime.now(UTC), speed=1e6))
    assert taker.taken == [one.raw for one in messages]
    assert (tally.messages, tally.aa, tally.ae, tally.ar) == (12, 12, 0, 0)
    assert counted == list(range(1, 13))


def test_a_message_waits_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    monkeypatch.setattr("streams.ward.pace.sleep", nap)
    message = Sent(START + timedelta(hours=1), next(ward(1, 4, START)).raw)
    with Taker() as taker:
        sent_to(taker, [message], Clock(anchor=START, real_anchor=datetime.now(UTC), speed=60.0))
    assert naps == [pytest.approx(60.0, abs=5.0)]
    assert taker.taken == [message.raw]


def test_a_bookmark_keeps_the_beginning_and_the_place(tmp_path: Path) -> None:
    bookmark = Bookmark(tmp_path / "ward.json")
    assert bookmark.sent() == 0
    assert bookmark.start(START) == START
    bookmark.write(START, 17)
    again = Bookmark(tmp_path / "ward.json")
    assert again.start(START + timedelta(days=1)) == START
    assert again.sent() == 17
