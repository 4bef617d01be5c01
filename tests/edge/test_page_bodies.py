"""The canary: what each kind of channel really sends, byte for byte, holds no word of the patient, except where the settings approve it."""

import asyncio
import json
import socketserver
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from alerts.channels.configured import channels
from alerts.channels.kinds import KINDS
from alerts.pager import Pager
from alerts.routing import Route
from infra.database.connect import connect
from infra.settings import ChannelSettings, PageSettings
from tests.callbacks import sink
from tests.edge.test_endings import at_work, wait_for
from tests.episodes import NOON, Bedside
from tests.serving import serving

CANARY = "CANARY"
SECRET = "whsec_dmlnaWwtdGVzdC1zZWNyZXQtMTIzNDU2Nzg5MA=="
KANNEL_SECRET = "k4nnel-secret"


class Ward(Bedside):
    """One patient whose every identifier is the canary, with a score and a bed."""

    def __init__(self, url: str, target: str) -> None:
        super().__init__(url, routes=[Route(tier="rapid_response", channel="one", target=target)])
        self.do(
            "INSERT INTO vigil_store.encounter (patient_id, encounter_id, unit, bed, status, class, admitted_at, touched_at)"
            " VALUES (%s, %s, '4W', '12', 'open', 'I', %s, %s)", f"HOSP:{CANARY}", f"V{CANARY}", NOON, NOON,
        )  # fmt: skip
        self.do(
            "INSERT INTO vigil_store.score VALUES ('s1', %s, NULL, 'news2', '2017', 8, 8, false, %s, %s, 'live', '{}')",
            f"HOSP:{CANARY}",
            NOON,
            NOON,
        )


@contextmanager
def raw_terminal() -> Iterator[tuple[int, list[bytes]]]:
    """Says yes to whatever SNPP or SMTP says, and keeps every byte."""
    heard: list[bytes] = []

    class Dialogue(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 ready\r\n")
            while line := self.rfile.readline():
                heard.append(line)
                self.wfile.write(b"354 go on\r\n" if line.upper().startswith(b"DATA") else b"250 OK\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dialogue) as server:
        server.daemon_threads = True
        with serving(server):
            yield server.server_address[1], heard


HTTP: Mapping[str, dict[str, Any]] = {
    "wctp": {"sender": "vigil"},
    "webhook": {"secret": SECRET},
    "twilio_sms": {"user": "AC1", "secret": "twilio-auth-token", "sender": "+15005550006"},
    "twilio_voice": {"user": "AC1", "secret": "twilio-auth-token", "sender": "+15005550006"},
    "kannel": {"user": "vigil", "secret": KANNEL_SECRET},
    "pagerduty": {"secret": "0" * 32},
}
ANSWERS = {"wctp": '<wctp-Operation><wctp-Confirmation><wctp-Success successCode="200"/></wctp-Confirmation></wctp-Operation>'}


def sent_by(ward: Ward, one: ChannelSettings) -> None:
    settings = PageSettings(channels={"one": one}, poll_s=0.05, reply_s=0.05)

    def story() -> None:
        ward.take(8, mrn=CANARY)
        wait_for(lambda: ward.ask("SELECT state FROM vigil.pages") == [("accepted",)])

    at_work(ward, settings, story)


@pytest.mark.parametrize("two_way", [False, True])
@pytest.mark.parametrize("kind", HTTP)
def test_what_goes_out_over_http_names_no_patient_and_its_url_no_secret(postgres_url: str, kind: str, two_way: bool) -> None:
    ward = Ward(postgres_url, "+441632960001")
    client = '<wctp-SubmitClientResponse><wctp-ClientSuccess successCode="200" trackingNumber="1"/></wctp-SubmitClientResponse>'
    with sink(body=client if two_way and kind == "wctp" else ANSWERS.get(kind, "{}")) as provider:
        sent_by(ward, ChannelSettings(kind=kind, address=f"{provider.url}/in", allow_private=True, two_way=two_way, **HTTP[kind]))
    everything = b"".join(b"\n".join((one.path.encode(), json.dumps(dict(one.headers)).encode(), one.body)) for one in provider.requests)
    assert b"4W" in everything or b"4 W" in everything or b"4+W" in everything
    assert CANARY.encode() not in everything
    for secret in (str(HTTP[kind].get("secret", "none"))[-8:],):
        assert not [one.path for one in provider.requests if secret in one.path]


@pytest.mark.parametrize("kind", ["snpp", "smtp"])
def test_what_goes_out_over_a_plain_socket_names_no_patient(postgres_url: str, kind: str) -> None:
    ward = Ward(postgres_url, "2222")
    with raw_terminal() as (port, heard):
        sent_by(ward, ChannelSettings(kind=kind, address=f"127.0.0.1:{port}"))
    everything = b"".join(heard)
    assert b"4W" in everything
    assert CANARY.encode() not in everything


def test_what_apprise_sends_names_no_patient(postgres_url: str) -> None:
    ward = Ward(postgres_url, "team")
    with sink() as provider:
        sent_by(ward, ChannelSettings(kind="apprise", secret=provider.url.replace("http", "json"), allow_private=True))
    assert b"4W" in provider.requests[0].body
    assert CANARY.encode() not in b"".join(one.body for one in provider.requests)


def test_every_kind_is_watched_by_a_canary() -> None:
    assert set(HTTP) | {"snpp", "smtp", "apprise", "hl7"} == set(KINDS)


APPROVED: dict[str, Any] = {"carries": "patient", "encrypted": True, "approved_by": "Dr Reed"}


@pytest.mark.parametrize(
    "approval", [APPROVED, APPROVED | {"approved_by": ""}, APPROVED | {"encrypted": False}, APPROVED | {"carries": "unit"}]
)
def test_the_canary_sings_where_a_channel_is_approved_and_only_there(postgres_url: str, approval: dict[str, Any]) -> None:
    """Past the check at the start, to see that the pager itself asks: the address is plain http."""
    ward = Ward(postgres_url, "")
    with sink() as provider:
        plain = ChannelSettings(kind="webhook", address=provider.url, allow_private=True)
        ways = channels(PageSettings(channels={"one": plain}))
        approved = ChannelSettings(kind="webhook", address=provider.url, allow_private=True, **approval)
        settings = PageSettings(channels={"one": approved}, poll_s=0.05)

        async def run() -> None:
            stopping = asyncio.Event()
            working = asyncio.create_task(
                Pager(lambda: connect(ward.url), ways, settings, ward.metrics, "http://b", lambda: NOON).run(stopping)
            )
            await asyncio.to_thread(ward.take, 8, mrn=CANARY)
            await asyncio.to_thread(wait_for, lambda: bool(provider.requests))
            stopping.set()
            ward.do("SELECT pg_notify('vigil_page', '')")
            await working

        asyncio.run(run())
    data = json.loads(provider.requests[0].body)["data"]
    assert (CANARY in json.dumps(data)) is (approval == APPROVED)
    if approval == APPROVED:
        assert (data["patient"]["patient_id"], data["patient"]["encounter_id"], data["patient"]["bed"]) == (
            f"HOSP:{CANARY}",
            f"V{CANARY}",
            "12",
        )
        assert [(one["name"], one["value"]) for one in data["patient"]["findings"]] == [("news2", 8.0)]
