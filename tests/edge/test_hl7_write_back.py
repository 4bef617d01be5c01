"""Write-back to the EHR over TLS: against the MLLP server of python-hl7, read by hl7apy's validator; and what acknowledgements and silence mean."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import hl7
import pytest
import trustme
from hl7.mllp import HL7StreamReader, HL7StreamWriter, start_hl7_server
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from alerts.channels.channel import Accepted, Chart, Finding, Page, Refused
from alerts.channels.hl7 import Hl7
from alerts.channels.oru import report
from parsers.read import read
from tests.callbacks import free_port
from tests.episodes import NOON

CHART = Chart(
    patient_id="HOSP:4711", encounter_id="V^1|2", patient_class="I", bed="12", reason="news2 9 rises & stays",
    findings=(
        Finding(name="deterioration", version="3", value=0.42, as_of=NOON), Finding(name="news2", version="2017", value=9.0, as_of=NOON),
        Finding(name="qsofa", version="2016", value=None, as_of=NOON),
    ),
)  # fmt: skip
PAGE = Page(
    page_id="pg-0123456789abcdef0123", tier="rapid_response", unit="4W", created_at=NOON, link="https://vigil.test/p/t0k", chart=CHART
)
CONTROL = "0123456789abcdef0123"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def told(
    authority: trustme.CA, answer: Callable[[Any], bytes | None], *, page: Page = PAGE, trusted: trustme.CA | None = None
) -> tuple[Accepted | Refused, list[str]]:
    """What the channel makes of an EHR that answers so, and what the EHR got."""
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    (trusted or authority).configure_trust(client)
    got: list[str] = []

    async def ehr(reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
        message = await reader.readmessage()
        got.append(str(message))
        said = answer(message)
        if said is not None:
            writer.writeblock(said)
            await writer.drain()
        writer.close()

    async def run() -> Accepted | Refused:
        async with await start_hl7_server(ehr, "localhost", 0, ssl=server, encoding="utf-8") as listening:
            port = listening.sockets[0].getsockname()[1]
            return await Hl7("localhost", port, 5.0, client, "VIGIL/HOSP").send(page, "EHR/HOSP")

    return asyncio.run(run()), got


def ack(code: str) -> Callable[[Any], bytes]:
    return lambda message: str(message.create_ack(code)).encode()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ack("AA"), Accepted(provider_ref=CONTROL)),
        (ack("CA"), Accepted(provider_ref=CONTROL)),
        (ack("AE"), Refused(permanent=True, detail="hl7: answered AE")),
        (ack("AR"), Refused(permanent=True, detail="hl7: answered AR")),
        (ack("CR"), Refused(permanent=True, detail="hl7: answered AR")),
        (lambda _: None, Refused(permanent=False, detail="hl7: no acknowledgement", unknown=True)),
        (
            lambda _: b"MSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.5.1\rMSA|AA|another\r",
            Refused(permanent=False, detail="hl7: answered with what acknowledges nothing", unknown=True),
        ),
        (lambda _: b"hello", Refused(permanent=False, detail="hl7: answered with what acknowledges nothing", unknown=True)),
    ],
)
def test_only_an_acknowledgement_of_this_very_message_is_one(
    authority: trustme.CA, answer: Callable[[Any], bytes | None], expected: Accepted | Refused
) -> None:
    outcome, got = told(authority, answer)
    assert outcome == expected
    assert len(got) == 1


def test_an_ehr_that_shows_a_strangers_certificate_gets_nothing(authority: trustme.CA) -> None:
    outcome, got = told(authority, ack("AA"), trusted=trustme.CA())
    assert isinstance(outcome, Refused)
    assert (outcome.permanent, outcome.unknown, got) == (False, False, [])


def test_an_ehr_that_is_away_is_known_to_have_got_nothing() -> None:
    outcome = asyncio.run(Hl7("localhost", free_port(), 2.0, ssl.create_default_context(), "VIGIL/HOSP").send(PAGE, "EHR"))
    assert isinstance(outcome, Refused)
    assert (outcome.permanent, outcome.unknown) == (False, False)


def test_a_test_page_names_no_patient_and_is_not_sent(authority: trustme.CA) -> None:
    page = Page(page_id="test-1", tier="test", unit="TEST", created_at=NOON, link="")
    assert told(authority, ack("AA"), page=page) == (Refused(permanent=True, detail="hl7: this page is about no patient"), [])


def test_the_message_is_a_valid_oru_of_2_5_1() -> None:
    raw = report(PAGE, CHART, "VIGIL/HOSP", "EHR/HOSP", NOON)
    assert parse_message(raw.decode(), validation_level=VALIDATION_LEVEL.STRICT).validate()


def test_it_says_whom_what_and_how_much_and_escapes_what_it_was_given() -> None:
    message = hl7.parse(report(PAGE, CHART, "VIGIL/HOSP", "EHR/HOSP", NOON).decode())
    assert [str(message.segment("MSH")(field)) for field in (3, 4, 5, 6, 9, 10, 11, 12)] == [
        "VIGIL",
        "HOSP",
        "EHR",
        "HOSP",
        "ORU^R01^ORU_R01",
        CONTROL,
        "P",
        "2.5.1",
    ]
    assert str(message.segment("PID")(3)) == "4711^^^HOSP^MR"
    assert [str(message.segment("PV1")(field)) for field in (2, 3, 19)] == ["I", "4W^^12", "V\\S\\1\\F\\2"]
    assert [(str(one(2)), str(one(3)), str(one(5)), str(one(11))) for one in message.segments("OBX")] == [
        ("ST", "TIER^Alert tier^99VIGIL", "rapid_response", "F"),
        ("ST", "REASON^Reason of the alert^99VIGIL", "news2 9 rises \\T\\ stays", "F"),
        ("NM", "deterioration^deterioration 3^99VIGIL", "0.42", "F"),
        ("NM", "1104051000000101^Royal College of Physicians NEWS2 (National Early Warning Score 2) total score^SCT", "9", "F"),
    ]


@pytest.mark.parametrize("hostile", ["4W\rPID|1||9999", "4W|x^y~z&\\", "4W\x0b\x1c\r", "4W\nOBX|9"])
def test_a_name_makes_no_segment_and_no_frame(hostile: str) -> None:
    page = Page(page_id="pg-1", tier=hostile, unit=hostile, created_at=NOON, link="")
    chart = Chart(patient_id=f"HOSP:{hostile}", encounter_id=hostile, patient_class=hostile, bed=hostile, reason=hostile, findings=())
    raw = report(page, chart, hostile, hostile, NOON)
    assert [segment[:3] for segment in raw.split(b"\r")] == [b"MSH", b"PID", b"PV1", b"OBR", b"OBX", b"OBX", b""]
    assert not set(b"\x0b\x1c\n") & set(raw)


def test_vigils_own_parser_reads_back_what_was_written() -> None:
    found = read(report(PAGE, CHART, "VIGIL/HOSP", "EHR/HOSP", NOON))
    assert found.patient is not None
    assert found.patient.key == "HOSP:4711"
