"""`vigil watch`: watches the watchman: gaps, lateness, silence go to ops, and a heartbeat outside stops when the path does."""

import asyncio
import signal
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from math import nan
from pathlib import Path

import aiohttp
import click
import msgspec
from prometheus_client import CollectorRegistry

from alerts import synthetic
from alerts.channels.channel import Channel
from alerts.channels.configured import channels
from alerts.roster_file import CurrentRoster, no_roster
from infra import logs
from infra.clock import Clock
from infra.database.connect import AWAY, connect
from infra.logs import logger
from infra.main.cli import NO, Trouble
from infra.main.home import home_option, json_option, needs_system, settings_of
from infra.main.rehearsal import SAID, rehearse
from infra.main.roster import following
from infra.main.telling import Telling
from infra.metrics import Metrics, serve
from infra.settings import Settings
from scoring.stages_store import drifts
from streams import heartbeat, watch
from streams.beginnings import Place
from streams.sampling import look
from streams.watch import Limits, Problem, Sample

log = logger("infra")

DRIFT_S = 60.0
"""A worker says every quarter of a minute what it sees; what nobody has said for a whole one is over."""
CALL_S = 10.0
"""How long the outside service may take to answer a heartbeat."""


@click.command()
@home_option
@json_option
@click.option("--once", is_flag=True, help="One look, told and judged: exit status 1 where something is wrong.")
@click.option("--metrics-port", type=int)
@click.pass_context
def command(context: click.Context, home: Path, as_json: bool, once: bool, metrics_port: int | None) -> None:
    """Looks for gaps, lateness and silence, tells ops, and keeps an outside heartbeat going as long as the whole path works."""
    settings = needs_system(settings_of(home))
    if once:
        clock = settings.clock.clock()
        found = watch.problems(
            [], look(settings.database.url, settings.kafka.bootstrap, settings.watch.listeners, {}, clock), _limits(settings)
        ) + _drifts(settings)
        for one in found:
            click.echo(msgspec.json.encode(one).decode() if as_json else f"{one.kind} {one.subject}: {one.detail}")
        if not found and not as_json:
            click.echo("all is well")
        context.exit(NO if found else 0)
    logs.configure("watch")
    metrics = Metrics(CollectorRegistry())
    serve(metrics, settings.watch.metrics_port if metrics_port is None else metrics_port)
    asyncio.run(_run(settings, metrics))


def _look(settings: Settings, verified: Mapping[Place, int], clock: Clock) -> Sample:
    asked = settings.watch.listeners | settings.watch.pagers
    return look(settings.database.url, settings.kafka.bootstrap, asked, verified, clock)


def _drifts(settings: Settings) -> list[Problem]:
    """Feeds whose numbers look like another unit's. That the database is away is told by the look itself."""
    try:
        with connect(settings.database.url, application="vigil-watch") as connection:
            found = drifts(connection.cursor(), DRIFT_S)
    except AWAY:
        return []
    return [Problem(kind="units", subject=f"{one.feed} {one.quantity}", detail=one.detail) for one in found]


def _limits(settings: Settings) -> Limits:
    ours = settings.watch
    return Limits(late_s=ours.late_s, silent_s=ours.silent_s, quarantine_s=ours.quarantine_s)


async def _run(settings: Settings, metrics: Metrics) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    roster = following(settings) if settings.watch.page_every_s else no_roster
    looking = Looking(settings, metrics, settings.clock.clock(), _channel(settings), roster)
    every = [_every(settings.watch.interval_s, looking.look, stopping)]
    if settings.watch.heartbeat_url:
        every.append(_every(settings.watch.heartbeat_s, looking.beat, stopping))
    if settings.watch.page_every_s:
        every.append(_later(settings.watch.page_within_s, _every(settings.watch.page_every_s, looking.page, stopping), stopping))
    await asyncio.gather(*every)


def _channel(settings: Settings) -> Channel | None:
    if not settings.watch.channel:
        return None
    known = channels(settings.page, model=settings.triton.model)
    if settings.watch.channel not in known:
        raise Trouble(f"watch.channel: there is no channel {settings.watch.channel}", "name one of page.channels")
    return known[settings.watch.channel]


