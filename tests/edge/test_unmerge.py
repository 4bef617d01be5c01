"""A merge that was wrong is taken back while somebody is paged, has answered, or has muted: each patient's own again, and no page twice."""

from datetime import timedelta

import pytest

from alerts import mutes, unmerge
from alerts.answers import Answer, give
from infra.database.connect import connect
from streams import identity
from tests.episodes import NOON, claim
from tests.rosters import Ward

OPEN = "SELECT patient_id, tier, state, owner FROM vigil_store.episode WHERE closed_at IS NULL ORDER BY patient_id, tier"


@pytest.fixture
def ward(postgres_url: str) -> Ward:
    """Two patients in beds; the first is the sicker one."""
    one = Ward(postgres_url)
    for mrn in ("1", "2", "3"):
        one.do(
            "INSERT INTO vigil_store.event (patient_id, encounter_id, kind, occurred_at, received_at, detail, topic, partition, \"offset\", ordinal) VALUES"
            " (%s, %s, 'admit', %s, %s, jsonb_build_object('kind', 'admit', 'occurred_at', %s::timestamptz, 'person', '{}'::jsonb, 'visit',"
            " jsonb_build_object('encounter_id', %s::text, 'patient_class', 'I', 'location', jsonb_build_object('unit', '4W', 'bed', %s::text))), 'hl7.adt', 0, %s, 0)",
            f"HOSP:{mrn}", f"V{mrn}", NOON, NOON, NOON, f"V{mrn}", mrn, int(mrn),
        )  # fmt: skip
    return one


def merged(ward: Ward, from_mrn: str, into_mrn: str, minutes: float) -> None:
    at = NOON + timedelta(minutes=minutes)
    with connect(ward.url) as connection, connection.cursor() as cursor:
        identity.merge(
            cursor, [(f"HOSP:{from_mrn}", f"HOSP:{into_mrn}")], at, lambda from_id, into_id: ward.alarms.merge(cursor, from_id, into_id, at)
        )


def taken_back(ward: Ward, mrn: str, minutes: float) -> int:
    at = NOON + timedelta(minutes=minutes)
    with connect(ward.url) as connection, connection.cursor() as cursor:
        into = identity.unmerge(cursor, f"HOSP:{mrn}", at)
        assert into is not None
        return len(unmerge.unmerge(cursor, f"HOSP:{mrn}", into, at))


def answered(ward: Ward, by: str) -> None:
    for page in claim(ward):
        with connect(ward.url, autocommit=True) as connection:
            assert give(connection, page.token, Answer(kind="acknowledge", by=by), NOON)[0] == "taken"


def test_an_episode_that_went_to_the_survivor_comes_back_with_its_owner_and_pages_nobody_again(ward: Ward) -> None:
    ward.take(5, mrn="1")
    answered(ward, "ann")
    merged(ward, "1", "2", 5)
    assert ward.ask(OPEN) == [("HOSP:2", "urgent", "acknowledged", "ann")]
    assert taken_back(ward, "1", 10) == 1
    assert ward.ask(OPEN) == [("HOSP:1", "urgent", "acknowledged", "ann")]
    ward.take(5, mrn="1", minutes=11)
    ward.at(300)
    assert ward.ask("SELECT count(*) FROM vigil.pages") == [(1,)]


def test_an_episode_nobody_has_answered_comes_back_and_is_escalated_on_from_where_it_was(ward: Ward) -> None:
    ward.take(5, mrn="1")
    merged(ward, "1", "2", 2)
    taken_back(ward, "1", 4)
    ward.at(9)
    assert ward.paged("1") == [(0, "urgent", "ann", "pager")]
    ward.at(11)
    assert [(step, who) for step, _, who, _ in ward.paged("1")] == [(0, "ann"), (1, "bob")]


def test_where_both_had_the_tier_open_each_has_their_own_again_and_the_page_that_was_taken_back_goes_out(ward: Ward) -> None:
    ward.take(5, mrn="2")
    answered(ward, "bob")
    ward.take(5, mrn="1")
    merged(ward, "1", "2", 2)
    assert ward.ask(OPEN) == [("HOSP:2", "urgent", "acknowledged", "bob")]
    assert ward.ask("SELECT state FROM vigil.pages ORDER BY created_at, state DESC") == [("withdrawn",), ("acknowledged",)]
    assert taken_back(ward, "1", 4) == 1
    assert ward.ask(OPEN) == [("HOSP:1", "urgent", "open", None), ("HOSP:2", "urgent", "acknowledged", "bob")]
    assert len(claim(ward)) == 1
    assert claim(ward) == []


def test_who_has_left_meanwhile_has_nothing_opened_again(ward: Ward) -> None:
    for mrn in ("2", "1"):
        ward.take(5, mrn=mrn)
    merged(ward, "1", "2", 2)
    ward.do(
        "UPDATE vigil_store.event SET detail = jsonb_set(detail, '{kind}', '\"discharge\"'), kind = 'discharge' WHERE patient_id = 'HOSP:1'"
    )
    assert taken_back(ward, "1", 4) == 0
    assert [patient for patient, *_ in ward.ask(OPEN)] == ["HOSP:2"]


def test_what_a_message_of_the_one_opened_while_they_were_taken_for_one_is_theirs(ward: Ward) -> None:
    merged(ward, "1", "2", 1)
    ward.take(5, mrn="2", minutes=2)
    ward.take(8, mrn="2", minutes=3)
    ward.do(
        "INSERT INTO vigil_store.message (topic, partition, \"offset\", received_at, processed_at, outcome, patient_id, fingerprint)"
        " SELECT 'hl7.oru', 0, n, %s, %s, 'stored', CASE n WHEN 1 THEN 'HOSP:1' ELSE 'HOSP:2' END, n FROM generate_series(1, 2) AS n",
        NOON, NOON,
    )  # fmt: skip
    taken_back(ward, "1", 5)
    assert [(patient, tier) for patient, tier, *_ in ward.ask(OPEN)] == [("HOSP:1", "urgent"), ("HOSP:2", "rapid_response")]


def test_a_mute_goes_with_the_patient_it_was_made_for(ward: Ward) -> None:
    ward.take(5, mrn="1")
    with connect(ward.url) as connection, connection.cursor() as cursor:
        [(episode_id,)] = cursor.execute("SELECT episode_id FROM vigil_store.episode").fetchall()
        assert mutes.mute(cursor, episode_id, "known", NOON + timedelta(hours=5), "ann", NOON)
    merged(ward, "1", "2", 2)
    taken_back(ward, "1", 4)
    assert ward.ask("SELECT patient_id FROM vigil_store.mute") == [("HOSP:1",)]
    ward.take(8, mrn="2", minutes=6)
    assert [(patient, state) for patient, _, state, _ in ward.ask(OPEN)] == [("HOSP:1", "muted"), ("HOSP:2", "open")]


def test_of_three_that_were_one_the_two_that_stay_one_keep_theirs_together(ward: Ward) -> None:
    ward.take(5, mrn="1")
    merged(ward, "1", "2", 1)
    merged(ward, "2", "3", 2)
    assert [patient for patient, *_ in ward.ask(OPEN)] == ["HOSP:3"]
    taken_back(ward, "2", 3)
    assert [patient for patient, *_ in ward.ask(OPEN)] == ["HOSP:2"]
    taken_back(ward, "1", 4)
    assert [patient for patient, *_ in ward.ask(OPEN)] == ["HOSP:1"]
