"""Watching the watchman: a page for a patient nobody has arrives through the whole path; when it does not, ops are told and the outside ping stops."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.local.ports import choose
from tests.serving import serving
from tests.story.conftest import Hospital, eventually, running

pytestmark = pytest.mark.xdist_group("installations")


class Outside:
    """The service outside and the test target: counts its pings, and acknowledges every page by its link as long as it is told to."""

    def __init__(self) -> None:
        self.pinged, self.answering, self.pages = 0.0, True, list[str]()
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outside.pinged = time.monotonic()
                self._done()

            def do_POST(self) -> None:
                page = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outside.pages.append(json.dumps(page))
                self._done()
                if outside.answering:
                    answer = f"{page['data']['link']}/acknowledge"
                    urllib.request.urlopen(answer, data=b"by=test+target", timeout=10).close()  # noqa: S310 (the board on loopback)

            def _done(self) -> None:
                self.send_response(204)
                self.end_headers()
                self.wfile.flush()

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    one = Outside()
    with serving(one.server):
        yield one


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory, outside: Outside) -> Iterator[Hospital]:
    home = tmp_path_factory.mktemp("hospital")
    ports = choose(home / "catchers.json", ["snpp", "smtp", "http"])
    (home / "vigil.toml").write_text(
        f'[page]\npoll_s = 0.5\n[page.channels.test]\nkind = "webhook"\nallow_private = true\naddress = "{outside.url}"\n'
        f'[page.channels.pager]\nkind = "snpp"\naddress = "127.0.0.1:{ports["snpp"]}"\n'
        '[[page.routes]]\ntier = "synthetic"\nchannel = "test"\ntarget = "test"\n'
        '[[page.routes]]\ntier = "rapid_response"\nchannel = "pager"\ntarget = "2222"\n'
        f'[watch]\ninterval_s = 1.0\nchannel = "pager"\ntarget = "ops"\nheartbeat_url = "{outside.url}"\nheartbeat_s = 3.0\n'
        "page_every_s = 3.0\npage_within_s = 12.0\npage_answered = true\n"
    )
    with running(home, ports) as place:
        yield place


def measured(hospital: Hospital, name: str) -> float | None:
    with urllib.request.urlopen(f"http://127.0.0.1:{hospital.settings.watch.metrics_port}/metrics", timeout=5) as answer:
        lines = [line for line in answer.read().decode().splitlines() if line.startswith(name)]
    return float(lines[0].rsplit(" ", 1)[1]) if lines else None


def told(hospital: Hospital) -> list[str]:
    """What ops have been told of the test page."""
    return [page["text"] for page in hospital.caught() if page["target"] == "ops" and "test page" in page["text"]]


def quiet(outside: Outside) -> bool:
    return time.monotonic() - outside.pinged > 8


def test_the_test_page_arrives_and_is_answered_and_nobody_else_hears_of_it(hospital: Hospital, outside: Outside) -> None:
    eventually(lambda: (measured(hospital, 'vigil_test_pages_total{feed="main",stage="arrived"}') or 0) >= 2)
    assert (measured(hospital, 'vigil_test_page_seconds{feed="main"}') or 99) < 12
    eventually(lambda: time.monotonic() - outside.pinged < 4)
    assert hospital.ask(
        "SELECT (SELECT count(*) FROM vigil.pages), (SELECT count(*) FROM vigil.episodes), (SELECT count(*) FROM vigil.scores)"
    ) == [(0, 0, 0)]
    assert [page for page in hospital.caught() if page["target"] == "2222"] == []
    with urllib.request.urlopen(f"http://127.0.0.1:{hospital.settings.board.port}/api/ward", timeout=5) as answer:
        shown = json.loads(answer.read())
    assert (shown["patients"], shown["pages"], shown["open_episodes"]) == ([], [], 0)


def test_when_the_target_does_not_answer_ops_are_told_and_the_ping_stops_until_it_does(hospital: Hospital, outside: Outside) -> None:
    before = len(told(hospital))
    outside.answering = False
    eventually(lambda: len(told(hospital)) > before)
    assert "did not answer" in told(hospital)[before]
    eventually(lambda: quiet(outside))
    outside.answering = True
    eventually(lambda: not quiet(outside))


def test_a_pager_that_hangs_is_found_out_though_every_score_still_comes(hospital: Hospital, outside: Outside) -> None:
    before = len(told(hospital))
    pager = hospital.pid("page")
    os.kill(pager, signal.SIGSTOP)
    try:
        eventually(lambda: quiet(outside))
        eventually(lambda: len(told(hospital)) > before)
    finally:
        os.kill(pager, signal.SIGCONT)
    eventually(lambda: not quiet(outside))


def test_each_trial_leaves_nothing_open(hospital: Hospital) -> None:
    hospital.vigil("down")
    hospital.vigil("up", "--detach")
    eventually(
        lambda: (
            hospital.ask("SELECT count(*) <= 1 FROM vigil_store.episode WHERE closed_at IS NULL AND patient_id LIKE 'VIGIL:%%'")
            == [(True,)]
        )
    )
