"""Channels against peers of other projects: Debian's Net::SNPP::Server, aiosmtpd, and an HTTP receiver that checks signatures."""

import asyncio
import json
import shutil
import socket
import socketserver
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from aiosmtpd.controller import Controller
from msgspec import structs
from standardwebhooks.webhooks import Webhook as Verifier

from alerts.channels.channel import Accepted, Chart, Page, Refused, Reply
from alerts.channels.smtp import Smtp
from alerts.channels.snpp import Snpp
from alerts.channels.webhook import Webhook
from tests.serving import serving

PAGE = Page(
    page_id="pg-1",
    tier="rapid_response",
    unit="4W\r\nSEND",
    created_at=datetime(2026, 3, 1, 12, 5, tzinfo=UTC),
    link="http://board/p/t0ken",
)
SECRET = "whsec_dmlnaWwtdGVzdC1zZWNyZXQtMTIzNDU2Nzg5MA=="

PERL_SERVER = r"""
use strict; use Net::SNPP::Server;
my ($port, $book) = @ARGV;
my $server = Net::SNPP::Server->new(Port => $port) or die "no server";
$server->callback('validate_pager_id', sub { $_[0] =~ /^\d+$/ ? $_[0] : undef });
$server->callback('process_page', sub { my ($id, $page) = @_; open my $f, '>>', $book; $id = $id->[0] if ref $id; print $f join("|", $id, $page->{mess}, map { "$_=$page->{responses}{$_}" } sort keys %{$page->{responses} || {}}), "\n"; close $f; 1 });
$server->callback('write_log', sub {});
$server->custom_command('MSTA', sub { open my $f, '<', "$book.reply" or return ("960 1 20260301120500+0 queued", 1); my $said = <$f>; chomp $said; return ($said, 1); });
while (my $client = $server->client()) { $server->handle_client($client); close $client; }
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def has_net_snpp() -> bool:
    perl = shutil.which("perl")
    return perl is not None and subprocess.run([perl, "-MNet::SNPP::Server", "-e1"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def perl_pager(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    port, book = free_port(), tmp_path / "book"
    server = subprocess.Popen(["perl", "-e", PERL_SERVER, str(port), str(book)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port, book
    server.kill()
    server.wait()


@pytest.mark.skipif(not has_net_snpp(), reason="Debian's libnet-snpp-perl is not installed")
def test_a_page_reaches_another_projects_snpp_server_on_one_line(perl_pager: tuple[int, Path]) -> None:
    port, book = perl_pager
    assert isinstance(asyncio.run(Snpp("127.0.0.1", port, 5.0).send(PAGE, "2222")), Accepted)
    assert book.read_text() == "2222|RAPID RESPONSE 4W SEND 12:05 http://board/p/t0ken\n"


@pytest.mark.skipif(not has_net_snpp(), reason="Debian's libnet-snpp-perl is not installed")
@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("", None),
        ("888 7 20260301120600+0 01", "acknowledge"),
        ("888 7 20260301120600+0 2", "decline"),
        ("889 7 20260301120600+0 ACK on my way", "acknowledge"),
        ("889 7 20260301120600+0 who is this?", None),
        ("550 unknown tag", None),
    ],
)
def test_a_two_way_page_offers_answers_and_is_asked_after_at_another_projects_server(
    perl_pager: tuple[int, Path], said: str, reply: Reply | None
) -> None:
    port, book = perl_pager
    channel = Snpp("127.0.0.1", port, 5.0, two_way=True)
    sent = asyncio.run(channel.send(PAGE, "2222"))
    assert isinstance(sent, Accepted)
    assert sent.provider_ref is not None
    assert [part.isdigit() for part in sent.provider_ref.split()] == [True, True]
    assert book.read_text() == "2222|RAPID RESPONSE 4W SEND 12:05 http://board/p/t0ken|01=01 Acknowledge|02=02 Decline\n"
    if said:
        book.with_suffix(".reply").write_text(f"{said}\n")
    assert asyncio.run(channel.reply(sent.provider_ref)) == reply


def test_a_terminal_that_is_away_when_it_is_asked_for_an_answer_gives_none() -> None:
    assert asyncio.run(Snpp("127.0.0.1", free_port(), 1.0, two_way=True).reply("1 2")) is None


@contextmanager
def terminal(answers: Mapping[str, str], silent_s: float = 0.0) -> Iterator[int]:
    """A paging terminal that answers as told: by command, `""` for the greeting, an empty answer hangs up."""

    class Dialogue(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            time.sleep(silent_s)
            self.wfile.write(f"{answers.get('', '220 ready')}\r\n".encode())
            while line := self.rfile.readline():
                answer = answers.get(line.decode()[:4].strip(), "250 OK")
                if not answer:
                    return
                self.wfile.write(f"{answer}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dialogue) as server, serving(server):
        yield server.server_address[1]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"SEND": "250 sent, id 77"}, Accepted(provider_ref="sent, id 77")),
        ({"PAGE": "550 unknown pager"}, Refused(permanent=True, detail="snpp: PAGE answered 550")),
        ({"SEND": "554 try later"}, Refused(permanent=False, detail="snpp: SEND answered 554")),
        ({"": "421 closing"}, Refused(permanent=False, detail="snpp: greeted with 421")),
    ],
)
def test_what_a_paging_terminal_answers_decides_whether_it_is_tried_again(answers: dict[str, str], outcome: Accepted | Refused) -> None:
    with terminal(answers) as port:
        assert asyncio.run(Snpp("127.0.0.1", port, 5.0).send(PAGE, "1")) == outcome


@pytest.mark.parametrize(("answers", "silent_s", "unknown"), [({"SEND": ""}, 0.0, True), ({"MESS": ""}, 0.0, False), ({}, 1.0, False)])
def test_a_terminal_that_hangs_up_or_says_nothing_is_tried_again_and_after_send_nobody_knows(
    answers: dict[str, str], silent_s: float, unknown: bool
) -> None:
    with terminal(answers, silent_s) as port:
        outcome = asyncio.run(Snpp("127.0.0.1", port, 0.5).send(PAGE, "1"))
    assert isinstance(outcome, Refused)
    assert (outcome.permanent, outcome.unknown) == (False, unknown)


def test_a_terminal_that_is_away_is_tried_again() -> None:
    outcome = asyncio.run(Snpp("127.0.0.1", free_port(), 1.0).send(PAGE, "1"))
    assert isinstance(outcome, Refused)
    assert not outcome.permanent


class Mailbox:
    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody"):
            return "550 no such mailbox"
        if address.startswith("busy"):
            return "451 try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.messages.append(envelope)
        return "250 queued as 7"


def test_mail_is_accepted_refused_or_tried_again_as_the_server_says() -> None:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        channel = Smtp("127.0.0.1", controller.port, 5.0, sender="vigil@hospital.test")
        outcomes = [asyncio.run(channel.send(PAGE, f"{who}@hospital.test")) for who in ("doctor", "nobody", "busy")]
    finally:
        controller.stop()
    assert isinstance(outcomes[0], Accepted)
    assert [one.permanent for one in outcomes[1:] if isinstance(one, Refused)] == [True, False]
    [mail] = box.messages
    assert mail.rcpt_tos == ["doctor@hospital.test"]
    assert b"Subject: RAPID RESPONSE 4W SEND 12:05" in mail.content
    assert b"http://board/p/t0ken" in mail.content


CHART = Chart(patient_id="HOSP:4711", encounter_id="V1", patient_class="I", bed="12", reason="news2 9 rises")


def test_mail_that_may_name_the_patient_does_so_over_tls_and_not_in_its_subject() -> None:
    box, authority = Mailbox(), trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    controller = Controller(box, hostname="localhost", port=free_port(), ssl_context=server)
    controller.start()
    try:
        page = structs.replace(PAGE, chart=CHART)
        outcomes = [
            asyncio.run(
                Smtp("localhost", controller.port, 5.0, sender="vigil@hospital.test", context=context).send(page, "doctor@hospital.test")
            )
            for context in (client, ssl.create_default_context())
        ]
    finally:
        controller.stop()
    assert isinstance(outcomes[0], Accepted)
    assert isinstance(outcomes[1], Refused)  # a server whose certificate nobody vouches for gets nothing
    [mail] = box.messages
    head, _, body = mail.content.partition(b"\r\n\r\n")
    assert b"HOSP:4711 bed 12 news2 9 rises" in body
    assert b"4711" not in head


def hooked(status: int, check: Callable[[web.Request, str], None] = lambda *_: None) -> Accepted | Refused:
    async def take(request: web.Request) -> web.Response:
        check(request, await request.text())
        return web.Response(status=status)

    async def run() -> Accepted | Refused:
        app = web.Application()
        app.router.add_post("/", take)
        runner = web.AppRunner(app)
        await runner.setup()
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            port = listening.getsockname()[1]
            await web.SockSite(runner, listening.dup()).start()
        try:
            return await Webhook(f"http://127.0.0.1:{port}/", SECRET, 5.0, allow_private=True).send(PAGE, "team")
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def test_a_web_hook_is_signed_and_carries_the_pages_id() -> None:
    seen: list[Any] = []

    def check(request: web.Request, body: str) -> None:
        seen.append(Verifier(SECRET).verify(body, dict(request.headers)))
        assert request.headers["webhook-id"] == "pg-1"
        assert set(json.loads(body)["data"]) == {"page_id", "tier", "unit", "target", "link"}

    assert isinstance(hooked(204, check), Accepted)
    assert seen


@pytest.mark.parametrize(("status", "permanent"), [(410, True), (404, True), (429, False), (500, False), (503, False), (302, False)])
def test_a_web_hooks_refusal_is_permanent_where_it_says_so(status: int, permanent: bool) -> None:
    assert hooked(status) == Refused(permanent=permanent, detail=f"webhook: answered {status}")
