"""The rapid-response team's page and API over HTTP, and what a page's link offers beside an answer: handing over, and calling the team."""

import json
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.browsing import browse
from tests.episodes import NOON
from tests.rosters import Ward


@pytest.fixture
def ward(postgres_url: str) -> Ward:
    """A patient in bed 12, and one whom nobody has."""
    one = Ward(postgres_url)
    for patient, bed in (("HOSP:1", "12"), ("VIGIL:SYNTHETIC-MAIN-0", "99")):
        one.do(
            "INSERT INTO vigil_store.encounter (patient_id, encounter_id, unit, bed, class, status, touched_at) VALUES (%s, 'V1', '4W', %s, 'I', 'open', %s)",
            patient, bed, NOON,
        )  # fmt: skip
    return one


def get(ward: Ward, path: str) -> tuple[int, str]:
    async def ask(session: ClientSession, root: str) -> tuple[int, str]:
        async with session.get(root + path) as answer:
            return answer.status, await answer.text()

    found: tuple[int, str] = browse(ward, ask)
    return found


def post(ward: Ward, path: str, body: Any, **headers: str) -> tuple[int, str]:
    async def ask(session: ClientSession, root: str) -> tuple[int, str]:
        async with session.post(root + path, data=json.dumps(body), headers={"Content-Type": "application/json"} | headers) as answer:
            return answer.status, await answer.text()

    found: tuple[int, str] = browse(ward, ask)
    return found


def form(ward: Ward, path: str, **fields: str) -> tuple[int, str]:
    async def ask(session: ClientSession, root: str) -> tuple[int, str]:
        async with session.post(root + path, data=fields) as answer:
            return answer.status, await answer.text()

    found: tuple[int, str] = browse(ward, ask)
    return found


def test_a_call_goes_through_the_api_from_the_button_to_the_end(ward: Ward) -> None:
    status, told = post(ward, "/api/rrt/calls", {"unit": "4W", "bed": "12", "called_for": "seizure", "by": "Nurse"})
    call_id = json.loads(told)["call_id"]
    assert (status, post(ward, "/api/rrt/calls", {"unit": "4W", "bed": "12", "by": "Nurse"})[0]) == (201, 200)
    assert ward.ask("SELECT patient_id FROM vigil.rrt_calls") == [("HOSP:1",)]
    path = f"/api/rrt/calls/{call_id}"
    assert post(ward, f"{path}/arrive", {"by": "Registrar"}) == (200, '{"result":"done"}')
    [one] = json.loads(get(ward, "/api/rrt/calls")[1])["calls"]
    assert (one["unit"], one["arrived_by"], one["acknowledged_by"]) == ("4W", "Registrar", "Registrar")
    assert post(ward, f"{path}/close", {"by": "Registrar", "disposition": "stayed"})[0] == 200
    assert post(ward, f"{path}/arrive", {"by": "Late"})[0] == 409
    assert json.loads(get(ward, "/api/rrt/calls")[1])["calls"] == []
    assert post(ward, "/api/rrt/arrests", {"unit": "4W", "bed": "12", "by": "Nurse"}) == (200, '{"result":"done"}')


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/rrt/calls", {"unit": "", "by": "x"}, 400),
        ("/api/rrt/calls", {"unit": "4W", "by": "x" * 61}, 400),
        ("/api/rrt/calls", {"unit": "4W", "by": "x", "called_for": "Mr Smith"}, 400),
        ("/api/rrt/calls", {"unit": "4W", "by": "x", "patient": "Smith"}, 400),
        ("/api/rrt/calls", ["4W"], 400),
        ("/api/rrt/calls/ep-none/arrive", {"by": "x"}, 404),
        ("/api/rrt/calls/ep-none/close", {"by": "x", "disposition": "well"}, 400),
        ("/api/rrt/calls/ep-none/cancel", {"by": "x", "reason": "improved"}, 404),
        ("/api/rrt/arrests", {"unit": "4W", "by": "x", "at": "2026-03-01T12:00:01+00:00"}, 400),
        ("/api/rrt/arrests", {"unit": "4W", "by": "x", "at": "2026-03-01T11:00:00"}, 400),
    ],
)
def test_what_cannot_be_meant_is_refused_and_calls_nobody(ward: Ward, path: str, body: Any, status: int) -> None:
    assert post(ward, path, body)[0] == status
    assert ward.ask("SELECT count(*) FROM vigil_store.page") == [(0,)]


