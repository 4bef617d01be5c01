"""A pager at work tells providers how pages ended: PagerDuty's alert follows its page, a ringing telephone is silenced, and who is down is left in peace."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from alerts import answers
from alerts.answers import Answer
from alerts.bedside import Alarms
from alerts.channels.channel import Accepted, Page, Refused
from alerts.channels.configured import channels, following
from alerts.pager import Pager
from alerts.policy_file import load
from alerts.routing import Route
from infra.database.connect import connect
from infra.settings import ChannelSettings, PageSettings
from tests.callbacks import Sink, sink
from tests.edge.test_channels import terminal
from tests.episodes import NOON, Bedside


class Always:
    """A provider that answers everything alike."""

    def __init__(self, answer: Accepted | Refused) -> None:
        self.answer, self.sent = answer, list[str]()

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        self.sent.append(target)
        return self.answer


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def at_work(ward: Bedside, settings: PageSettings, story: Callable[[], None], base: str = "http://board.test") -> None:
    """A pager with the real channels of the settings while a story is told."""

    async def run() -> None:
        stopping = asyncio.Event()
        pager = Pager(lambda: connect(ward.url), channels(settings, base), settings, ward.metrics, base, lambda: NOON)
        working = asyncio.create_task(pager.run(stopping))
        try:
            await asyncio.to_thread(story)
        finally:
            stopping.set()
            ward.do("SELECT pg_notify('vigil_page', '')")
            await working

    asyncio.run(run())


@contextmanager
def pagerduty(url: str) -> Iterator[tuple[Bedside, PageSettings, Sink]]:
    with sink(status=202, body="{}") as provider:
        routes = (Route(tier="rapid_response", channel="pd"),)
        one = ChannelSettings(kind="pagerduty", secret="0" * 32, address=f"{provider.url}/v2/enqueue", allow_private=True)
        yield Bedside(url, routes=routes), PageSettings(channels={"pd": one}, routes=routes, poll_s=0.05, reply_s=0.05), provider


def actions(provider: Sink) -> list[str]:
    return [json.loads(one.body)["event_action"] for one in provider.requests]


def give(ward: Bedside, answer: Answer) -> None:
    [(page_id,)] = ward.ask("SELECT page_id FROM vigil.pages WHERE state = 'accepted'")
    with connect(ward.url, autocommit=True) as connection:
        answers.give(connection, page_id, answer, NOON)


def accepted(ward: Bedside) -> bool:
    return ward.ask("SELECT state FROM vigil.pages") == [("accepted",)]


def test_an_alert_is_acknowledged_with_its_page_and_resolved_with_its_episode(postgres_url: str) -> None:
    with pagerduty(postgres_url) as (ward, settings, provider):

        def story() -> None:
            ward.take(8)
            wait_for(lambda: accepted(ward))
            give(ward, Answer(kind="acknowledge", by="Ann"))
            wait_for(lambda: actions(provider) == ["trigger", "acknowledge"])
            ward.take(8, status="discharged", minutes=1)
            wait_for(lambda: actions(provider) == ["trigger", "acknowledge", "resolve"])
            time.sleep(0.3)

        at_work(ward, settings, story)
    assert actions(provider) == ["trigger", "acknowledge", "resolve"]
    assert {json.loads(one.body)["dedup_key"] for one in provider.requests} == {ward.ask("SELECT page_id FROM vigil.pages")[0][0]}


@pytest.mark.parametrize("end", ["decline", "discharge"])
def test_an_alert_that_nobody_need_answer_is_resolved(postgres_url: str, end: str) -> None:
    with pagerduty(postgres_url) as (ward, settings, provider):

        def story() -> None:
            ward.take(8)
            wait_for(lambda: accepted(ward))
            if end == "decline":
                give(ward, Answer(kind="decline", by="Ann"))
            else:
                ward.take(8, status="discharged", minutes=1)
            wait_for(lambda: "resolve" in actions(provider))

        at_work(ward, settings, story)
    assert "acknowledge" not in actions(provider)


def test_a_provider_that_is_away_is_told_when_it_is_back(postgres_url: str) -> None:
    with pagerduty(postgres_url) as (ward, settings, provider):

        def story() -> None:
            ward.take(8)
            wait_for(lambda: accepted(ward))
            provider.status = 503
            give(ward, Answer(kind="acknowledge", by="Ann"))
            wait_for(lambda: actions(provider).count("acknowledge") >= 2)
            provider.status = 202
            wait_for(lambda: ward.ask("SELECT ending_told FROM vigil_store.page") == [("acknowledged",)])

        at_work(ward, settings, story)
    assert actions(provider)[0] == "trigger"
    assert ward.ask("SELECT state, attempts FROM vigil.pages") == [("acknowledged", 1)]


def test_a_page_that_was_never_tried_is_not_told_of(postgres_url: str) -> None:
    with pagerduty(postgres_url) as (ward, settings, provider):
        ward.take(8)
        ward.take(8, status="discharged", minutes=1)
        at_work(ward, settings, lambda: time.sleep(0.5))
    assert ward.ask("SELECT state FROM vigil.pages") == [("withdrawn",)]
    assert actions(provider) == []


@pytest.mark.parametrize(
    ("answer", "done"), [("250 gone", True), ("550 it has been read", True), ("554 not now", False), ("421 closing", False)]
)
def test_a_paging_terminal_is_asked_to_take_the_page_back(answer: str, done: bool) -> None:
    with terminal({"KTAG": answer}) as port:
        settings = PageSettings(channels={"pager": ChannelSettings(kind="snpp", address=f"127.0.0.1:{port}", two_way=True)})
        way = following(settings, channels(settings))["pager"]
        assert asyncio.run(way.follow("pg-1", "123 456\r\nSEND", "acknowledged")) is done
        assert asyncio.run(way.follow("pg-1", None, "acknowledged")) is True


def test_a_one_way_terminal_is_not_followed() -> None:
    settings = PageSettings(channels={"pager": ChannelSettings(kind="snpp", address="pager.test:444")})
    assert following(settings, channels(settings)) == {}


def test_what_reaches_a_computer_keeps_no_person_from_being_tried_and_notifies_nobody(postgres_url: str) -> None:
    """The EHR takes its copy; the pager refuses: the next route is tried at once, as if the EHR had not been there."""
    routes = (
        Route(tier="urgent", channel="ehr", target="EHR/HOSP"), Route(tier="urgent", channel="pager", target="1"),
        Route(tier="rapid_response", channel="line", target="2"),
    )  # fmt: skip
    ward = Bedside(postgres_url, routes=routes)
    ways = {"ehr": Always(Accepted()), "pager": Always(Refused(permanent=True, detail="no such pager")), "line": Always(Accepted())}
    settings = PageSettings(channels={"ehr": ChannelSettings(kind="hl7")}, routes=routes, poll_s=0.05)

    async def run() -> None:
        stopping = asyncio.Event()
        working = asyncio.create_task(
            Pager(lambda: connect(ward.url), ways, settings, ward.metrics, "http://b", lambda: NOON).run(stopping)
        )
        await asyncio.to_thread(ward.take, 5)
        await asyncio.to_thread(
            wait_for, lambda: bool(ways["line"].sent) and ward.ask("SELECT state FROM vigil.pages WHERE channel = 'ehr'") == [("accepted",)]
        )
        stopping.set()
        ward.do("SELECT pg_notify('vigil_page', '')")
        await working

    asyncio.run(run())
    assert (
        ward.metrics.registry.get_sample_value("vigil_receipt_to_page_seconds_count") == 0
    )  # the line is a later step, and the EHR is no person


@pytest.mark.parametrize(("channel", "state"), [("ehr", "open"), ("pager", "notified")])
def test_only_a_page_that_reaches_somebody_makes_an_episode_notified(postgres_url: str, channel: str, state: str) -> None:
    routes = (Route(tier="rapid_response", channel=channel),)
    ward = Bedside(postgres_url, routes=routes)
    settings = PageSettings(
        channels={"ehr": ChannelSettings(kind="hl7"), "pager": ChannelSettings(kind="snpp")}, routes=routes, poll_s=0.05
    )

    async def run() -> None:
        stopping = asyncio.Event()
        working = asyncio.create_task(
            Pager(lambda: connect(ward.url), {channel: Always(Accepted())}, settings, ward.metrics, "http://b", lambda: NOON).run(stopping)
        )
        await asyncio.to_thread(ward.take, 8)
        await asyncio.to_thread(wait_for, lambda: accepted(ward) or len(ward.ask("SELECT FROM vigil.pages")) > 1)
        stopping.set()
        ward.do("SELECT pg_notify('vigil_page', '')")
        await working

    asyncio.run(run())
    assert ward.ask("SELECT state FROM vigil.episodes") == [(state,)]


def test_a_tier_that_goes_to_a_computer_alone_falls_through_to_rapid_response_at_once(postgres_url: str) -> None:
    """In the very transaction that opens the episode: what nobody is told is no page."""
    routes = (Route(tier="urgent", channel="ehr", target="EHR/HOSP"), Route(tier="rapid_response", channel="line", target="2"))
    ward = Bedside(postgres_url, routes=routes)
    ward.alarms = Alarms(load(None, model_threshold=0.2), routes, ward.metrics, silent={"ehr"})
    ward.take(5)
    assert ward.ask("SELECT channel, tier FROM vigil.pages ORDER BY step") == [("ehr", "urgent"), ("line", "urgent")]
