"""The rapid-response team on a real database: called by an alert or by hand, once; there, gone again or not needed; and what is counted of it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts import rapid_response
from alerts.rapid_response import Called, Place
from alerts.response_figures import report
from alerts.response_lists import Disposition
from alerts.roster_file import no_roster
from alerts.steps import Steps
from infra.database.connect import connect
from tests.episodes import NOON
from tests.rosters import Ward

BED = Place(unit="4W", bed="12", patient_id="HOSP:1", encounter_id="V1")


@pytest.fixture
def ward(postgres_url: str) -> Ward:
    return Ward(postgres_url)


def call(ward: Ward, place: Place = BED, minute: float = 0) -> Called:
    with connect(ward.url) as connection:
        return rapid_response.activate(connection.cursor(), ward.steps(), place, "worried", "Nurse", NOON + timedelta(minutes=minute))


def from_page(ward: Ward, minute: float = 5) -> Called | None:
    [(page_id,)] = ward.ask("SELECT page_id FROM vigil.pages ORDER BY created_at, step LIMIT 1")
    with connect(ward.url) as connection:
        return rapid_response.activate_for_page(
            connection.cursor(), ward.steps(), page_id, "breathing", "Ann", NOON + timedelta(minutes=minute)
        )


def arrive(ward: Ward, call_id: str, minute: float, by: str = "Registrar") -> str:
    with connect(ward.url, autocommit=True) as connection:
        return rapid_response.arrive(connection, call_id, by, NOON + timedelta(minutes=minute))


def end(ward: Ward, call_id: str, disposition: Disposition = "icu", minute: float = 30) -> str:
    with connect(ward.url, autocommit=True) as connection:
        return rapid_response.end(connection, call_id, disposition, "Registrar", NOON + timedelta(minutes=minute))


def cancel(ward: Ward, call_id: str, minute: float = 2) -> str:
    with connect(ward.url, autocommit=True) as connection:
        return rapid_response.cancel(connection, call_id, "improved", "Nurse", NOON + timedelta(minutes=minute))


def test_a_call_by_hand_pages_the_line_once_and_escalates_like_any_alert(ward: Ward) -> None:
    first, second = call(ward), call(ward, minute=1)
    assert (first.new, second) == (True, Called(call_id=first.call_id, new=False))
    ward.at(5)
    assert ward.paged() == [(0, "rapid_response", "2222", "pager"), (1, "rapid_response", "bob", "pager")]
    assert ward.ask("SELECT source, called_for, called_by, unit, bed FROM vigil.rrt_calls") == [("hand", "worried", "Nurse", "4W", "12")]


def test_callers_who_race_make_one_call(ward: Ward) -> None:
    together = threading.Barrier(6)

    def one(_: int) -> Called:
        together.wait()
        return call(ward)

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(one, range(6)))
    assert len({called.call_id for called in made}) == 1
    assert [called.new for called in made].count(True) == 1
    assert len(ward.paged()) == 1


def test_an_urgent_alert_becomes_a_call_to_where_the_patient_is_now(ward: Ward) -> None:
    ward.take(5)
    ward.do(
        "INSERT INTO vigil_store.encounter (patient_id, encounter_id, unit, bed, status, touched_at) VALUES ('HOSP:1', 'V1', '6E', '3', 'open', %s)", NOON
    )  # fmt: skip
    called = from_page(ward)
    assert called is not None
    assert called.new
    assert ward.ask("SELECT unit, bed, called_for, from_episode_id IS NOT NULL FROM vigil.rrt_calls") == [("6E", "3", "breathing", True)]
    ward.at(10)
    assert [tier for _, tier, _, _ in ward.paged()] == ["urgent", "rapid_response", "rapid_response"]  # the urgent one rests meanwhile
    ward.units["1"] = "6E"
    ward.take(9, minutes=6)
    assert ward.ask("SELECT count(*) FROM vigil.episodes WHERE tier = 'rapid_response'") == [(1,)]


def test_a_rapid_response_alert_is_a_call_already(ward: Ward) -> None:
    ward.take(8)
    called = from_page(ward)
    assert called is not None
    assert not called.new
    assert ward.ask("SELECT call_id, source FROM vigil.rrt_calls") == [(called.call_id, "alert")]


def test_a_bed_nobody_knows_and_a_visitor_are_called_to_all_the_same(ward: Ward) -> None:
    with connect(ward.url) as connection:
        place = rapid_response.at_bed(connection.cursor(), "Canteen", None)
    assert [call(ward, place).new for _ in range(2)] == [True, False]
    assert ward.ask("SELECT unit, target FROM vigil.pages") == [("Canteen", "2222")]


def test_arrival_is_the_first_to_arrive_and_the_end_is_a_disposition_of_which_the_last_stands(ward: Ward) -> None:
    called = call(ward)
    assert [arrive(ward, called.call_id, minute, by) for minute, by in ((6, "Registrar"), (7, "Nurse"))] == ["done", "done"]
    assert [end(ward, called.call_id, one) for one in ("stayed", "stayed", "icu")] == ["done", "already", "done"]
    assert ward.ask("SELECT arrived_by, disposition, state FROM vigil.rrt_calls") == [("Registrar", "icu", "resolved")]
    assert arrive(ward, called.call_id, 50) == "over"
    assert cancel(ward, called.call_id) == "already"
    ward.at(60)
    assert len(ward.paged()) == 1


def test_the_end_of_a_call_by_an_alert_leaves_its_episode_open_so_that_the_same_score_pages_nobody_again(ward: Ward) -> None:
    ward.take(8)
    [(call_id,)] = ward.ask("SELECT call_id FROM vigil.rrt_calls")
    assert end(ward, call_id, "stayed") == "done"
    ward.take(8, minutes=31)
    ward.at(60)
    assert len(ward.paged()) == 1
    assert ward.ask("SELECT state, disposition FROM vigil.rrt_calls") == [("acknowledged", "stayed")]


def test_a_cancelled_call_pages_nobody_any_more_and_a_new_one_can_be_made(ward: Ward) -> None:
    called = call(ward)
    assert [cancel(ward, called.call_id) for _ in range(2)] == ["done", "already"]
    ward.at(10)
    assert len(ward.paged()) == 1
    assert call(ward, minute=20).new
    assert ward.ask("SELECT cancel_reason, cancelled_by FROM vigil.rrt_calls WHERE call_id = %s", called.call_id) == [("improved", "Nurse")]


def test_whoever_calls_is_told_where_the_settings_name_nobody(postgres_url: str) -> None:
    ward = Ward(postgres_url)
    with connect(postgres_url) as connection:
        alone = rapid_response.activate(connection.cursor(), Steps(no_roster, (), ward.metrics), BED, "worried", "Nurse", NOON)
    assert (alone.new, alone.paged, call(ward, Place(unit="6E")).paged) == (True, False, True)
    assert ward.ask("SELECT channel, state FROM vigil.pages WHERE episode_id = %s", alone.call_id) == [("none", "failed")]


def test_to_end_a_call_is_no_acknowledgement_in_time_and_its_end_is_the_first(ward: Ward) -> None:
    called = call(ward)
    ward.do("UPDATE vigil_store.page SET state = 'accepted', accepted_at = created_at")
    end(ward, called.call_id, "stayed", 30)
    end(ward, called.call_id, "icu", 90)
    assert ward.ask("SELECT page_to_acknowledgement_s, disposition, ended_at FROM vigil.rrt_calls") == [
        (None, "icu", NOON + timedelta(minutes=30))
    ]


def test_comfort_care_mutes_and_every_word_is_audited(ward: Ward) -> None:
    called = call(ward)
    end(ward, called.call_id, "comfort_care")
    ward.take(9, minutes=31)
    assert len(ward.paged()) == 1
    assert [row[0] for row in ward.ask("SELECT action FROM vigil.audit_log ORDER BY at, action")] == [
        "rrt_called", "acknowledge", "mute", "rrt_ended",
    ]  # fmt: skip


@pytest.mark.parametrize("call_id", ["ep-none", ""])
def test_a_call_that_is_not_there_is_told(ward: Ward, call_id: str) -> None:
    assert [arrive(ward, call_id, 1), end(ward, call_id), cancel(ward, call_id)] == ["unknown"] * 3


def arrest(ward: Ward, hour: float, place: Place = BED) -> bool:
    with connect(ward.url) as connection:
        at = NOON + timedelta(hours=hour)
        return rapid_response.arrest(connection.cursor(), place, at, "Nurse", NOON + timedelta(hours=hour))


def order(ward: Ward, number: int, hour: float, code: str, system: str = "C4", control: str = "NW") -> None:
    ward.do(
        "INSERT INTO vigil_store.clinical_order (patient_id, encounter_id, control, code, code_system, ordered_at, received_at, topic, partition, \"offset\", ordinal)"
        " VALUES ('HOSP:1', 'V1', %s, %s, %s, %s, %s, 'hl7.orm', 0, %s, 0)",
        control, code, system, NOON + timedelta(hours=hour), NOON + timedelta(hours=hour), number,
    )  # fmt: skip


def test_an_arrest_is_one_whether_a_person_or_an_order_tells_it_or_both(ward: Ward) -> None:
    ward.do("INSERT INTO vigil_store.encounter VALUES ('HOSP:1', 'V1', '4W', '12', 'I', %s, %s, NULL, 'open', %s)", NOON, NOON, NOON)
    ward.do("INSERT INTO vigil_store.stay VALUES ('HOSP:1', 'V1', '4W', '12', %s, NULL)", NOON)
    assert [arrest(ward, 1), arrest(ward, 1)] == [True, False]
    order(ward, 1, 1.5, "92950")
    order(ward, 2, 5, "92950")
    order(ward, 3, 9, "92950", control="CA")
    order(ward, 4, 13, "92950", system="L")
    order(ward, 5, 17, "36415")
    assert ward.ask("SELECT unit, arrested_at, source FROM vigil.cardiac_arrests ORDER BY 2") == [
        ("4W", NOON + timedelta(hours=1), "hand"), ("4W", NOON + timedelta(hours=5), "order"),
    ]  # fmt: skip


def several(ward: Ward) -> None:
    """Three months of calls on two units, with admissions."""
    for number in range(24):
        month, unit = number % 3, "4W" if number % 4 else "6E"
        at = NOON + timedelta(days=31 * month, hours=number)
        visit = (f"HOSP:{number}", f"V{number}")
        ward.do(
            "INSERT INTO vigil_store.encounter VALUES (%s, %s, %s, '1', %s, %s, %s, NULL, 'open', %s)",
            *visit,
            unit,
            "I" if number % 5 else "O",
            at,
            at,
            at,
        )
        ward.do("INSERT INTO vigil_store.stay VALUES (%s, %s, %s, '1', %s, NULL)", *visit, unit, at)
        if number % 2:
            minute = (at - NOON) / timedelta(minutes=1)
            called = call(ward, Place(unit=unit, bed="1", patient_id=visit[0], encounter_id=visit[1]), minute)
            ward.do(
                "UPDATE vigil_store.page SET state = 'accepted', accepted_at = created_at + make_interval(secs => %s) WHERE episode_id = %s", number, called.call_id
            )  # fmt: skip
            if number % 7:
                arrive(ward, called.call_id, minute + 3 + number)
            if number == 9:
                cancel(ward, called.call_id, minute + 50)


def test_the_view_and_the_report_tell_the_same(ward: Ward) -> None:
    several(ward)
    arrest(ward, 2)
    with connect(ward.url) as connection:
        facts = rapid_response.measured(connection.cursor(), NOON - timedelta(days=400), NOON + timedelta(days=400))
    found = {(one.month, one.unit): one for one in report(*facts, (), ZoneInfo("UTC")) if one.month != "all"}
    rows = ward.ask(
        "SELECT to_char(month AT TIME ZONE 'UTC', 'YYYY-MM'), coalesce(unit, ''), admissions, calls, cancelled, calls_per_1000_admissions, call_to_page_s_p50,"
        " page_to_acknowledgement_s_p90, page_to_arrival_s_p25, arrests, arrests_per_1000_admissions FROM vigil.rrt_monthly"
    )
    assert {(row[0], row[1]) for row in rows} == set(found)
    assert len(rows) == 9
    for row in rows:
        one = found[row[0], row[1]]
        ours = (
            one.admissions, one.calls, one.cancelled, one.calls_per_1000_admissions, one.call_to_page.median_s, one.page_to_acknowledgement.p90_s,
            one.page_to_arrival.p25_s, one.arrests, one.arrests_outside_icu_per_1000_admissions,
        )  # fmt: skip
        assert ours == pytest.approx(row[2:], abs=0.06)
    assert sum(one.calls for (_, unit), one in found.items() if not unit) == 11
