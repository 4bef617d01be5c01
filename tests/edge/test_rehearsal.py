"""A page for a patient nobody has, from a real MLLP port over the worker's transaction and the outbox to a pager; and what is told where each part fails."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alerts import answers
from alerts.answers import Answer
from alerts.bedside import Alarms
from alerts.channels.channel import Accepted, Page, Refused
from alerts.pager import Pager
from alerts.policy_file import load
from alerts.routing import Route
from infra.clock import Clock
from infra.database.connect import connect
from infra.main.rehearsal import Rehearsed, rehearse
from infra.main.watch import Looking
from infra.metrics import Metrics
from infra.settings import DatabaseSettings, FeedSettings, ListenSettings, PageSettings, Settings, TritonSettings, WatchSettings
from scoring.bedside import Bedside
from scoring.models.metadata import SHIPPED, metadata_of
from scoring.triton.client import TritonClient
from streams.progress import seed
from streams.record import Record, Source
from streams.transaction import Transactor
from tests.taker import Taker

ROUTES = (
    Route(tier="synthetic", channel="hook", target="test"), Route(tier="rapid_response", channel="pager", target="2222"),
    Route(tier="urgent", channel="pager", target="1"), Route(tier="watch", channel="pager", target="1"),
)  # fmt: skip


class Target:
    """The test target; answers what it gets, or not."""

    def __init__(self, url: str) -> None:
        self.url, self.got, self.refuses, self.answers = url, list[str](), False, True

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        if self.refuses:
            return Refused(permanent=False, detail="busy")
        self.got.append(target)
        if self.answers:
            await asyncio.to_thread(self._answer, page.page_id)
        return Accepted(provider_ref="ref")

    def _answer(self, page_id: str) -> None:
        with connect(self.url, autocommit=True) as connection:
            answers.give(connection, page_id, Answer(kind="acknowledge", by="test target"), datetime.now(UTC))


class Path:
    """Everything between the port and the provider but Kafka and Triton: each message is one batch of the worker's own transaction."""

    def __init__(self, url: str, taker: Taker) -> None:
        self.url, self.works, self.target, self._taker = url, True, Target(url), taker
        self.people, self._stop = Target(url), threading.Event()
        with connect(url) as connection:
            seed(connection.cursor(), {("hl7.oru", 0): 0})
        metrics = Metrics(CollectorRegistry())
        self.settings = Settings(
            database=DatabaseSettings(url=url), page=PageSettings(routes=ROUTES, poll_s=0.05),
            listen=ListenSettings(feeds=(FeedSettings(port=taker.port),)),
            watch=WatchSettings(page_every_s=1.0, page_within_s=20.0, page_answered=True),
        )  # fmt: skip
        model = metadata_of(SHIPPED, "deterioration")
        self.transactor = Transactor(
            lambda: connect(url), Bedside(TritonClient(TritonSettings(grpc="127.0.0.1:1", timeout_ms=50), model), on_fallback=lambda _: None),
            Alarms(load(None, model.threshold), ROUTES, metrics), now=lambda: datetime.now(UTC), timezones={}, quarantine=lambda _: None,
        )  # fmt: skip
        self.metrics = metrics
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self._thread.join()
        self.transactor.forget()

    def _work(self) -> None:
        done = 0
        while not self._stop.wait(0.02):
            while self.works and done < len(self._taker.taken):
                source = Source(topic="hl7.oru", partition=0, offset=done)
                self.transactor.record([Record(source=source, value=self._taker.taken[done], received_at=datetime.now(UTC))])
                done += 1

    def tried(self, turn: int = 0, within_s: float = 20.0, answered: bool = True, port: int | None = None) -> Rehearsed:
        """One trial with a pager at work."""
        feed = FeedSettings(port=port or self._taker.port)

        async def trial() -> Rehearsed:
            stopping = asyncio.Event()
            pager = Pager(
                lambda: connect(self.url), {"hook": self.target, "pager": self.people}, self.settings.page, self.metrics, "http://board",
                lambda: datetime.now(UTC),
            )  # fmt: skip
            running = asyncio.create_task(pager.run(stopping))
            try:
                return await rehearse(
                    feed,
                    turn,
                    self.url,
                    Clock(anchor=datetime.now(UTC), real_anchor=datetime.now(UTC)),
                    within_s=within_s,
                    answered=answered,
                )
            finally:
                stopping.set()
                await running

        return asyncio.run(trial())

    def left_open(self) -> int:
        with connect(self.url) as connection:
            [count] = connection.execute("SELECT count(*) FROM vigil_store.episode WHERE closed_at IS NULL").fetchone() or (0,)
        return int(count)


@pytest.fixture
def path(postgres_url: str) -> Iterator[Path]:
    with Taker() as taker:
        one = Path(postgres_url, taker)
        yield one
        one.end()


def test_it_arrives_and_is_answered_trial_after_trial_and_leaves_nothing_open(path: Path) -> None:
    found = [path.tried(turn) for turn in (0, 0, 12, 1)]
    assert [one.stage for one in found] == ["arrived"] * 4
    assert all(one.took_s is not None and one.took_s < 20 for one in found)
    assert (path.target.got, path.people.got, path.left_open()) == (["test"] * 4, [], 0)


def test_each_part_that_fails_is_named(path: Path) -> None:
    path.target.answers = False
    assert path.tried(within_s=6.0).stage == "not_answered"
    assert path.tried(answered=False).stage == "arrived"
    path.target.refuses = True
    assert path.tried(within_s=6.0).stage == "not_accepted"
    path.works = False
    assert path.tried(within_s=6.0).stage == "not_raised"
    assert path.tried(within_s=3.0, port=1).stage == "not_received"
    assert (path.people.got, path.left_open()) == ([], 0)


def test_a_database_that_is_away_is_named_too(path: Path) -> None:
    feed = FeedSettings(port=path.settings.listen.feeds[0].port)
    away = asyncio.run(rehearse(feed, 0, "postgresql://nobody@127.0.0.1:1/none", Clock(), within_s=3.0, answered=False))
    assert away == Rehearsed(stage="database_away")


def problems(path: Path, settings: Settings) -> list[str]:
    """What a watcher has to tell after one round."""
    looking = Looking(settings, path.metrics, Clock(), None)
    asyncio.run(looking.page())
    return [one.detail for one in looking.unpaged]


def test_the_watcher_tells_of_a_page_that_did_not_arrive_and_of_a_target_that_is_missing(path: Path) -> None:
    quick = replace(path.settings, watch=replace(path.settings.watch, page_within_s=2.0))
    assert problems(path, quick) == ["no provider accepted it"]  # no pager is at work
    assert path.metrics.registry.get_sample_value("vigil_test_pages_total", {"feed": "main", "stage": "not_accepted"}) == 1
    nowhere = replace(quick, page=replace(quick.page, routes=ROUTES[1:]))
    began = time.monotonic()
    assert problems(path, nowhere) == ["page.routes names no test target (tier synthetic) that is not also somebody's own"]
    assert time.monotonic() - began < 2