async def _later(after_s: float, work: Coroutine[None, None, None], stopping: asyncio.Event) -> None:
    """What was started together with everything else must not take the start for a failure."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), after_s)
    await work


async def _every(interval_s: float, step: Callable[[], Awaitable[None]], stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    while not stopping.is_set():
        due = loop.time() + interval_s
        await step()
        try:
            await asyncio.wait_for(stopping.wait(), max(0.0, due - loop.time()))
        except TimeoutError:
            continue


class Looking:
    """What one watcher remembers between its looks."""

    def __init__(
        self, settings: Settings, metrics: Metrics, clock: Clock, channel: Channel | None, roster: CurrentRoster = no_roster
    ) -> None:
        self._settings, self._metrics, self._clock, self._roster = settings, metrics, clock, roster
        self._earlier: deque[Sample] = deque(maxlen=3)
        self._verified: dict[Place, int] = {}
        self._closed: Problem | None = None
        self.unpaged: tuple[Problem, ...] = ()
        self._turn = 0
        link = settings.board.public_url or f"http://{settings.board.host}:{settings.board.port}"
        self._telling = Telling(channel, settings.watch.target, settings.watch.repeat_s, link)

    async def look(self) -> None:
        """One look: measured, judged, told."""
        sample = await asyncio.to_thread(_look, self._settings, self._verified, self._clock)
        found = watch.problems(list(self._earlier), sample, _limits(self._settings))
        found += await asyncio.to_thread(_drifts, self._settings)
        found += [*([self._closed] if self._closed is not None else []), *self.unpaged]
        self._earlier.append(sample)
        if not any(one.kind == "gap" for one in found):
            self._verified = watch.verified(sample, self._verified)
        for kind in watch.KINDS:
            self._metrics.problems.labels(kind=kind).set(sum(one.kind == kind for one in found))
        self._metrics.looks_total.inc()
        await self._telling.tell(found, self._clock.now())

    async def beat(self) -> None:
        """One message through the whole path; only then is the outside service called."""
        ours = self._settings
        took_s = await heartbeat.beat(ours.listen.feeds[0], ours.database.url, self._clock, within_s=ours.watch.heartbeat_s)
        self._metrics.heartbeat_path_seconds.set(nan if took_s is None else took_s)
        pagers_away = {name for name in (self._earlier[-1].away if self._earlier else ()) if name in ours.watch.pagers}
        if took_s is None or (pagers_away and len(pagers_away) == len(ours.watch.pagers)):
            why = "a test message did not come through" if took_s is None else "no pager answers"
            self._closed = Problem(kind="path", subject="heartbeat", detail=why)
            log.warning("heartbeat_withheld", reason=why)
            return
        self._closed = None
        if self.unpaged:
            log.warning("heartbeat_withheld", reason="a test page did not arrive")
            return
        await _call(ours.watch.heartbeat_url)

    async def page(self) -> None:
        """One page by each feed, for a patient nobody has; the patients change from round to round, so that all partitions have their turn."""
        ours, turn = self._settings, self._turn
        self._turn += 1
        if not synthetic.targets(ours.page.routes, self._roster()):
            detail = "page.routes names no test target (tier synthetic) that is not also somebody's own"
            self.unpaged = (Problem(kind="path", subject="test page", detail=detail),)
            return
        within_s, answered = ours.watch.page_within_s, ours.watch.page_answered
        trials = (rehearse(feed, turn, ours.database.url, self._clock, within_s=within_s, answered=answered) for feed in ours.listen.feeds)
        failed = []
        for feed, one in zip(ours.listen.feeds, await asyncio.gather(*trials), strict=True):
            self._metrics.test_pages_total.labels(feed=feed.name, stage=one.stage).inc()
            self._metrics.test_page_seconds.labels(feed=feed.name).set(nan if one.took_s is None else one.took_s)
            if one.stage != "arrived":
                log.error("test_page_lost", feed=feed.name, stage=one.stage)
                failed.append(Problem(kind="path", subject=f"test page by {feed.name}", detail=SAID[one.stage]))
        self.unpaged = tuple(failed)


async def _call(url: str) -> None:
    """Tells the outside service that all is well; where it does not hear, it is its own business to be worried."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_S)) as session, session.get(url) as answer:
            if answer.status >= 400:
                log.warning("heartbeat_not_heard", status=answer.status)
    except (aiohttp.ClientError, TimeoutError) as error:
        log.warning("heartbeat_not_heard", error=type(error).__name__)
