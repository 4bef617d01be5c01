"""The pager when providers refuse, hang or go away: the next way to the same person or the next person, nothing lost, and no flood when they are back."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alerts import answers
from alerts.answers import Answer
from alerts.channels.channel import Accepted, Answering, Channel, Page, Refused, Reply
from alerts.channels.webhook import Webhook
from alerts.pager import Pager
from alerts.people import Roster
from alerts.routing import Route
from infra.database.connect import connect
from infra.settings import ChannelSettings, PageSettings
from tests.edge.test_pager_through_outages import receiver, vigil_page
from tests.episodes import NOON, Bedside
from tests.rosters import ROSTER, Ward

REFUSED = Refused(permanent=True, detail="answered 400")
BUSY = Refused(permanent=False, detail="answered 503")


class Provider:
    """Answers as it is told just then; keeps when and what it took."""

    def __init__(self, answer: Accepted | Refused | None = None) -> None:
        self.answer = answer or Accepted(provider_ref="ref")
        self.asked, self.took = list[float](), list[tuple[float, str]]()

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        self.asked.append(time.monotonic())
        if isinstance(self.answer, Accepted):
            self.took.append((time.monotonic(), target))
        return self.answer


async def at_work(
    ward: Bedside, channels: Mapping[str, Channel], settings: PageSettings, during: Callable[[], None], *, roster: Roster | None = ROSTER,
    answering: Mapping[str, Answering] | None = None, now: Callable[[], datetime] = lambda: NOON, pagers: int = 1,
) -> None:  # fmt: skip
    """Pagers at work while a story is told on another thread."""
    stopping = asyncio.Event()
    running = [
        asyncio.create_task(
            Pager(lambda: connect(ward.url), channels, settings, ward.metrics, "http://board", now, lambda: roster, answering).run(stopping)
        )
        for _ in range(pagers)
    ]
    try:
        await asyncio.to_thread(during)
    finally:
        stopping.set()
        ward.do("SELECT pg_notify('vigil_page', '')")
        await asyncio.gather(*running)


def wait_for(holds: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


QUICK = PageSettings(poll_s=0.05, fallback_s=0.4)


def test_a_provider_that_answers_400_is_told_and_the_next_way_is_paged_at_once(postgres_url: str) -> None:
    """A real web hook that refuses, a poll of a minute and a half: only being told at once can be this quick."""
    ward = Ward(postgres_url)
    mail, began = Provider(), time.monotonic()

    def tell() -> None:
        ward.take(5)
        wait_for(lambda: bool(mail.took))

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=400)

    async def story() -> None:
        app = web.Application()
        app.router.add_post("/", refuse)
        async with TestServer(app) as server:
            hook = Webhook(str(server.make_url("/")), "", 5.0, allow_private=True)
            await at_work(ward, {"pager": hook, "mail": mail}, PageSettings(poll_s=90.0), tell)

    asyncio.run(story())
    assert time.monotonic() - began < 20
    assert [target for _, target in mail.took] == ["ann"]
    assert ward.ask("SELECT channel, state, last_error FROM vigil.pages ORDER BY channel DESC") == [
        ("pager", "failed", "webhook: answered 400"), ("mail", "accepted", None),
    ]  # fmt: skip


def test_without_a_roster_an_unreachable_route_falls_back_to_the_others_and_then_to_rapid_response(postgres_url: str) -> None:
    routes = (Route(tier="urgent", channel="mail", target="a"), Route(tier="rapid_response", channel="pager", target="2222"))
    ward = Bedside(postgres_url, routes=routes)
    ways = {"mail": Provider(REFUSED), "pager": Provider()}
    settings = PageSettings(poll_s=0.05, routes=routes)

    def story() -> None:
        ward.take(5)
        wait_for(lambda: bool(ways["pager"].took))

    asyncio.run(at_work(ward, ways, settings, story, roster=None))
    assert ward.ask("SELECT step, tier, channel, state FROM vigil.pages ORDER BY step") == [
        (0, "urgent", "mail", "failed"), (2, "urgent", "pager", "accepted"),
    ]  # fmt: skip


def test_a_decline_wakes_a_sleeping_pager_and_the_next_person_is_paged(postgres_url: str) -> None:
    ward, pager = Ward(postgres_url), Provider()

    def story() -> None:
        ward.take(5)
        wait_for(lambda: ward.ask("SELECT state FROM vigil.pages") == [("accepted",)])
        [(page_id,)] = ward.ask("SELECT page_id FROM vigil.pages")
        with connect(ward.url, autocommit=True) as connection:
            answers.give(connection, page_id, Answer(kind="decline", by="Ann"), NOON)
        wait_for(lambda: len(pager.took) == 2, within_s=10)

    asyncio.run(at_work(ward, {"pager": pager}, PageSettings(poll_s=90.0), story))
    assert [target for _, target in pager.took] == ["ann", "bob"]


EPISODES = 60


@pytest.mark.parametrize("pagers", [1, 2])
def test_while_a_provider_is_down_everybody_is_paged_another_way_in_time_and_its_return_floods_nobody(
    postgres_url: str, pagers: int
) -> None:
    """Half an hour's outage told in seconds: 0.4 s stand for the minute after which another way is due, 3 s for the quarter of an hour."""
    ward = Ward(postgres_url)
    pager, mail = Provider(BUSY), Provider()
    settings = PageSettings(
        poll_s=0.05, fallback_s=0.4, give_up_s=3.0, channels={"pager": ChannelSettings(kind="", address="", per_minute=600)}
    )
    opened: list[float] = []

    def story() -> None:
        for number in range(EPISODES):
            ward.take(5, mrn=str(number))
            opened.append(time.monotonic())
        wait_for(lambda: len(mail.took) == EPISODES)
        while time.monotonic() < opened[-1] + 5:
            time.sleep(0.1)
        pager.answer = Accepted()
        for late in range(200):  # a page that comes later finds out that it is back
            ward.take(5, mrn=f"late{late}")
            time.sleep(0.4)
            if pager.took:
                break
        time.sleep(1)

    asyncio.run(at_work(ward, {"pager": pager, "mail": mail}, settings, story, pagers=pagers))
    slowest = max(took - began for (took, _), began in zip(sorted(mail.took), opened, strict=False))
    assert slowest < 5.0
    assert {target for _, target in mail.took} == {"ann"}
    assert len(pager.asked) < EPISODES + 60  # the breaker: not every page asks a provider that is down, again and again
    first_ones = (
        "SELECT p.channel, p.state, count(*) FROM vigil.pages p JOIN vigil.episodes e USING (episode_id)"
        " WHERE e.patient_id NOT LIKE 'HOSP:late%' GROUP BY 1, 2 ORDER BY 1"
    )
    assert ward.ask(first_ones) == [("mail", "accepted", EPISODES), ("pager", "failed", EPISODES)]
    assert ward.ask("SELECT DISTINCT split_part(last_error, ' ', 1) FROM vigil.pages WHERE state = 'failed'") == [("given",)]
    assert 1 <= len(pager.took) <= 20
    if pagers == 1:  # the other pager has not asked yet
        assert ward.metrics.registry.get_sample_value("vigil_channel_down", {"channel": "pager"}) == 0


