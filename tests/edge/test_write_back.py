"""Scores that raise nothing, told to an EHR: which and when the settings say, under one key, the newest only, against python-hl7's MLLP server over TLS."""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import hl7
import pytest
import trustme
from hl7.mllp import HL7StreamReader, HL7StreamWriter, start_hl7_server
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alerts.bedside import Alarms
from alerts.channels.hl7 import Hl7
from alerts.gate import Gate
from alerts.pager import Pager
from alerts.write_back import destinations
from alerts.write_back_sending import Writing
from infra.database.connect import connect
from infra.metrics import Metrics
from infra.settings import ChannelSettings, PageSettings
from tests.callbacks import free_port
from tests.episodes import NOON, Bedside, shipped
from tests.installations import eventually

CODE = "1104051000000101^Royal College of Physicians NEWS2 (National Early Warning Score 2) total score^SCT"
ROWS = "SELECT patient_id, state, attempts, sent_score_id IS NOT NULL, last_error FROM vigil.write_backs ORDER BY patient_id"


def settings(when: str) -> PageSettings:
    channel = ChannelSettings(
        kind="hl7", address="ehr:1", sender="VIGIL/HOSP", tls=True, carries="patient", encrypted=True, approved_by="Dr Reed", write_back=("news2",),
        write_when=when, write_to="EHR/HOSP",
    )  # type: ignore[arg-type]  # fmt: skip
    return PageSettings(channels={"ehr": channel}, lease_s=0.2, poll_s=0.1)


class Ehr:
    """What an EHR got, and how it answers."""

    def __init__(self, answer: Callable[[Any], bytes | None] | None = None) -> None:
        self.got: list[Any] = []
        self.answer = answer or (lambda message: str(message.create_ack("AA")).encode())

    @property
    def values(self) -> list[tuple[str, str]]:
        """(patient, NEWS2) in the order in which they came."""
        return [(str(one.segment("PID")(3)).split("^")[0], str(one.segment("OBX")(5))) for one in self.got]


