"""Episodes and the outbox on a real PostgreSQL: one page an episode, claimed by one pager at a time, and never lost by one that dies."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from alerts import outbox
from infra.database.connect import connect
from tests.episodes import NOON, Bedside, claim

STATES = "SELECT state FROM vigil.pages ORDER BY page_id"


@pytest.fixture
def bedside(postgres_url: str) -> Bedside:
    return Bedside(postgres_url)


def die(bedside: Bedside) -> None:
    """The pager that holds the leases is gone, and they have run out."""
    bedside.do("UPDATE vigil_store.page SET leased_until = now() - interval '1 s' WHERE state = 'sending'")


def test_one_episode_and_one_page_however_often_the_score_stays_high(bedside: Bedside) -> None:
    bedside.take(0, 8, 9, 12)
    assert bedside.take(11, minutes=5) == ["rapid_response"]
    assert bedside.ask("SELECT tier, channel, target, step, state FROM vigil.pages") == [("rapid_response", "pager", "2222", 0, "pending")]


def test_a_rise_from_tier_to_tier_pages_each_once(bedside: Bedside) -> None:
    assert sorted(bedside.take(5, 6, 7, 8)) == ["rapid_response", "urgent"]
    assert bedside.ask("SELECT tier, channel FROM vigil.pages ORDER BY tier") == [("rapid_response", "pager"), ("urgent", "mail")]


def test_a_well_patient_leaves_nothing_behind(bedside: Bedside) -> None:
    bedside.take(0, 1, 2)
    assert bedside.ask("SELECT count(*) FROM vigil_store.episode") == [(0,)]


def test_a_decision_that_is_rolled_back_pages_nobody(bedside: Bedside) -> None:
    moment = bedside.moment("1", 0, "open")
    with connect(bedside.url) as connection:
        bedside.alarms.decide(connection.cursor(), [moment], [bedside.score(moment, 9, 0)], NOON)
        connection.rollback()
    assert bedside.ask(STATES) == []
    bedside.again([moment], [bedside.score(moment, 9, 0)])
    assert bedside.ask(STATES) == [("pending",)]


def test_the_same_message_always_opens_the_same_episode(bedside: Bedside) -> None:
    moment = bedside.moment("1", 0, "open")
    bedside.again([moment], [bedside.score(moment, 9, 0)])
    before = bedside.ask("SELECT episode_id, page_id FROM vigil.pages")
    bedside.do("DELETE FROM vigil_store.page; DELETE FROM vigil_store.episode")
    bedside.again([moment], [bedside.score(moment, 9, 0)])
    assert bedside.ask("SELECT episode_id, page_id FROM vigil.pages") == before


def test_after_the_dwell_the_episode_is_resolved_and_a_new_rise_pages_again(bedside: Bedside) -> None:
    bedside.take(8)
    bedside.take(2, minutes=10)
    assert bedside.take(2, minutes=39) == ["rapid_response"]
    assert bedside.take(2, minutes=40) == []
    assert bedside.take(8, minutes=50) == ["rapid_response"]
    assert bedside.ask("SELECT state, closed_because FROM vigil.episodes ORDER BY opened_at") == [
        ("resolved", "below_clear"),
        ("open", None),
    ]


def test_discharge_closes_the_episode_and_withdraws_its_page(bedside: Bedside) -> None:
    bedside.take(8)
    assert bedside.take(8, minutes=1, status="discharged") == []
    assert bedside.ask("SELECT state, closed_because FROM vigil.episodes") == [("closed", "left")]
    assert (bedside.ask(STATES), claim(bedside)) == ([("withdrawn",)], [])


def test_a_merge_leaves_one_open_episode_and_one_page(bedside: Bedside) -> None:
    bedside.take(8, mrn="1")
    bedside.take(9, mrn="2")
    bedside.take(5, mrn="1")
    bedside.merge("1", "2")
    assert bedside.ask("SELECT patient_id, state FROM vigil_store.episode WHERE closed_at IS NULL") == [("HOSP:2", "open")]
    assert sorted(bedside.ask(STATES)) == [("pending",), ("withdrawn",)]


def test_a_page_for_nobody_is_written_as_failed_and_counted(postgres_url: str) -> None:
    bedside = Bedside(postgres_url, routes=())
    bedside.take(8)
    assert bedside.ask("SELECT channel, state, last_error FROM vigil.pages") == [
        ("none", "failed", "no route for this tier; set page.routes")
    ]
    assert bedside.metrics.registry.get_sample_value("vigil_pages_total", {"channel": "none", "outcome": "no_route"}) == 1


def test_pagers_that_claim_side_by_side_share_the_pages_and_none_gets_one_twice(bedside: Bedside) -> None:
    for number in range(40):
        bedside.take(8, mrn=str(number))
    together = threading.Barrier(4)

    def take() -> list[str]:
        together.wait()
        found: list[str] = []
        while got := claim(bedside, 3):
            found += [page.page_id for page in got]
        return found

    with ThreadPoolExecutor(4) as pool:
        taken = [page for one in [pool.submit(take) for _ in range(4)] for page in one.result()]
    assert (len(taken), len(set(taken))) == (40, 40)


def test_the_gravest_tier_is_claimed_first(bedside: Bedside) -> None:
    bedside.take(5, mrn="1")
    bedside.take(8, mrn="2")
    assert [page.tier for page in claim(bedside, 1)] == ["rapid_response"]


def test_who_lost_the_lease_cannot_fail_what_another_is_sending(bedside: Bedside) -> None:
    bedside.take(8)
    [slow] = claim(bedside)
    die(bedside)
    [quick] = claim(bedside)
    with connect(bedside.url, autocommit=True) as connection:
        outbox.retry(connection, slow, "late", 0.0)
        outbox.failed(connection, slow, "late")
        assert bedside.ask(STATES) == [("sending",)]
        assert outbox.accepted(connection, slow, "one", NOON)
        assert not outbox.accepted(connection, quick, "two", NOON)
    assert bedside.ask("SELECT state FROM vigil.episodes") == [("notified",)]


@pytest.mark.parametrize("end", ["answered", "discharged"])
def test_what_is_answered_or_over_is_not_sent_again(bedside: Bedside, end: str) -> None:
    """Not after a refusal, nor after its pager died."""
    for mrn in ("1", "2"):
        bedside.take(8, mrn=mrn)
    pages = {page.episode_id: page for page in claim(bedside)}
    refused, orphan = pages.values()
    with connect(bedside.url, autocommit=True) as connection:
        if end == "answered":
            bedside.do("UPDATE vigil_store.page SET acknowledged_at = now(), acknowledged_by = 'Ann'")
        if end == "discharged":
            bedside.take(8, mrn="1", status="discharged")
            bedside.take(8, mrn="2", status="discharged")
        outbox.retry(connection, refused, "busy", 0.0)
        die(bedside)
        assert outbox.claim(connection, 30.0, 10) == []
    assert bedside.ask(STATES) == [("withdrawn",)] * 2
    assert orphan.attempts == 1


def test_an_acceptance_that_comes_after_the_end_is_recorded_all_the_same(bedside: Bedside) -> None:
    bedside.take(8)
    [page] = claim(bedside)
    bedside.take(8, status="discharged", minutes=1)
    with connect(bedside.url, autocommit=True) as connection:
        outbox.retry(connection, page, "unknown", 0.0)
        assert outbox.accepted(connection, page, None, NOON)
    assert bedside.ask("SELECT p.state, e.state FROM vigil.pages p JOIN vigil.episodes e USING (episode_id)") == [("accepted", "closed")]
