"""Pagers killed outright at random instants over a stream of episodes that escalate: every page arrives, and what arrives twice says that it may.

`VIGIL_KILLS=1000` makes it the long trial; it tells its figures.
"""

import json
import logging
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from datetime import time as wall
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alerts.bedside import Alarms
from alerts.people import Contact, EscalationRule, Person, Roster, Rotation, StepRule, Team
from infra.database.connect import connect
from infra.metrics import Metrics
from tests.edge.test_pager_through_outages import vigil_page
from tests.episodes import Bedside, shipped

KILLS = int(os.environ.get("VIGIL_KILLS", "10"))
PAGERS = 2
ALWAYS = Rotation(people=("ann",), first_day=date(2026, 1, 1), starts=wall(0), ends=wall(0))
ROSTER = Roster(
    version="kills",
    line=(Contact(channel="hook", target="line"),),
    people={one: Person(name=one.title(), contacts=(Contact(channel="hook", target=one),)) for one in ("ann", "bob")},
    teams={"doctors": Team(rotations=(ALWAYS,)), "registrars": Team(rotations=(replace(ALWAYS, people=("bob",)),))},
    escalations=(
        EscalationRule(
            tier="urgent", steps=(StepRule(page=("team:doctors",)), StepRule(page=("team:registrars",), after_minutes=0.05)), unanswered="rest"
        ),
    ),
)  # fmt: skip
TOML = """
version = "kills"
line = [{ channel = "hook", target = "line" }]
people.ann = { name = "Ann", contacts = [{ channel = "hook", target = "ann" }] }
people.bob = { name = "Bob", contacts = [{ channel = "hook", target = "bob" }] }
teams.doctors = { rotations = [{ people = ["ann"], first_day = 2026-01-01, starts = 00:00:00, ends = 00:00:00 }] }
teams.registrars = { rotations = [{ people = ["bob"], first_day = 2026-01-01, starts = 00:00:00, ends = 00:00:00 }] }
[[escalations]]
tier = "urgent"
unanswered = "rest"
steps = [{ page = ["team:doctors"] }, { page = ["team:registrars"], after_minutes = 0.05 }]
"""


@contextmanager
def provider() -> Iterator[tuple[str, list[tuple[str, bool]]]]:
    """Takes every page, slowly enough that kills fall between its acceptance and the commit; keeps each id with what it said of repeating."""
    took: list[tuple[str, bool]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            took.append((self.headers["webhook-id"], bool(body["data"].get("may_repeat"))))
            time.sleep(random.uniform(0, 0.03))
            self.close_connection = True
            try:
                self.send_response(204)
                self.end_headers()
            except OSError:
                return  # the pager was killed meanwhile

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", took
    server.shutdown()
    thread.join()
    server.server_close()


def wait_while(holds: Callable[[], bool], within_s: float = 30.0) -> None:
    """As long as something moves there is time; half a minute without is stuck."""
    deadline = time.monotonic() + within_s
    while holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def fewer(took: Sequence[object], than: int) -> bool:
    return len(took) < than


def unchanged(bedside: Bedside, query: str, was: int) -> bool:
    return bedside.ask(query) == [(was,)]


class Stream:
    """Opens an episode every so often until it is told to stop, as a worker does: on the clock of now."""

    def __init__(self, url: str) -> None:
        self.bedside, self.opened = Bedside(url), 0
        self.bedside.alarms = Alarms(shipped(), (), Metrics(CollectorRegistry()), lambda: ROSTER)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Stream":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            self.opened += 1
            now = datetime.now(UTC)
            moment = self.bedside.moment(str(self.opened), 0, "open")
            score = replace(self.bedside.score(moment, 5, 0), as_of=now, scored_at=now)
            with connect(self.bedside.url) as connection:
                self.bedside.alarms.decide(connection.cursor(), [moment], [score], now)


@pytest.mark.timeout(60 + 10 * KILLS)
def test_pagers_killed_at_random_lose_no_page_and_repeat_none_that_does_not_say_so(postgres_url: str, tmp_path: Path) -> None:
    random.seed(20261124)
    with provider() as (url, took):
        (tmp_path / "oncall.toml").write_text(TOML)
        (tmp_path / "vigil.toml").write_text(
            f'[database]\nurl = "{postgres_url}"\n[page]\nlease_s = 1.5\npoll_s = 0.2\noncall = "{tmp_path / "oncall.toml"}"\n'
            f'[page.channels.hook]\nkind = "webhook"\nallow_private = true\naddress = "{url}"\n'
        )
        pagers: list[subprocess.Popen[bytes]] = [vigil_page(tmp_path) for _ in range(PAGERS)]
        with Stream(postgres_url) as stream:
            for _ in range(KILLS):
                wait_while(partial(fewer, took, len(took) + 10))
                time.sleep(random.uniform(0, 0.3))
                victim = pagers.pop(0)
                os.kill(victim.pid, signal.SIGKILL)
                victim.wait()
                pagers.append(vigil_page(tmp_path))
        done = "SELECT count(*) FROM vigil.pages WHERE state = 'accepted'"
        accepted = -1
        while accepted < 2 * stream.opened:
            wait_while(partial(unchanged, stream.bedside, done, accepted))
            [(accepted,)] = stream.bedside.ask(done)
        for one in pagers:
            one.terminate()
            one.wait()
    pages = dict(stream.bedside.ask("SELECT page_id, may_repeat FROM vigil.pages"))
    arrived = Counter(page_id for page_id, _ in took)
    assert set(arrived) == set(pages)
    repeated = {page_id for page_id, times in arrived.items() if times > 1}
    assert all(pages[page_id] for page_id in repeated)
    assert {page_id for page_id, said in took if said} <= {page_id for page_id, marked in pages.items() if marked}
    firsts = {page_id for page_id, said in took if not said}
    assert Counter(page_id for page_id, said in took if not said) == Counter(firsts)
    assert stream.bedside.ask("SELECT step, person, count(*) FROM vigil.pages GROUP BY 1, 2 ORDER BY 1") == [
        (0, "ann", stream.opened), (1, "bob", stream.opened),
    ]  # fmt: skip
    logging.getLogger("vigil.trial").info("%d kills, %d episodes, %d pages, %d arrived twice, %d marked", KILLS, stream.opened, len(pages), len(repeated), sum(pages.values()))  # fmt: skip
