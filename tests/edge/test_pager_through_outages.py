"""The pager through outages, on a real outbox: storms, a broken channel, a database that goes away, and kill -9 in the middle of a page."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alerts.channels.channel import Accepted, Channel, Page, Refused
from alerts.pager import Pager
from alerts.routing import Route
from infra.database.connect import connect
from infra.settings import PageSettings
from tests.episodes import NOON, Bedside
from tests.serving import serving

STATES = "SELECT state, attempts FROM vigil.pages ORDER BY tier"


class Provider:
    """A channel that fails with these bugs, then accepts; `sent` is what reached it."""

    def __init__(self, *bugs: Exception) -> None:
        self.sent: list[Page] = []
        self._bugs = list(bugs)

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        self.sent.append(page)
        if self._bugs:
            raise self._bugs.pop()
        return Accepted(provider_ref="ref")


class Stuck:
    """A provider that never answers until it is let go."""

    def __init__(self) -> None:
        self.asked, self.go = 0, asyncio.Event()

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        self.asked += 1
        await self.go.wait()
        return Accepted()


@pytest.fixture
def bedside(postgres_url: str) -> Bedside:
    return Bedside(postgres_url)


def pager_of(bedside: Bedside, channels: Mapping[str, Channel], settings: PageSettings) -> Pager:
    return Pager(lambda: connect(bedside.url), channels, settings, bedside.metrics, "https://vigil.test", lambda: NOON)


def run(
    bedside: Bedside, channels: Mapping[str, Channel], until: Callable[[], bool], *, settings: PageSettings | None = None, pagers: int = 1
) -> None:
    """Pagers at work until something holds."""

    async def work() -> None:
        stopping = asyncio.Event()
        chosen = settings or PageSettings(poll_s=0.05)
        running = [asyncio.create_task(pager_of(bedside, channels, chosen).run(stopping)) for _ in range(pagers)]
        await asyncio.to_thread(wait_for, until)
        stopping.set()
        await asyncio.gather(*running)

    asyncio.run(work())


def wait_for(holds: Callable[[], bool]) -> None:
    """Fails after half a minute, long before the pager's poll in the test of its hints."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def states(bedside: Bedside) -> list[tuple[str, int]]:
    return [(state, attempts) for state, attempts in bedside.ask(STATES)]


def counted(bedside: Bedside, outcome: str, channel: str = "pager") -> float | None:
    return bedside.metrics.registry.get_sample_value("vigil_pages_total", {"channel": channel, "outcome": outcome})


def test_a_page_is_accepted_and_says_nothing_of_the_patient(bedside: Bedside) -> None:
    bedside.take(8)
    provider = Provider()
    run(bedside, {"pager": provider}, lambda: states(bedside) == [("accepted", 1)])
    [page] = provider.sent
    assert page.text.startswith("RAPID RESPONSE 4W 12:00 https://vigil.test/p/")
    assert "HOSP" not in page.text
    assert bedside.ask("SELECT state FROM vigil.episodes") == [("notified",)]
    assert bedside.metrics.registry.get_sample_value("vigil_receipt_to_page_seconds_count") == 1


def test_a_notify_wakes_the_pager_long_before_its_poll(bedside: Bedside) -> None:
    bedside.take(8, mrn="1")
    provider = Provider()
    stopping = asyncio.Event()

    async def work() -> None:
        running = asyncio.create_task(pager_of(bedside, {"pager": provider}, PageSettings(poll_s=90.0)).run(stopping))
        await asyncio.to_thread(wait_for, lambda: states(bedside) == [("accepted", 1)])
        await asyncio.to_thread(lambda: bedside.take(8, mrn="2"))
        await asyncio.to_thread(wait_for, lambda: states(bedside) == [("accepted", 1)] * 2)
        stopping.set()
        bedside.do("SELECT pg_notify('vigil_page', '')")
        await running

    asyncio.run(work())
    assert len(provider.sent) == 2


