"""HL7 in over a real socket, a page out of a real channel: who is paged, who is not, and what is never said."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.hl7 import SICK, WELL, adt, merge, oru
from tests.installations import eventually
from tests.story.conftest import Hospital

pytestmark = pytest.mark.xdist_group("story")


def minutes_ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def test_a_patient_who_gets_worse_is_paged_once_to_the_rapid_response_pager(hospital: Hospital) -> None:
    messages = [
        adt("A01", "501", minutes_ago(240)),
        oru("501", minutes_ago(40), WELL),
        oru("501", minutes_ago(1), SICK),
        oru("501", minutes_ago(0), SICK),
    ]
    hospital.send(messages)
    eventually(lambda: hospital.tiers("501") == ["rapid_response"])
    [page] = [page for page in hospital.caught() if page["channel"] == "snpp"]
    assert page["target"] == "2222"
    assert page["text"].startswith("RAPID RESPONSE 4W ")


def test_a_stable_patient_pages_nobody(hospital: Hospital) -> None:
    before = hospital.recorded()
    hospital.send([adt("A01", "502", minutes_ago(240)), *(oru("502", minutes_ago(30 - n), WELL) for n in range(6))])
    hospital.settled(before + 7)
    assert hospital.tiers("502") == []
    assert len(hospital.ask("SELECT FROM vigil.scores WHERE patient_id = 'HOSP:502' AND name = 'news2' AND value = 0")) == 6


def test_results_that_come_hours_late_page_nobody_about_the_past(hospital: Hospital) -> None:
    before = hospital.recorded()
    hospital.send([adt("A01", "503", minutes_ago(900)), *(oru("503", minutes_ago(400 - n), SICK, sent=minutes_ago(0)) for n in range(4))])
    hospital.settled(before + 5)
    assert hospital.tiers("503") == []
    assert hospital.ask("SELECT max(at_least) FROM vigil.scores WHERE patient_id = 'HOSP:503' AND name = 'news2'") == [(13.0,)]


def test_every_message_sent_three_times_gives_the_same_rows_and_the_same_page(hospital: Hospital) -> None:
    before = hospital.recorded()
    once = [adt("A01", "504", minutes_ago(240)), oru("504", minutes_ago(2), WELL), oru("504", minutes_ago(1), SICK)]
    tally = hospital.send([message for message in once for _ in range(3)])
    hospital.settled(before + 9)
    assert tally.aa == 9
    assert hospital.tiers("504") == ["rapid_response"]
    assert hospital.ask("SELECT count(*) FROM vigil.observations WHERE patient_id = 'HOSP:504'") == [(2 * len(SICK),)]
    assert hospital.ask("SELECT count(*) FROM vigil.episodes WHERE patient_id = 'HOSP:504'") == [(1,)]


def test_a_patient_who_has_left_pages_nobody(hospital: Hospital) -> None:
    before = hospital.recorded()
    hospital.send([adt("A01", "505", minutes_ago(600)), adt("A03", "505", minutes_ago(30)), oru("505", minutes_ago(1), SICK)])
    hospital.settled(before + 3)
    assert hospital.tiers("505") == []


def test_a_single_three_and_five_points_go_to_their_own_tiers(hospital: Hospital) -> None:
    before = hospital.recorded()
    red = {**WELL, "hr": 135}
    five = {**WELL, "rr": 22, "hr": 95, "temp": 39.5}
    hospital.send([oru("506", minutes_ago(1), red), oru("507", minutes_ago(1), five)])
    hospital.settled(before + 2)
    assert (hospital.tiers("506"), hospital.tiers("507")) == (["watch"], ["urgent"])


def test_an_answer_is_recorded_once_and_in_the_ledger(hospital: Hospital) -> None:
    before = hospital.recorded()
    hospital.send([oru("508", minutes_ago(1), SICK)])
    hospital.settled(before + 1)
    [(page_id,)] = hospital.ask(
        "SELECT page_id FROM vigil.pages p JOIN vigil.episodes e USING (episode_id) WHERE e.patient_id = 'HOSP:508'"
    )
    first = hospital.vigil("page", "ack", page_id, "--by", "Dr Story")
    second = hospital.vigil("page", "ack", page_id, "--by", "Dr Second")
    assert first.stdout.startswith("acknowledged")
    assert second.stdout.startswith("already")
    assert hospital.ask("SELECT state, acknowledged_by FROM vigil.pages WHERE page_id = %s", page_id) == [("acknowledged", "Dr Story")]
    assert hospital.ask("SELECT count(*) FROM vigil.audit_log WHERE actor = 'Dr Story' AND action = 'acknowledge'") == [(1,)]


def test_every_score_and_page_is_explained_and_comes_out_the_same(hospital: Hospital) -> None:
    before = hospital.recorded()
    hospital.send(
        [
            adt("A01", "510", minutes_ago(240)),
            oru("510", minutes_ago(9), WELL),
            oru("510", minutes_ago(5), {"lactate": 2.0}),
            oru("510", minutes_ago(1), SICK),
        ]
    )
    hospital.settled(before + 4)
    made = hospital.ask("SELECT score_id, name FROM vigil.scores WHERE patient_id = 'HOSP:510'")
    assert {name for _, name in made} == {"news2", "deterioration", "deterioration_sequence"}
    [(page_id,)] = hospital.ask(
        "SELECT page_id FROM vigil.pages p JOIN vigil.episodes e USING (episode_id) WHERE e.patient_id = 'HOSP:510'"
    )
    for identifier, kind in [*((score_id, "score") for score_id, _ in made), (page_id, "page")]:
        told = json.loads(hospital.vigil("explain", identifier, "--json").stdout)
        assert (told["kind"], told["matches"], bool(told["inputs"])) == (kind, True, True)
    refused = hospital.vigil("explain", "nothing", check=False)
    assert (refused.returncode, len(refused.stderr.strip().splitlines())) == (1, 2)


def test_two_patients_taken_for_one_and_told_apart_again_keep_page_and_owner(hospital: Hospital) -> None:
    before = hospital.recorded()
    hospital.send([adt("A01", "511", minutes_ago(240)), adt("A01", "512", minutes_ago(200)), oru("511", minutes_ago(1), SICK)])
    hospital.settled(before + 3)
    [(page_id,)] = hospital.ask(
        "SELECT page_id FROM vigil.pages p JOIN vigil.episodes e USING (episode_id) WHERE e.patient_id = 'HOSP:511'"
    )
    hospital.vigil("page", "ack", page_id, "--by", "Dr Ann")
    hospital.send([merge("512", "511", minutes_ago(0))])
    owned = "SELECT patient_id, state, owner FROM vigil_store.episode WHERE patient_id IN ('HOSP:511', 'HOSP:512') AND closed_at IS NULL"
    eventually(lambda: hospital.ask(owned) == [("HOSP:512", "acknowledged", "Dr Ann")])
    hospital.vigil("identity", "unmerge", "HOSP:511", "--by", "records office")
    assert hospital.ask(owned) == [("HOSP:511", "acknowledged", "Dr Ann")]
    hospital.send([oru("511", minutes_ago(0), SICK), oru("512", minutes_ago(0), WELL)])
    hospital.settled(before + 6)
    assert hospital.tiers("511") == ["rapid_response"]
    assert hospital.tiers("512") == []
    assert hospital.ask(owned) == [("HOSP:511", "acknowledged", "Dr Ann")]


def test_nothing_that_names_a_patient_leaves_the_database(hospital: Hospital) -> None:
    """The canary: every patient of these stories is called CANARY, and every one has a number."""
    hospital.send(
        [
            adt("A01", "509", minutes_ago(60)),
            oru("509", minutes_ago(1), SICK),
            b"MSH|^~\\&|EHR|HOSP|||20260101||ORU^R01|X1|P|2.5.1\rPID|1||CANARY509^^^HOSP^MR||CANARY^PATIENT\rOBX|1|NM|\r",
            b"CANARY but no HL7",
        ]
    )
    eventually(lambda: hospital.ask("SELECT count(*) >= 1 FROM vigil.messages WHERE outcome = 'quarantined'") == [(True,)])
    eventually(lambda: any("page_accepted" in text for text in _logs(hospital)))
    texts = _logs(hospital) + [page["text"] for page in hospital.caught()]
    assert not [text for text in texts if "CANARY" in text or "19560321" in text or "HOSP:50" in text]


def _logs(hospital: Hospital) -> list[str]:
    return [path.read_text(errors="replace") for path in (hospital.home / "logs").iterdir()]


def test_everything_acknowledged_is_recorded(hospital: Hospital) -> None:
    assert hospital.vigil("audit", "--json").returncode == 0
