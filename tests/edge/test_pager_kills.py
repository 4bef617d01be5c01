"""Pagers and their database killed outright at random instants over a stream of episodes that escalate: every page arrives, and what arrives twice says
that it may.

`VIGIL_KILLS=1000` makes it the long trial; it tells its figures (`--log-level INFO`). The same against Alertmanager: `tests/peers/alertmanager.py`.
"""

import json
import logging
import os
import random
import signal
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
from infra.database.connect import AWAY, connect
from infra.metrics import Metrics
from scoring.score import Score
from streams.processing import Moment
from tests.edge.test_pager_through_outages import vigil_page
from tests.episodes import Bedside, shipped
from tests.own_postgres import OwnPostgres
from tests.serving import serving

KILLS = int(os.environ.get("VIGIL_KILLS", "8"))
PATIENCE_S = 120.0
"""As long as something moves there is time; so long without is stuck. A killed database needs some seconds to be whole again."""
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
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}/", took


def wait_while(holds: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def fewer(took: Sequence[object], than: int) -> bool:
    return len(took) < than


def unchanged(bedside: Bedside, query: str, was: int) -> bool:
    return bedside.ask(query) == [(was,)]


class Stream:
    """Opens an episode every so often until it is told to stop, as a worker does: on the clock of now, and each until its transaction stands."""

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
            while not self._decided(moment, score):
                time.sleep(0.1)

    def _decided(self, moment: Moment, score: Score) -> bool:
        """Whether the transaction stands; where nobody knows it is made again, and the same message opens the same episode."""
        try:
            with connect(self.bedside.url) as connection:
                self.bedside.alarms.decide(connection.cursor(), [moment], [score], score.scored_at)
        except AWAY:
            return False
        return True


class Killer:
    """Kills one of the pagers, or their database where the trial has one of its own, and starts it again."""

    def __init__(self, home: Path, database: OwnPostgres | None) -> None:
        self.pagers = [vigil_page(home) for _ in range(PAGERS)]
        self.killed: Counter[str] = Counter()
        self._home, self._database = home, database

    def strike(self) -> None:
        """Of the database's kills half take a pager with them, while it is down."""
        if self._database is not None and random.random() < 0.5:
            self._database.kill()
            self.killed["database"] += 1
            if random.random() < 0.5:
                self._kill_pager()
            self._database.up()
            return
        self._kill_pager()

    def _kill_pager(self) -> None:
        victim = self.pagers.pop(0)
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        self.pagers.append(vigil_page(self._home))
        self.killed["pager"] += 1

    def end(self) -> None:
        for one in self.pagers:
            one.terminate()
        for one in self.pagers:
            one.wait()


def trial(url: str, home: Path, database: OwnPostgres | None, kills: int) -> dict[str, object]:
    """Tells its figures, and what is wrong."""
    random.seed(20261124)
    with provider() as (address, took):
        (home / "oncall.toml").write_text(TOML)
        (home / "vigil.toml").write_text(
            f'[database]\nurl = "{url}"\n[page]\nlease_s = 1.5\npoll_s = 0.2\noncall = "{home / "oncall.toml"}"\n'
            f'[page.channels.hook]\nkind = "webhook"\nallow_private = true\naddress = "{address}"\n'
        )
        killer = Killer(home, database)
        try:
            with Stream(url) as stream:
                for _ in range(kills):
                    wait_while(partial(fewer, took, len(took) + 10), PATIENCE_S)
                    time.sleep(random.uniform(0, 0.3))
                    killer.strike()
            done = "SELECT count(*) FROM vigil.pages WHERE state = 'accepted'"
            accepted = -1
            while accepted < 2 * stream.opened:
                wait_while(partial(unchanged, stream.bedside, done, accepted), PATIENCE_S)
                [(accepted,)] = stream.bedside.ask(done)
        finally:
            killer.end()
    _tell(stream, took, killer.killed)
    return wrong(stream, took)


def wrong(stream: Stream, took: Sequence[tuple[str, bool]]) -> dict[str, object]:
    """What the promise does not allow, by name; nothing where it was kept."""
    pages = dict(stream.bedside.ask("SELECT page_id, may_repeat FROM vigil.pages"))
    arrived = Counter(page_id for page_id, _ in took)
    plain = Counter(page_id for page_id, said in took if not said)
    made = stream.bedside.ask("SELECT step, person, count(*) FROM vigil.pages GROUP BY 1, 2 ORDER BY 1")
    found: dict[str, object] = {
        "lost": set(pages) - set(arrived),
        "made up": set(arrived) - set(pages),
        "came twice and is not marked": {page_id for page_id, times in arrived.items() if times > 1 and not pages[page_id]},
        "said that it may repeat and is not marked": {page_id for page_id, said in took if said and not pages[page_id]},
        "came twice without saying so": {page_id for page_id, times in plain.items() if times > 1},
        "decided otherwise": made if made != [(0, "ann", stream.opened), (1, "bob", stream.opened)] else (),
    }
    return {name: what for name, what in found.items() if what}


def _tell(stream: Stream, took: Sequence[tuple[str, bool]], killed: Counter[str]) -> None:
    pages = dict(stream.bedside.ask("SELECT page_id, may_repeat FROM vigil.pages"))
    arrived = Counter(page_id for page_id, _ in took)
    repeated = [page_id for page_id, times in arrived.items() if times > 1]
    logging.getLogger("vigil.trial").info(
        "%d kills of pagers, %d of the database, %d episodes, %d pages, %d arrived, %d twice or more, at most %d times; %d were marked",
        killed["pager"], killed["database"], stream.opened, len(pages), len(arrived), len(repeated), max(arrived.values()), sum(pages.values()),
    )  # fmt: skip


@pytest.mark.timeout(120 + 20 * KILLS)
def test_pagers_killed_at_random_lose_no_page_and_repeat_none_that_does_not_say_so(postgres_url: str, tmp_path: Path) -> None:
    assert trial(postgres_url, tmp_path, None, KILLS) == {}


@pytest.mark.timeout(240 + 30 * KILLS)
def test_pagers_and_their_database_killed_at_random_lose_no_page_either(tmp_path: Path) -> None:
    database = OwnPostgres(tmp_path)
    try:
        assert trial(database.url, tmp_path, database, KILLS) == {}
    finally:
        database.stop()