def test_what_is_answered_while_its_provider_is_down_is_never_sent(postgres_url: str) -> None:
    ward = Ward(postgres_url)
    pager, mail = Provider(BUSY), Provider()

    def story() -> None:
        ward.take(5)
        wait_for(lambda: bool(mail.took))
        [(page_id,)] = ward.ask("SELECT page_id FROM vigil.pages WHERE channel = 'mail'")
        with connect(ward.url, autocommit=True) as connection:
            answers.give(connection, page_id, Answer(kind="acknowledge", by="Ann"), NOON)
        pager.answer = Accepted()
        wait_for(lambda: ward.ask("SELECT state FROM vigil.pages WHERE channel = 'pager'") == [("withdrawn",)])
        time.sleep(2)

    asyncio.run(at_work(ward, {"pager": pager, "mail": mail}, QUICK, story))
    assert pager.took == []


def test_a_provider_that_hangs_holds_up_no_other_channel(postgres_url: str) -> None:
    class Hanging(Provider):
        async def send(self, page: Page, target: str) -> Accepted | Refused:
            await asyncio.sleep(2.0)
            return BUSY

    routes = (Route(tier="urgent", channel="slow"), Route(tier="rapid_response", channel="quick"))
    ward = Bedside(postgres_url, routes=routes)
    quick = Provider()

    def story() -> None:
        for number in range(40):
            ward.take(5, mrn=f"s{number}")
        began = time.monotonic()
        ward.take(8, mrn="r")
        wait_for(lambda: bool(quick.took))
        assert time.monotonic() - began < 1.8

    asyncio.run(at_work(ward, {"slow": Hanging(), "quick": quick}, PageSettings(poll_s=0.05, routes=routes), story, roster=None))