def test_a_channel_nobody_set_up_fails_visibly(bedside: Bedside) -> None:
    bedside.take(8)
    run(bedside, {}, lambda: states(bedside) == [("failed", 1)])
    assert bedside.ask("SELECT last_error FROM vigil.pages") == [("no channel named pager; set page.channels",)]


def test_a_bug_in_one_channel_stops_no_other_page(bedside: Bedside) -> None:
    bedside.take(8, mrn="1")
    bedside.take(5, mrn="2")
    run(bedside, {"pager": Provider(KeyError("x")), "mail": Provider()}, lambda: states(bedside) == [("pending", 1), ("accepted", 1)])
    assert bedside.ask("SELECT last_error FROM vigil.pages WHERE state = 'pending'") == [("pager failed with KeyError",)]


def test_a_storm_is_drained_by_three_pagers_each_page_once(bedside: Bedside) -> None:
    for number in range(60):
        bedside.take(8, mrn=str(number))
    provider = Provider()
    run(bedside, {"pager": provider}, lambda: states(bedside) == [("accepted", 1)] * 60, pagers=3)
    assert (len(provider.sent), len({page.page_id for page in provider.sent})) == (60, 60)


def test_a_database_that_goes_away_while_a_page_is_out_costs_no_second_page(bedside: Bedside) -> None:
    bedside.take(8)

    async def work() -> None:
        stuck, stopping = Stuck(), asyncio.Event()
        running = asyncio.create_task(pager_of(bedside, {"pager": stuck}, PageSettings(poll_s=0.05)).run(stopping))
        await asyncio.to_thread(wait_for, lambda: states(bedside) == [("sending", 1)])
        bedside.do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        stuck.go.set()
        await asyncio.to_thread(wait_for, lambda: states(bedside) == [("accepted", 1)])
        stopping.set()
        await running
        assert stuck.asked == 1

    asyncio.run(work())
    assert bedside.ask("SELECT state FROM vigil.episodes") == [("notified",)]


class Receiver:
    """A web hook on a thread: keeps the ids it was sent; the first request is held until `answer` is set."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.answer = threading.Event()
        kept, answer = self.ids, self.answer

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                kept.append(self.headers["webhook-id"])
                answer.wait(60)
                self.close_connection = True
                self.connection.settimeout(5)
                try:
                    self.send_response(204)
                    self.end_headers()
                except OSError:
                    kept.append("hung up")

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@contextmanager
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    with serving(one.server):
        try:
            yield one
        finally:
            one.answer.set()


def vigil_page(home: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-W", "ignore", "-m", "infra.main", "page", "--home", str(home), "--metrics-port", "0"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_kill_9_in_the_middle_of_a_page_loses_nothing_and_the_next_pager_sends_the_same_id(postgres_url: str, tmp_path: Path) -> None:
    bedside = Bedside(postgres_url, routes=[Route(tier="rapid_response", channel="hook")])
    with receiver() as hook:
        (tmp_path / "vigil.toml").write_text(
            f'[database]\nurl = "{postgres_url}"\n[page]\nlease_s = 1.0\npoll_s = 0.1\n[page.channels.hook]\nkind = "webhook"\nallow_private = true\naddress = "{hook.url}"\n'
        )
        bedside.take(8)
        bedside.do("UPDATE vigil_store.episode SET expires_at = now() + interval '1 day'")  # the pager's clock is the real one
        first = vigil_page(tmp_path)
        wait_for(lambda: len(hook.ids) == 1)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert states(bedside) == [("sending", 1)]
        hook.answer.set()
        second = vigil_page(tmp_path)
        wait_for(lambda: states(bedside) == [("accepted", 2)])
        second.terminate()
        assert second.wait() == 0
    [(page_id,)] = bedside.ask("SELECT page_id FROM vigil.pages")
    assert [one for one in hook.ids if one != "hung up"] == [page_id] * 2
