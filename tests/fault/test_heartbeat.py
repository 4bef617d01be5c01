"""Fault 20: any part of the pipeline stops, or all of it; an outside service that hears nothing any more tells within two minutes."""

import signal
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.local import supervision
from infra.local.ports import HOST
from tests.fault.conftest import Hospitals, Try
from tests.fault.hospital import USUAL, Hospital, Layout
from tests.installations import eventually
from tests.serving import serving

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(900), pytest.mark.fault]

EVERY_S = 10.0
ALARM_S = 35.0
"""After which silence the outside service tells: three calls and a half, so that a single slow one is no alarm."""
WITHIN_S = 120.0


class Outside:
    """The service outside: remembers when it was called."""

    def __init__(self) -> None:
        self.called = time.monotonic()
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outside.called = time.monotonic()
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self.server.server_port}/"

    def alarm(self) -> bool:
        """Whether it would tell somebody now."""
        return time.monotonic() - self.called > ALARM_S


@pytest.fixture
def outside() -> Iterator[Outside]:
    one = Outside()
    with serving(one.server):
        yield one


@pytest.fixture
def watched(hospitals: Hospitals, outside: Outside) -> Hospital:
    return hospitals.of(Layout(up=USUAL.up, settings=f'[watch]\nheartbeat_url = "{outside.url}"\nheartbeat_s = {EVERY_S}\n'))


def test_the_pipeline_stops(watched: Hospital, outside: Outside, trial: Try) -> None:
    """Each part hangs in turn, which no supervisor sees; at last everything is killed, the supervisor first."""
    hospital = watched
    slowest = 0.0
    with trial(hospital, 20, "the pipeline stops", allowed={"repeats", "put_aside"}) as run:
        eventually(lambda: time.monotonic() - outside.called < 2.0)
        for part in (("listen",), ("kafka",), ("work", "work-2", "work-3"), ("postgres",), ("page", "page-2")):
            frozen = [one for name in part for one in hospital.freeze(name)]
            slowest = max(slowest, told_after(outside))
            hospital.thaw(frozen)
            run.strike()
            thawed = time.monotonic()
            eventually(lambda thawed=thawed: outside.called > thawed, within_s=120)
            eventually(hospital.ready, within_s=120, every_s=1.0)
        for process in sorted(supervision.leftovers(hospital.home), key=lambda one: "supervisord" not in " ".join(one.cmdline())):
            process.send_signal(signal.SIGKILL)
        slowest = max(slowest, told_after(outside))
        hospital.up()
        run.strike()
        eventually(lambda: not outside.alarm())
    run.line.title += f": told after {slowest:.0f} s at most"


def told_after(outside: Outside) -> float:
    """Seconds from now until the service outside tells; fails where that is too late."""
    began = time.monotonic()
    eventually(outside.alarm, within_s=WITHIN_S)
    return time.monotonic() - began
