"""Ops are told once, until they have it, and again while it lasts; what is over in a moment is told to nobody."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from alerts.channels.channel import Accepted, Page, Refused
from infra.main.telling import Telling
from streams.watch import Problem

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GAP = Problem(kind="gap", subject="hl7.oru/3", detail="1 messages are not recorded")
AWAY = Problem(kind="away", subject="kafka", detail="does not answer")


class Line:
    """A channel that accepts, or refuses the first so many."""

    def __init__(self, refuses: int = 0) -> None:
        self.pages: list[Page] = []
        self._refuses = refuses

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        assert target == "ops"
        if self._refuses:
            self._refuses -= 1
            return Refused(permanent=False, detail="busy")
        self.pages.append(page)
        return Accepted()


def told(line: Line, *looks: list[Problem], every: timedelta = timedelta(seconds=10), repeat_s: float = 3600) -> list[str]:
    telling = Telling(line, "ops", repeat_s, "http://board")
    for number, found in enumerate(looks):
        asyncio.run(telling.tell(found, NOON + number * every))
    return [page.unit or "" for page in line.pages]


def test_a_gap_is_told_at_once_and_once() -> None:
    line = Line()
    assert told(line, [GAP], [GAP], [GAP]) == ["gap hl7.oru/3: 1 messages are not recorded"]
    assert line.pages[0].tier == "ops"


def test_a_server_that_is_back_at_the_next_look_is_no_news() -> None:
    assert told(Line(), [AWAY], [], [], [], [AWAY], []) == []
    assert len(told(Line(), [AWAY], [AWAY])) == 1


def test_what_comes_and_goes_with_every_other_look_is_told_once() -> None:
    assert len(told(Line(), [AWAY], [], [AWAY], [], [AWAY], [])) == 1


def test_what_the_provider_refused_is_told_again_until_it_is_taken() -> None:
    assert len(told(Line(refuses=2), [GAP], [GAP], [GAP], [GAP])) == 1


def test_what_lasts_is_told_again_under_another_name() -> None:
    line = Line()
    assert len(told(line, [GAP], [GAP], [GAP], every=timedelta(hours=1))) == 3
    assert len({page.page_id for page in line.pages}) == 3


def test_what_is_over_and_begins_again_is_news() -> None:
    assert len(told(Line(), [GAP], [], [], [], [GAP])) == 2


def test_without_a_channel_nothing_is_sent_and_it_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(Telling(None, "", 60, "http://board").tell([GAP], NOON))
    assert "problem" in capsys.readouterr().out