def test_a_pager_killed_between_acceptance_and_commit_sends_the_same_id_again_and_says_that_it_may_repeat(
    postgres_url: str, tmp_path: Path
) -> None:
    """The database holds the commit up with a lock, so that the kill falls exactly there."""
    ward = Bedside(postgres_url, routes=[Route(tier="rapid_response", channel="hook")])
    with receiver() as hook:
        hook.answer.set()
        (tmp_path / "vigil.toml").write_text(
            f'[database]\nurl = "{postgres_url}"\n[page]\nlease_s = 1.0\npoll_s = 0.1\n[page.channels.hook]\nkind = "webhook"\nallow_private = true\naddress = "{hook.url}"\n'
        )
        ward.take(8)
        ward.do("UPDATE vigil_store.episode SET expires_at = now() + interval '1 day'")  # the pager's clock is the real one
        with connect(postgres_url) as holding:
            holding.execute("SELECT FROM vigil_store.episode FOR UPDATE")
            first = vigil_page(tmp_path)
            wait_for(lambda: len(hook.ids) == 1)
            wait_for(lambda: ward.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == [(1,)])
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
        second = vigil_page(tmp_path)
        wait_for(lambda: ward.ask("SELECT state FROM vigil.pages") == [("accepted",)])
        second.terminate()
        second.wait()
    [(page_id,)] = ward.ask("SELECT page_id FROM vigil.pages")
    assert hook.ids == [page_id] * 2
    assert ward.ask("SELECT may_repeat, attempts FROM vigil.pages") == [(True, 2)]


def test_an_attempt_whose_outcome_nobody_knows_is_counted_and_its_repeat_says_so(postgres_url: str) -> None:
    class Unsure(Provider):
        async def send(self, page: Page, target: str) -> Accepted | Refused:
            self.took.append((time.monotonic(), page.subject))
            return Refused(permanent=False, detail="no answer", unknown=True) if len(self.took) == 1 else Accepted()

    ward, pager = Ward(postgres_url), Unsure()

    def story() -> None:
        ward.take(8)
        wait_for(lambda: ward.ask("SELECT state FROM vigil.pages") == [("accepted",)])

    asyncio.run(at_work(ward, {"pager": pager}, PageSettings(poll_s=0.05), story))
    assert [text for _, text in pager.took] == ["RAPID RESPONSE 4W 12:00", "RAPID RESPONSE 4W 12:00 (may repeat)"]
    assert ward.metrics.registry.get_sample_value("vigil_pages_may_repeat_total", {"channel": "pager"}) == 1


@pytest.mark.parametrize(("reply", "state", "paged"), [("acknowledge", "acknowledged", ["ann"]), ("decline", "notified", ["ann", "bob"])])
def test_what_is_pressed_on_a_two_way_pager_is_an_answer(postgres_url: str, reply: Reply, state: str, paged: list[str]) -> None:
    class TwoWay(Provider):
        async def reply(self, provider_ref: str) -> Reply | None:
            return reply if provider_ref == "ref" else None

    ward, pager = Ward(postgres_url), TwoWay()
    done = "SELECT count(*) FROM vigil.answers WHERE via = 'pager' AND kind = %s AND answered_by = 'ann'"

    def story() -> None:
        ward.take(5)
        wait_for(lambda: ward.ask(done, reply) == [(1,)])
        wait_for(lambda: len(pager.took) == len(paged))
        pager.answer = REFUSED

    settings = PageSettings(poll_s=0.05, reply_s=0.1)
    asyncio.run(at_work(ward, {"pager": pager}, settings, story, answering={"pager": pager}, now=lambda: NOON + timedelta(minutes=1)))
    assert [target for _, target in pager.took][: len(paged)] == paged
    assert ward.ask("SELECT state FROM vigil.episodes") == [(state,)]
