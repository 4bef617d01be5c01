"""Links of pages in hostile hands: forged, guessed, replayed, expired; each opens and answers what it was made for and nothing else."""

import secrets
from datetime import timedelta
from typing import Any

import pytest

from tests.edge.test_board_over_http import get, post
from tests.episodes import NOON, Bedside


@pytest.fixture
def ward(postgres_url: str) -> Bedside:
    """Two patients, each paged for once."""
    one = Bedside(postgres_url)
    for mrn in ("701", "702"):
        one.take(9, mrn=mrn)
    return one


def links(ward: Bedside) -> dict[str, str]:
    """The link of each patient's page."""
    return {
        patient: f"/p/{token}" for patient, token in ward.ask("SELECT e.patient_id, p.token FROM vigil_store.page p JOIN vigil_store.episode e USING (episode_id)")
    }  # fmt: skip


def states(ward: Bedside) -> dict[str, Any]:
    return {
        patient: (state, by)
        for patient, state, by in ward.ask(
            "SELECT e.patient_id, e.state, p.acknowledged_by FROM vigil_store.page p JOIN vigil_store.episode e USING (episode_id)"
        )
    }


def test_a_link_has_more_bits_than_anybody_guesses_and_no_two_are_alike(ward: Bedside) -> None:
    for number in range(50):
        ward.take(9, mrn=f"x{number}")
    tokens = [token for (token,) in ward.ask("SELECT token FROM vigil_store.page")]
    assert len(set(tokens)) == len(tokens) == 52
    assert all(len(token) == len(secrets.token_urlsafe(18)) for token in tokens)


CHANGES = [
    lambda token: token[:-1], lambda token: token + "A", lambda token: token.swapcase(), lambda token: token[::-1], lambda token: f"{token}%00",
    lambda token: f"%20{token}", lambda _: "%' OR '1'='1", lambda token: f"{token}/../x", lambda _: "%EF%BC%A1" * 24, lambda token: f"{token}%0A",
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_link_that_was_changed_opens_nothing(ward: Bedside, change: Any) -> None:
    token = links(ward)["HOSP:701"].removeprefix("/p/")
    assert get(ward, f"/p/{change(token)}")[0] in (400, 404)
    assert post(ward, f"/p/{change(token)}/acknowledge", by="Eve")[0] in (400, 404, 405)
    assert states(ward) == {"HOSP:701": ("open", None), "HOSP:702": ("open", None)}


def test_a_link_answers_its_own_patient_and_no_other(ward: Bedside) -> None:
    post(ward, f"{links(ward)['HOSP:701']}/acknowledge", by="Ann")
    assert states(ward) == {"HOSP:701": ("acknowledged", "Ann"), "HOSP:702": ("open", None)}


def test_an_acknowledgement_that_is_replayed_changes_nothing_and_answers_no_later_page_of_the_same_patient(ward: Bedside) -> None:
    link = links(ward)["HOSP:701"]
    for by in ("Ann", "Ann", "Eve"):
        assert post(ward, f"{link}/acknowledge", by=by)[0] == 200
    assert states(ward)["HOSP:701"] == ("acknowledged", "Ann")
    assert ward.ask("SELECT actor FROM vigil.audit_log") == [("Ann",)]
    ward.take(9, mrn="701", status="discharged", minutes=1)
    ward.take(9, mrn="701", minutes=5)
    post(ward, f"{link}/acknowledge", by="Eve")
    assert ward.ask("SELECT state, acknowledged_by FROM vigil_store.page p WHERE token <> %s AND episode_id IN (SELECT episode_id FROM vigil_store.episode WHERE patient_id = 'HOSP:701')", link[3:]) == [
        ("pending", None)
    ]  # fmt: skip


def test_a_decline_that_is_replayed_after_an_acknowledgement_takes_nothing_back(ward: Bedside) -> None:
    link = links(ward)["HOSP:701"]
    post(ward, f"{link}/acknowledge", by="Ann")
    assert post(ward, f"{link}/decline", by="Eve")[0] == 200
    assert states(ward)["HOSP:701"] == ("acknowledged", "Ann")


@pytest.mark.parametrize("kind", ["acknowledge", "decline", "bedside", "outcome"])
def test_an_expired_link_answers_nothing(ward: Bedside, kind: str) -> None:
    link = links(ward)["HOSP:701"]
    ward.do("UPDATE vigil_store.episode SET state = 'resolved', closed_at = %s WHERE patient_id = 'HOSP:701'", NOON - timedelta(days=2))
    assert get(ward, link)[0] == 410
    assert post(ward, f"{link}/{kind}", by="Eve", outcome="false", action="none")[0] == 410
    assert ward.ask("SELECT count(*) FROM vigil.audit_log") == [(0,)]


def test_a_look_by_a_link_scanner_answers_nothing(ward: Bedside) -> None:
    """Mail gateways open every link; only the button answers."""
    link = links(ward)["HOSP:701"]
    for _ in range(3):
        assert get(ward, link)[0] == 200
        assert get(ward, f"{link}/acknowledge")[0] in (404, 405)
    assert states(ward)["HOSP:701"] == ("open", None)


def test_a_name_with_what_no_database_keeps_is_still_a_name(ward: Bedside) -> None:
    assert post(ward, f"{links(ward)['HOSP:701']}/acknowledge", by="Dr\0 Ann\r\nX")[0] == 200
    assert states(ward)["HOSP:701"] == ("acknowledged", "Dr AnnX")
