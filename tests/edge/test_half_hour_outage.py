"""A provider is down for half an hour of Vigil's time: each page comes by the second channel within two minutes, none is lost, and its return floods nobody."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from alerts.channels.channel import Accepted
from alerts.people import EscalationRule, StepRule
from infra.clock import Clock
from infra.settings import ChannelSettings, PageSettings
from tests.edge.test_pager_fallback import BUSY, Provider, at_work, wait_for
from tests.episodes import NOON
from tests.rosters import ROSTER, Ward

SPEED = 30.0
"""Vigil's seconds a real one: half an hour in a minute. The pager's real seconds are divided by it, so that all is to scale."""
EVERY_S = 20.0
"""Of Vigil's time between two episodes: 90 in the half hour, many times a large hospital's."""
A_MINUTE = 6
"""As many pages the provider may be sent in a minute of Vigil's time."""

ONE_STEP = replace(ROSTER, escalations=(EscalationRule(tier="urgent", steps=(StepRule(page=("team:doctors",)),), unanswered="rest"),))
"""Nobody answers and nobody else is paged, so that every page but the first to somebody is the second channel's."""


@pytest.mark.timeout(600)
def test_half_an_hour_without_the_first_provider(postgres_url: str) -> None:
    ward, pager, mail = Ward(postgres_url, ONE_STEP), Provider(BUSY), Provider()
    settings = PageSettings(
        poll_s=0.1, fallback_s=60 / SPEED, give_up_s=900 / SPEED,
        channels={"pager": ChannelSettings(kind="", address="", per_minute=A_MINUTE * SPEED)},
    )  # fmt: skip
    clock = Clock(anchor=NOON, real_anchor=datetime.now(UTC), speed=SPEED)
    opened = list[float]()
    back = list[float]()

    def minutes() -> float:
        return (clock.now() - NOON) / timedelta(minutes=1)

    def story() -> None:
        while minutes() < 30:
            ward.take(5, mrn=str(len(opened)), minutes=minutes())
            opened.append(time.monotonic())
            time.sleep(max(0.0, len(opened) * EVERY_S / SPEED - (time.monotonic() - opened[0])))
        wait_for(lambda: len(mail.took) == len(opened))
        pager.answer = Accepted()
        back.append(time.monotonic())
        wait_for(lambda: ward.ask("SELECT count(*) FROM vigil.pages WHERE state IN ('pending', 'sending')") == [(0,)], within_s=180)

    asyncio.run(at_work(ward, {"pager": pager, "mail": mail}, settings, story, roster=ONE_STEP, now=clock.now))
    took = ward.ask(
        "SELECT episode_id, extract(epoch FROM min(accepted_at) - min(e.opened_at))::float8 FROM vigil.pages JOIN vigil.episodes AS e USING (episode_id) GROUP BY 1"
    )
    slowest_s = max(seconds for _, seconds in took)
    assert len(took) == len(opened)
    assert slowest_s <= 120
    assert {target for _, target in mail.took} == {"ann"}
    assert len(mail.took) == len(opened)
    first_minute = [at for at, _ in pager.took if at < back[0] + 60 / SPEED]
    late = ward.ask("SELECT state, count(*) FROM vigil.pages WHERE channel = 'pager' GROUP BY 1 ORDER BY 1")
    assert len(first_minute) <= A_MINUTE * 3.1  # the gate lets a tenth of a real minute's pages come at once, three of Vigil's minutes here
    assert len(pager.took) <= len(opened) * 15 / 30 + 5  # what was given up after a quarter of an hour is not sent when it is back
    assert dict(late).get("failed", 0) + len(pager.took) == len(opened)
    logging.getLogger("vigil.trial").info(
        "%d pages in the half hour, by the second channel within %.0f s of Vigil's time at most; %d asked of the provider that was down; after its return %d came,"
        " %d in its first minute, %d had been given up", len(opened), slowest_s, len(pager.asked) - len(pager.took), len(pager.took), len(first_minute),
        dict(late).get("failed", 0),
    )  # fmt: skip
