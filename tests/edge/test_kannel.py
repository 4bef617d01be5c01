"""SMS by SMPP through a real Kannel (Debian's): the text at the SMS centre, its delivery report, and the reply, all the way to the page."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alerts.channels.words import letters
from alerts.routing import Route
from infra.local.ports import answers
from infra.settings import ChannelSettings, PageSettings
from tests.callbacks import board, free_port
from tests.edge.test_endings import at_work, wait_for
from tests.episodes import Bedside
from tests.smsc import Smsc, smsc

NUMBER, PASSWORD = "+441632960001", "kannel-p4ss"
BEARERBOX, SMSBOX = (shutil.which(name, path="/usr/sbin:/usr/bin") for name in ("bearerbox", "smsbox"))
pytestmark = pytest.mark.skipif(BEARERBOX is None or SMSBOX is None, reason="Debian's kannel is not installed")

CONFIGURATION = """
group = core
admin-port = {admin}
admin-password = admin
smsbox-port = {box}
log-file = "{folder}/bearerbox.log"
log-level = 0

group = smsc
smsc = smpp
host = 127.0.0.1
port = {smsc}
transceiver-mode = true
smsc-username = vigil
smsc-password = smpp
system-type = "vigil"
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {http}
log-file = "{folder}/smsbox.log"
log-level = 0

group = sendsms-user
username = vigil
password = {password}

group = sms-service
keyword = default
post-url = "http://vigil:{password}@127.0.0.1:{board}/provider/one/text"
send-sender = true
max-messages = 0
"""


@contextmanager
def kannel(folder: Path, centre: Smsc, board_port: int) -> Iterator[str]:
    """Kannel's two processes, bound to the SMS centre; tells its sendsms URL."""
    ports = {"admin": free_port(), "box": free_port(), "http": free_port()}
    file = folder / "kannel.conf"
    file.write_text(CONFIGURATION.format(folder=folder, smsc=centre.port, board=board_port, password=PASSWORD, **ports))
    running = []
    try:
        for program, port in ((BEARERBOX, ports["admin"]), (SMSBOX, ports["http"])):
            running.append(subprocess.Popen([str(program), str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder))
            wait_for(lambda port=port: answers(port))
        assert centre.bound.wait(30), _log(folder, "bearerbox")[-2000:]
        yield f"http://127.0.0.1:{ports['http']}/cgi-bin/sendsms"
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(30)


def _log(folder: Path, name: str) -> str:
    file = folder / f"{name}.log"
    return file.read_text(errors="replace") if file.exists() else ""


def told(url: str, folder: Path, story: Callable[[Bedside, Smsc, str], None], *, password: str = PASSWORD) -> tuple[Bedside, Smsc]:
    """A pager, a board, Kannel and an SMS centre while a story is told; a page that cannot go this way goes by mail, to nobody."""
    ward = Bedside(url, routes=[Route(tier="rapid_response", channel="one", target=NUMBER)])
    channel = ChannelSettings(
        kind="kannel", address="http://set.below/", user="vigil", secret=PASSWORD, sender="1234", two_way=True, allow_private=True
    )
    with smsc() as centre, board(ward, {"one": channel}) as where, kannel(folder, centre, int(where.rpartition(":")[2])) as address:
        one = ChannelSettings(
            kind="kannel", address=address, user="vigil", secret=password, sender="1234", two_way=True, allow_private=True
        )
        settings = PageSettings(channels={"one": one}, poll_s=0.1, reply_s=0.1)
        at_work(ward, settings, lambda: story(ward, centre, where), base=where)
    return ward, centre


def state(ward: Bedside) -> str:
    rows = ward.ask("SELECT state FROM vigil.pages")
    return str(rows[0][0]) if rows else ""


def test_a_text_goes_through_kannel_is_reported_and_answered(postgres_url: str, tmp_path: Path) -> None:
    def story(ward: Bedside, centre: Smsc, where: str) -> None:
        ward.take(8)
        wait_for(lambda: state(ward) == "accepted" and bool(centre.sent))
        centre.receipt(0, "DELIVRD")
        wait_for(lambda: ward.ask("SELECT delivered_at IS NOT NULL FROM vigil.pages") == [(True,)])
        centre.text(NUMBER, "1234", "1 on my way")
        wait_for(lambda: state(ward) == "acknowledged")

    ward, centre = told(postgres_url, tmp_path, story)
    [(page_id, who)] = ward.ask("SELECT page_id, acknowledged_by FROM vigil.pages")
    [(to, text)] = centre.sent
    assert to.lstrip("+") == NUMBER[1:]
    assert re.fullmatch(
        rf"RAPID RESPONSE 4W 12:00 http://\S+/p/\S+ Reply 1 to acknowledge, 2 if you cannot come \({letters(page_id)}\)", text
    )
    assert who == f"one {NUMBER}"
    assert PASSWORD not in "".join(line for line in _log(tmp_path, "smsbox").splitlines() if "sendsms" in line)


def test_a_text_that_the_network_cannot_deliver_has_failed(postgres_url: str, tmp_path: Path) -> None:
    def story(ward: Bedside, centre: Smsc, where: str) -> None:
        ward.take(8)
        wait_for(lambda: state(ward) == "accepted" and bool(centre.sent))
        centre.receipt(0, "UNDELIV")
        wait_for(lambda: state(ward) == "failed")

    ward, _ = told(postgres_url, tmp_path, story)
    assert ward.ask("SELECT last_error FROM vigil.pages WHERE step = 0") == [("kannel: report 2",)]


def test_a_wrong_password_is_refused_for_good(postgres_url: str, tmp_path: Path) -> None:
    def story(ward: Bedside, centre: Smsc, where: str) -> None:
        ward.take(8)
        wait_for(lambda: state(ward) == "failed")
        time.sleep(0.3)

    ward, centre = told(postgres_url, tmp_path, story, password="guessed")
    assert ward.ask("SELECT last_error FROM vigil.pages WHERE step = 0") == [("kannel: answered 403",)]
    assert centre.sent == []
