"""The board over HTTP: the ward as JSON and as a page, the link that a clinician opens on a phone, and what neither ever shows."""

import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession

from tests.browsing import browse
from tests.episodes import NOON, Bedside


@pytest.fixture
def bedside(postgres_url: str) -> Bedside:
    """Two patients in beds with scores; one of them is paged for."""
    one = Bedside(postgres_url)
    for mrn, bed in (("701", "1"), ("702", "2")):
        one.do(
            "INSERT INTO vigil_store.encounter (patient_id, encounter_id, unit, bed, status, admitted_at, touched_at) VALUES (%s, %s, '4W', %s, 'open', %s, %s)",
            f"HOSP:{mrn}", f"V{mrn}", bed, NOON, NOON,
        )  # fmt: skip
    for mrn, name, value in (("701", "news2", 1), ("702", "news2", 3), ("702", "deterioration", 0.4), ("702", "news2", 9)):
        one.do(
            "INSERT INTO vigil_store.score VALUES (%s || clock_timestamp(), %s, NULL, %s, '1', %s, %s, false, %s, clock_timestamp(), 'live', '{}')",
            name, f"HOSP:{mrn}", name, value, value, NOON,
        )  # fmt: skip
    one.take(9, mrn="702")
    return one


async def told(answer: ClientResponse) -> tuple[int, str]:
    return answer.status, await answer.text()


def get(bedside: Bedside, path: str, url: str | None = None) -> tuple[int, str]:
    async def ask(session: ClientSession, root: str) -> tuple[int, str]:
        async with session.get(root + path) as answer:
            return await told(answer)

    found: tuple[int, str] = browse(bedside, ask, url)
    return found


def post(bedside: Bedside, path: str, **form: str) -> tuple[int, str]:
    async def ask(session: ClientSession, root: str) -> tuple[int, str]:
        async with session.post(root + path, data=form) as answer:
            return await told(answer)

    found: tuple[int, str] = browse(bedside, ask)
    return found


def token(bedside: Bedside) -> str:
    [(found,)] = bedside.ask("SELECT token FROM vigil_store.page")
    return str(found)


def test_the_ward_is_told_sickest_first(bedside: Bedside) -> None:
    async def ask(session: ClientSession, root: str) -> Any:
        async with session.get(root + "/api/ward") as answer:
            return await answer.json()

    ward = browse(bedside, ask)
    sick, well = ward["patients"]
    assert (sick["unit"], sick["bed"], sick["news2"], sick["risk"], sick["tiers"], sick["page_state"]) == (
        "4W", "2", [3, 9], 0.4, ["rapid_response"], "pending",
    )  # fmt: skip
    assert (well["bed"], well["news2"], well["tiers"]) == ("1", [1], [])
    assert (ward["open_episodes"], ward["pages_waiting"], ward["pages_accepted"]) == (1, 1, 0)


def test_page_and_ward_say_what_moved_the_score_in_the_same_words(bedside: Bedside) -> None:
    taken, was_at = (NOON - timedelta(minutes=minutes) for minutes in (5, 350))
    finding = {
        "name": "lactate", "value": 4.0, "unit": "mmol/L", "observed_at": taken.isoformat(), "was": 2.1, "was_at": was_at.isoformat(), "points": None,
        "moved": 0.9,
    }  # fmt: skip
    bedside.do(
        "INSERT INTO vigil_store.score SELECT score_id, patient_id, NULL, 'news2', '1', 9, 9, false, opened_at, opened_at, 'live', %s::jsonb FROM vigil_store.episode",
        json.dumps({"findings": [finding]}),
    )
    said = f"lactate 2.1 → 4.0 mmol/L since {was_at:%H:%M}, taken {taken:%H:%M}"
    assert said in get(bedside, f"/p/{token(bedside)}")[1]
    ward = json.loads(get(bedside, "/api/ward")[1])
    assert [row["findings"] for row in ward["patients"]] == [[said], []]


@pytest.mark.parametrize("path", ["/", "/api/ward", "/metrics", "/healthz"])
def test_nothing_of_the_board_names_a_patient(bedside: Bedside, path: str) -> None:
    status, body = get(bedside, path)
    assert status == 200
    assert "HOSP" not in body
    assert "V70" not in body


def test_a_page_shows_unit_bed_and_one_button_and_a_look_acknowledges_nothing(bedside: Bedside) -> None:
    status, body = get(bedside, f"/p/{token(bedside)}")
    assert status == 200
    assert "Rapid Response" in body
    assert "4W 12" in body
    assert body.count("<button>") == 1
    assert "HOSP" not in body
    assert bedside.ask("SELECT state FROM vigil.episodes") == [("open",)]


def test_an_answer_from_the_phone_is_recorded_and_a_second_is_told_who_was_first(bedside: Bedside) -> None:
    link = f"/p/{token(bedside)}"
    assert "Acknowledged by Dr &lt;Ann&gt;" in post(bedside, f"{link}/acknowledge", by="Dr <Ann>")[1]
    assert "Acknowledged by Dr &lt;Ann&gt;" in post(bedside, f"{link}/acknowledge", by="Dr Bob")[1]
    assert "<button>" not in get(bedside, link)[1]
    assert bedside.ask("SELECT acknowledged_by FROM vigil.pages") == [("Dr <Ann>",)]
    assert bedside.ask("SELECT actor FROM vigil.audit_log") == [("Dr <Ann>",)]


