"""A whole hospital installation for the stories: `vigil up`, local catchers for its pages, and a sender that does not give up."""

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.clock import Clock
from infra.local.ports import choose
from streams.ward.pace import Tally, send_paced
from streams.ward.ward import Sent
from tests.installations import VIGIL, Installation, eventually


class Hospital(Installation):
    """What a story does to an installation, and what it sees of it."""

    def send(self, messages: Sequence[bytes], during: Callable[[int], None] = lambda _: None) -> Tally:
        """Every message until it is answered, in order, over as many connections as it takes."""
        feed = self.settings.listen.feeds[0]
        sent = (Sent(datetime.now(UTC), raw) for raw in messages)
        return asyncio.run(send_paced(sent, Clock(), feed.host, feed.port, tally=Tally(), on_sent=during, paced=False))

    def recorded(self) -> int:
        return int(self.ask("SELECT count(*) FROM vigil.messages")[0][0])

    def caught(self) -> list[dict[str, str]]:
        """Every page that a catcher took."""
        book = self.home / "pages.jsonl"
        return [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []

    def tiers(self, mrn: str) -> list[str]:
        """The tiers that were paged for a patient, in order; only pages that a provider accepted."""
        rows = self.ask(
            "SELECT p.tier FROM vigil.pages p JOIN vigil.episodes e USING (episode_id) WHERE e.patient_id = %s AND p.accepted_at IS NOT NULL ORDER BY p.created_at",
            f"HOSP:{mrn}",
        )
        return [row[0] for row in rows]

    def settled(self, messages: int) -> None:
        """Waits until so many messages are recorded and no page waits."""
        eventually(
            lambda: (
                self.recorded() >= messages and self.ask("SELECT count(*) FROM vigil.pages WHERE state IN ('pending', 'sending')") == [(0,)]
            )
        )

    def pid(self, name: str) -> int:
        status = json.loads(self.vigil("status", "--json", check=False).stdout)
        return int(next(one["pid"] for one in status["processes"] if one["name"] == name))


@contextmanager
def running(home: Path, ports: Mapping[str, int]) -> Iterator[Hospital]:
    """The installation of a home whose settings are written, with catchers for its pages on these ports."""
    listening = ["--snpp-port", str(ports["snpp"]), "--smtp-port", str(ports["smtp"]), "--http-port", str(ports["http"])]
    catcher = subprocess.Popen([*VIGIL, "catch", "--home", str(home), *listening], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    place = Hospital(home)
    try:
        place.vigil("up", "--detach")
        yield place
    finally:
        place.vigil("down", check=False)
        catcher.terminate()
        catcher.wait()


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    home = tmp_path_factory.mktemp("hospital")
    ports = choose(home / "catchers.json", ["snpp", "smtp", "http"])
    (home / "vigil.toml").write_text(
        f"""
[page.channels.pager]
kind = "snpp"
address = "127.0.0.1:{ports["snpp"]}"
[page.channels.mail]
kind = "smtp"
address = "127.0.0.1:{ports["smtp"]}"
sender = "vigil@hospital.test"
[page.channels.hook]
kind = "webhook"
allow_private = true
address = "http://127.0.0.1:{ports["http"]}/"
secret = "whsec_dmlnaWwtc3RvcnktdGVzdC1zZWNyZXQtMTIzNDU="
[[page.routes]]
tier = "rapid_response"
channel = "pager"
target = "2222"
[[page.routes]]
tier = "urgent"
channel = "mail"
target = "doctor@hospital.test"
[[page.routes]]
tier = "watch"
channel = "hook"
"""
    )
    with running(home, ports) as place:
        yield place