class Ward(Bedside):
    """A bedside whose scores are written back to an EHR."""

    def __init__(self, url: str, when: str) -> None:
        super().__init__(url)
        self.settings, self.authority = settings(when), trustme.CA()
        self.metrics = Metrics(CollectorRegistry())
        self.alarms = Alarms(shipped(), (), self.metrics, written_to=destinations(self.settings))

    def rounds(self, ehr: Ehr, many: int = 1, *, away: bool = False, killed: bool = False, whole: bool = False) -> None:
        """A pager that has just started looks so often. `killed`: it dies before it writes down what became of them; `whole`: the pager itself, until all is sent."""
        server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
        self.authority.issue_cert("localhost").configure_cert(server)
        self.authority.configure_trust(client)

        async def take(reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
            message = await reader.readmessage()
            ehr.got.append(message)
            said = ehr.answer(message)
            if said is not None:
                writer.writeblock(said)
                await writer.drain()
            writer.close()

        async def run() -> None:
            async with await start_hl7_server(take, "localhost", 0, ssl=server, encoding="utf-8") as listening:
                port = free_port() if away else listening.sockets[0].getsockname()[1]
                ways = {"ehr": Hl7("localhost", port, 5.0, client, "VIGIL/HOSP")}
                if whole:
                    return await self._pager(ways)
                with connect(self.url, autocommit=True) as work:
                    writing = Writing(ways, self.settings, {"ehr": Gate()}, self.metrics, lambda: NOON)
                    if killed:
                        writing._settle = lambda *_: None  # type: ignore[method-assign]
                    for _ in range(many):
                        await writing.round(work)
            return None

        asyncio.run(run())

    async def _pager(self, ways: Mapping[str, Hl7]) -> None:
        stopping = asyncio.Event()
        pager = Pager(lambda: connect(self.url), ways, self.settings, self.metrics, "http://board", lambda: NOON)
        running = asyncio.create_task(pager.run(stopping))
        told = "SELECT count(*) FROM vigil.write_backs WHERE state <> 'sent'"
        await asyncio.to_thread(eventually, lambda: self.ask(told) == [(0,)], 20)
        stopping.set()
        await running


@pytest.fixture(params=["band"])
def ward(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[Ward]:
    yield Ward(postgres_url, request.param)


@pytest.mark.parametrize(
    ("ward", "told"), [("every", ["2", "3", "4", "6", "2"]), ("band", ["2", "6", "2"]), ("alert", [])], indirect=["ward"]
)
def test_it_is_told_as_often_as_the_settings_say(ward: Ward, told: list[str]) -> None:
    ehr = Ehr()
    for minute, value in enumerate((2, 3, 4, 6, 2)):
        ward.take(value, minutes=minute)
        ward.rounds(ehr, 2)
    assert [value for _, value in ehr.values] == told


def test_the_pager_sends_them_beside_its_pages(ward: Ward) -> None:
    for mrn in range(20):
        ward.take(4, mrn=str(mrn))
    ehr = Ehr()
    ward.rounds(ehr, whole=True)
    assert sorted(patient for patient, _ in ehr.values) == sorted(str(mrn) for mrn in range(20))


def test_the_message_is_a_valid_oru_with_the_snomed_code_and_the_patients_place(ward: Ward) -> None:
    ward.do(
        "INSERT INTO vigil_store.encounter (patient_id, encounter_id, unit, bed, class, status, touched_at) VALUES ('HOSP:1', 'V1', '4W', '12', 'I', 'open', %s)",
        NOON,
    )
    moment = ward.moment("1", 0, "open")
    ward.again([moment], [replace(ward.score(moment, 4, 0), encounter_id="V1")])
    ehr = Ehr()
    ward.rounds(ehr)
    [message] = ehr.got
    assert parse_message(str(message), validation_level=VALIDATION_LEVEL.STRICT).validate()
    assert [str(message.segment(name)(field)) for name, field in (("PID", 3), ("PV1", 2), ("PV1", 3), ("PV1", 19), ("MSH", 5))] == [
        "1^^^HOSP^MR", "I", "4W^^12", "V1", "EHR",
    ]  # fmt: skip
    [obx] = message.segments("OBX")
    assert (str(obx(2)), str(obx(3)), str(obx(5)), str(obx(11))) == ("NM", CODE, "4", "F")


def test_after_an_outage_only_the_newest_of_each_patient_goes_out(ward: Ward) -> None:
    ehr = Ehr()
    ward.settings = settings("every")
    ward.alarms = Alarms(shipped(), (), ward.metrics, written_to=destinations(ward.settings))
    for minute in range(30):
        for mrn in ("1", "2", "3"):
            ward.take(minute % 5, mrn=mrn, minutes=minute)
        if minute % 10 == 0:
            ward.rounds(ehr, away=True)
    ward.do("UPDATE vigil_store.write_back SET next_attempt_at = now()")
    ward.rounds(ehr, 5)
    assert sorted(ehr.values) == [("1", "4"), ("2", "4"), ("3", "4")]


@pytest.mark.parametrize("lost", ["acknowledgement", "pager"])
def test_what_nobody_knows_to_have_arrived_is_sent_again_under_the_same_key(ward: Ward, lost: str) -> None:
    ward.take(5)
    first, second = Ehr((lambda _: None) if lost == "acknowledgement" else None), Ehr()
    ward.rounds(first, killed=lost == "pager")
    ward.do(
        "UPDATE vigil_store.write_back SET next_attempt_at = now(), leased_until = now() - interval '1 s' WHERE state IN ('pending', 'sending')"
    )
    ward.rounds(second, 3)
    [one], [other] = first.got, second.got
    assert str(one.segment("MSH")(10)) == str(other.segment("MSH")(10))
    assert [state for _, state, *_ in ward.ask(ROWS)] == ["sent"]


def test_a_score_that_comes_while_its_forerunner_is_sent_goes_out_next(ward: Ward) -> None:
    ward.take(2)

    def meanwhile(message: Any) -> bytes:
        if len(ehr.got) == 1:
            ward.take(6, minutes=1)
        return str(message.create_ack("AA")).encode()

    ehr = Ehr(meanwhile)
    ward.rounds(ehr, 3)
    assert [value for _, value in ehr.values] == ["2", "6"]
    assert [state for _, state, *_ in ward.ask(ROWS)] == ["sent"]


def test_a_refusal_is_seen_and_the_next_score_is_told_all_the_same(ward: Ward) -> None:
    refusing, ehr = Ehr(lambda message: str(message.create_ack("AE")).encode()), Ehr()
    ward.take(2)
    ward.rounds(refusing, 3)
    assert ward.ask(ROWS) == [("HOSP:1", "refused", 1, False, "hl7: answered AE")]
    assert ward.metrics.registry.get_sample_value("vigil_write_backs_total", {"channel": "ehr", "outcome": "refused"}) == 1
    ward.take(7, minutes=1)
    ward.rounds(ehr, 2)
    assert ehr.values == [("1", "7")]


def test_nothing_is_told_of_shadows_of_patients_nobody_has_and_without_a_value(ward: Ward) -> None:
    moment = ward.moment("1", 0, "open")
    score = ward.score(moment, 4, 0)
    for other in (
        replace(score, mode="shadow"),
        replace(score, value=None),
        replace(score, name="qsofa"),
        replace(score, patient_id="VIGIL:HEARTBEAT"),
    ):
        ward.again([moment], [other])
    assert ward.ask(ROWS) == []


def test_what_comes_late_takes_no_place_of_what_is_newer(ward: Ward) -> None:
    ward.take(6, minutes=10)
    ward.take(2, minutes=5)
    ehr = Ehr()
    ward.rounds(ehr)
    assert ehr.values == [("1", "6")]


def test_a_merged_patients_score_is_told_of_the_survivor(ward: Ward) -> None:
    ward.take(2, mrn="1")
    ward.do(
        "INSERT INTO vigil_store.patient (patient_id, merged_into, merged_at) VALUES ('HOSP:1', 'HOSP:2', %s)", NOON + timedelta(minutes=1)
    )
    ehr = Ehr()
    ward.rounds(ehr)
    assert ehr.values == [("2", "2")]
    assert isinstance(ehr.got[0], hl7.Message)