def test_the_person_of_the_schedule_finds_his_name_filled_in(bedside: Bedside) -> None:
    bedside.do("UPDATE vigil_store.page SET person = 'ann'")
    status, body = get(bedside, f"/p/{token(bedside)}")
    assert (status, 'value="Dr Ann"' in body) == (200, True)


def test_who_cannot_come_says_so_and_the_page_tells_that_the_next_is_paged(bedside: Bedside) -> None:
    link = f"/p/{token(bedside)}"
    assert "Declined by Dr Ann; the next person is paged" in post(bedside, f"{link}/decline", by="Dr Ann")[1]
    assert "Acknowledged by Dr Bob" in post(bedside, f"{link}/acknowledge", by="Dr Bob")[1]
    assert bedside.ask("SELECT kind, answered_by, via FROM vigil_store.answer ORDER BY answer_id") == [
        ("decline", "Dr Ann", "link"), ("acknowledge", "Dr Bob", "link"),
    ]  # fmt: skip


def test_at_the_bedside_and_how_it_ended_are_told_on_the_page(bedside: Bedside) -> None:
    link = f"/p/{token(bedside)}"
    assert "Dr Ann is at the bedside" in post(bedside, f"{link}/bedside", by="Dr Ann")[1]
    assert "Deteriorating, fluids, says Dr Ann" in post(bedside, f"{link}/outcome", by="Dr Ann", outcome="true", action="fluids")[1]
    assert bedside.ask("SELECT state, outcome, outcome_action FROM vigil.episodes") == [("at_bedside", "true", "fluids")]
    assert bedside.metrics.registry.get_sample_value("vigil_answers_total", {"kind": "outcome", "result": "taken"}) == 1


@pytest.mark.parametrize(("kind", "form"), [("outcome", {"outcome": "<script>"}), ("outcome", {"outcome": "true", "action": "x' OR 1=1"})])
def test_an_answer_that_the_page_does_not_offer_is_not_taken(bedside: Bedside, kind: str, form: dict[str, str]) -> None:
    assert post(bedside, f"/p/{token(bedside)}/{kind}", by="Eve", **form)[0] == 400
    assert post(bedside, f"/p/{token(bedside)}/delete", by="Eve")[0] == 404
    assert bedside.ask("SELECT count(*) FROM vigil.answers") == [(0,)]


def test_the_board_tells_who_is_on_call_by_name_and_no_number(bedside: Bedside) -> None:
    status, body = get(bedside, "/api/oncall")
    assert (status, json.loads(body)[0]) == (200, {"team": "doctors", "people": ["Dr Ann"], "gap_at": None})
    assert "2222" not in body


def test_an_answer_without_a_name_is_not_taken(bedside: Bedside) -> None:
    assert post(bedside, f"/p/{token(bedside)}/acknowledge", by="  ")[0] == 400
    assert bedside.ask("SELECT state FROM vigil.episodes") == [("open",)]


def test_a_page_id_is_no_key_and_a_guess_opens_nothing(bedside: Bedside) -> None:
    [(page_id,)] = bedside.ask("SELECT page_id FROM vigil.pages")
    for guess in (page_id, "guess", "..%2F..%2Fetc", "a" * 2000):
        assert get(bedside, f"/p/{guess}")[0] == 404
        assert post(bedside, f"/p/{guess}/acknowledge", by="Eve")[0] == 404
    assert bedside.ask("SELECT count(*) FROM vigil.audit_log") == [(0,)]


def test_an_episode_that_is_over_asks_for_no_answer(bedside: Bedside) -> None:
    bedside.take(9, mrn="702", status="discharged", minutes=1)
    status, body = get(bedside, f"/p/{token(bedside)}")
    assert status == 200
    assert "<button>" not in body
    assert "Over" in body


def test_a_link_ends_a_day_after_its_episode(bedside: Bedside) -> None:
    link = f"/p/{token(bedside)}"
    for closed_at, status in ((NOON - timedelta(hours=23), 200), (NOON - timedelta(hours=25), 410)):
        bedside.do("UPDATE vigil_store.episode SET state = 'closed', closed_at = %s", closed_at)
        assert get(bedside, link)[0] == status
        assert post(bedside, f"{link}/outcome", by="Ann", outcome="true", action="none")[0] == status
    assert bedside.ask("SELECT count(*) FROM vigil_store.answer WHERE kind = 'outcome'") == [(1,)]


def test_a_database_that_is_away_is_told_as_503(bedside: Bedside) -> None:
    for path in ("/api/ward", "/healthz", "/p/x"):
        assert get(bedside, path, url="postgresql://vigil@127.0.0.1:1/vigil")[0] == 503
    assert get(bedside, "/", url="postgresql://vigil@127.0.0.1:1/vigil")[0] == 200


def test_a_page_may_not_be_framed_cached_or_referred(bedside: Bedside) -> None:
    async def ask(session: ClientSession, root: str) -> Any:
        async with session.get(f"{root}/p/{token(bedside)}") as answer:
            return dict(answer.headers)

    headers = browse(bedside, ask)
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
