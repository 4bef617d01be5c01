"""The trial of `tests/edge/test_pager_kills.py` against Alertmanager: killed outright at random over a stream of alerts; what arrives, is lost, or comes twice.

    .venv/bin/python -m tests.peers.alertmanager PATH_TO_ALERTMANAGER [--kills N] [--resend-s S]

Its binary is not ours and is not kept here; Debian has it as `prometheus-alertmanager`. It has no escalation, so an alert is one
notification; it holds alerts in memory only and relies on its client to send them again (Prometheus: every minute), which `--resend-s` does, and is told beside.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from infra.local.ports import choose

CONFIG = """
route: {{receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 24h}}
receivers: [{{name: hook, webhook_configs: [{{url: '{url}', send_resolved: false}}]}}]
"""
"""Each alert by itself and at once, never repeated while it lasts: as near to one page an episode as it comes."""
SETTLE_S = 20.0


class Receiver:
    """Takes every notification, as slowly as the provider of the other trial."""

    def __init__(self) -> None:
        self.took: list[str] = []
        took = self.took

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                took.extend(one["labels"]["episode"] for one in body["alerts"])
                time.sleep(random.uniform(0, 0.03))
                self.close_connection = True
                try:
                    self.send_response(204)
                    self.end_headers()
                except OSError:
                    return

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """A client that was killed is nothing to tell."""

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


class Alertmanager:
    """The process, with its data in a folder that outlives it."""

    def __init__(self, binary: Path, folder: Path, hook: str, maintenance: str) -> None:
        (folder / "am.yml").write_text(CONFIG.format(url=hook))
        self.port = choose(folder / "port.json", ["am"])["am"]
        self._command = [
            str(binary), f"--config.file={folder / 'am.yml'}", f"--storage.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=", "--log.level=error", f"--data.maintenance-interval={maintenance}",
        ]  # fmt: skip
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def up(self) -> None:
        """Returns once it takes alerts; where it never does, its package may not be installed whole."""
        deadline = time.monotonic() + 30
        while not self.post(["first"]):
            if time.monotonic() > deadline:
                raise SystemExit("it does not start; run it by hand and look: it needs the templates of its package")
            time.sleep(0.2)

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.start()

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()

    def post(self, episodes: Sequence[str]) -> bool:
        """Whether it has accepted them."""
        ends = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        body = [{"labels": {"alertname": "urgent", "episode": one}, "endsAt": ends} for one in episodes]
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v2/alerts", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class Stream:
    """Opens an alert every so often and sends it until it is accepted; all of them again every `resend_s`, as Prometheus does, where that is set."""

    def __init__(self, peer: Alertmanager, resend_s: float) -> None:
        self.peer, self.resend_s, self.opened = peer, resend_s, list[str]()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._open)] + ([threading.Thread(target=self._resend)] if resend_s else [])
        for one in self._threads:
            one.start()

    def _open(self) -> None:
        while not self._stop.wait(0.02):
            name = f"e{len(self.opened)}"
            while not self.peer.post([name]):
                time.sleep(0.1)
            self.opened.append(name)

    def _resend(self) -> None:
        while not self._stop.wait(self.resend_s):
            self.peer.post(list(self.opened))

    def settle(self, took: Sequence[str]) -> None:
        """No further ones; where it resends, once more for those that the last kill took. Returns once nothing has arrived for a while."""
        self._stop.set()
        for one in self._threads:
            one.join()
        if self.resend_s:
            while not self.peer.post(list(self.opened)):
                time.sleep(0.1)
        before, at = len(took), time.monotonic()
        while time.monotonic() - at < SETTLE_S:
            time.sleep(0.5)
            if len(took) != before:
                before, at = len(took), time.monotonic()


def trial(binary: Path, kills: int, resend_s: float, maintenance: str) -> str:
    """One run, as a line."""
    random.seed(20261124)
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as folder:
        peer = Alertmanager(binary, Path(folder), receiver.url, maintenance)
        try:
            peer.up()
            stream = Stream(peer, resend_s)
            for _ in range(kills):
                target, deadline = len(receiver.took) + 10, time.monotonic() + 60
                while len(receiver.took) < target and time.monotonic() < deadline:
                    time.sleep(0.02)
                time.sleep(random.uniform(0, 0.3))
                peer.kill()
            stream.settle(receiver.took)
        finally:
            peer.end()
    receiver.server.shutdown()
    opened = set(stream.opened)
    arrived = Counter(one for one in receiver.took if one in opened)
    lost = [one for one in stream.opened if one not in arrived]
    twice = [one for one, times in arrived.items() if times > 1]
    sent = "each sent once" if not resend_s else f"all sent again every {resend_s:g} s"
    return (
        f"{kills} kills, log kept every {maintenance}, {sent}: {len(stream.opened)} alerts accepted, {len(lost)} never arrived, {len(twice)} arrived twice or more"
        f" (none marked), at most {max(arrived.values(), default=0)} times"
    )


def main() -> None:
    """Tells a line a run on stdout."""
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--resend-s", type=float, default=5.0)
    asked = parser.parse_args()
    for resend_s, maintenance in ((0.0, "15m"), (asked.resend_s, "15m"), (asked.resend_s, "1s")):
        sys.stdout.write(trial(asked.binary, asked.kills, resend_s, maintenance) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