def test_no_other_site_can_call_the_team(ward: Ward) -> None:
    body = {"unit": "4W", "bed": "12", "by": "x"}
    assert form(ward, "/api/rrt/calls", unit="4W", by="x")[0] == 415
    assert post(ward, "/api/rrt/calls", body, Origin="https://elsewhere.example")[0] == 415
    assert ward.ask("SELECT count(*) FROM vigil_store.page") == [(0,)]


def test_the_page_names_beds_and_no_patient_and_nobody_whom_vigil_made_up(ward: Ward) -> None:
    post(ward, "/api/rrt/calls", {"unit": "4W", "bed": "12", "by": "Nurse"})
    told = get(ward, "/api/rrt/calls")[1]
    assert json.loads(told)["places"] == [["4W", "12"]]
    assert "HOSP" not in told
    assert "VIGIL:" not in told
    assert "Call the team" in get(ward, "/rrt")[1]


def link(ward: Ward, who: str) -> str:
    [(token,)] = ward.ask("SELECT token FROM vigil_store.page WHERE person = %s ORDER BY created_at DESC LIMIT 1", who)
    return f"/p/{token}"


def test_a_page_is_handed_over_on_the_phone_and_each_sees_whose_it_is(ward: Ward) -> None:
    ward.take(5)
    form(ward, f"{link(ward, 'ann')}/acknowledge", by="Dr Ann")
    assert "Hand over" in get(ward, link(ward, "ann"))[1]
    _, told = form(ward, f"{link(ward, 'ann')}/handover", by="Dr Ann", to="cy")
    assert "Dr Cy is asked to take it over; until then it is Dr Ann" in told
    assert "I take it over" in get(ward, link(ward, "cy"))[1]
    _, told = form(ward, f"{link(ward, 'cy')}/acknowledge", by="Dr Cy")
    assert "I take it over" not in told
    assert "Dr Cy has it now" in get(ward, link(ward, "ann"))[1]
    assert ward.ask("SELECT owner FROM vigil_store.episode") == [("Dr Cy",)]


@pytest.mark.parametrize(("to", "by"), [("nobody", "Ann"), ("cy", "  "), ("", "Ann")])
def test_a_page_is_handed_to_nobody_who_is_not_on_the_schedule(ward: Ward, to: str, by: str) -> None:
    ward.take(5)
    assert form(ward, f"{link(ward, 'ann')}/handover", by=by, to=to)[0] == 400
    assert len(ward.paged()) == 1


def test_the_team_is_called_from_a_pages_link_in_two_taps(ward: Ward) -> None:
    ward.take(5)
    status, told = form(ward, f"{link(ward, 'ann')}/rapid", by="Dr Ann", called_for="circulation")
    assert status == 200
    assert "The rapid-response team is called" in told
    assert ward.paged()[1:] == [(0, "rapid_response", "2222", "pager")]
    assert form(ward, f"{link(ward, 'ann')}/rapid", by="Dr Ann", called_for="a bad feeling")[0] == 400
    assert form(ward, "/p/forged/rapid", by="Dr Ann", called_for="circulation")[0] == 404
    assert form(ward, "/p/forged/handover", by="Dr Ann", to="cy")[0] == 404


@pytest.mark.parametrize("field", ["by", "unit", "bed"])
@pytest.mark.parametrize("hostile", ["Ann\0", "A\nB", "\x1b[2J"])
def test_what_no_database_keeps_is_told_and_crashes_nothing(ward: Ward, field: str, hostile: str) -> None:
    body = {"unit": "4W", "bed": "12", "by": "Ann"} | {field: hostile}
    assert post(ward, "/api/rrt/calls", body)[0] == 400
    assert post(ward, "/api/rrt/arrests", body)[0] == 400
    assert ward.paged() == []


def test_a_name_with_a_nul_hands_over_and_calls_like_the_name_without(ward: Ward) -> None:
    ward.take(5)
    assert form(ward, f"{link(ward, 'ann')}/handover", by="Dr\0 Ann", to="cy")[0] == 200
    assert form(ward, f"{link(ward, 'ann')}/rapid", by="Dr\0 Ann", called_for="circulation")[0] == 200
    assert ward.ask("SELECT called_by FROM vigil.rrt_calls") == [("Dr Ann",)]
