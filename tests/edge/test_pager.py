"""The outbox and the pager on a real PostgreSQL: sent once accepted, tried again otherwise, by whichever pager is alive."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from alerts import answers, outbox
from alerts.bedside import Alarms
from alerts.channels.channel import Accepted, Page, Refused
from alerts.ledger import chained
from alerts.pager import Pager, delay_s
from alerts.policy_file import load
from infra.database.connect import connect
from infra.metrics import Metrics
from infra.settings import PageSettings, RouteSettings
from scoring.score import Score
from streams.movements import Encounter
from streams.patient import PatientState
from streams.processing import Moment
from streams.record import Source

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROUTES = (RouteSettings(tier="rapid_response", channel="pager", target="2222"),)


def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def raise_alarm(url: str, offset: int = 0, patient: str = "HOSP:1", routes: tuple[RouteSettings, ...] = ROUTES) -> None:
    """One patient with NEWS2 9 on the ward."""
    source = Source(topic="hl7.oru", partition=0, offset=offset)
    state = PatientState(patient_id=patient, encounter=Encounter(encounter_id="V1", unit="4W", bed="1"))
    moment = Moment(source=source, patient=state, received_at=NOW, changed=frozenset())
    score = Score(
        score_id=f"{source}/news2", patient_id=patient, encounter_id="V1", name="news2", version="1", value=9, at_least=9, red=True, as_of=NOW,
        scored_at=NOW, mode="live", parts={}, missing=(), findings=(),
    )  # fmt: skip
    with connect(url) as connection, connection.cursor() as cursor:
        Alarms(load(None, 0.2), routes, metrics()).decide(cursor, [moment], [score], NOW)


class Provider:
    """Answers as it is told, and remembers what it was given."""

    def __init__(self, *outcomes: Accepted | Refused) -> None:
        self.outcomes, self.pages = list(outcomes), list[Page]()

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        self.pages.append(page)
        return self.outcomes.pop(0) if self.outcomes else Accepted(provider_ref="ok")


def page_until(url: str, provider: Provider, done: Callable[[], bool], settings: PageSettings | None = None) -> None:
    pager = Pager(lambda: connect(url), {"pager": provider}, settings or PageSettings(poll_s=0.05), metrics(), "http://board", lambda: NOW)

    async def run() -> None:
        stopping = asyncio.Event()
        task = asyncio.create_task(pager.run(stopping))
        for _ in range(400):
            if done():
                break
            await asyncio.sleep(0.05)
        stopping.set()
        await task

    asyncio.run(run())


def states(url: str) -> list[tuple[object, ...]]:
    with connect(url) as connection:
        return connection.execute("SELECT state, attempts, last_error FROM vigil.pages ORDER BY created_at").fetchall()


def test_the_same_message_processed_again_opens_no_second_episode(postgres_url: str) -> None:
    for _ in range(3):
        raise_alarm(postgres_url)
    raise_alarm(postgres_url, offset=1)
    assert states(postgres_url) == [("pending", 0, None)]


def test_a_page_is_accepted_once_and_its_episode_notified(postgres_url: str) -> None:
    raise_alarm(postgres_url)
    provider = Provider()
    page_until(postgres_url, provider, lambda: states(postgres_url)[0][0] == "accepted")
    [page] = provider.pages
    assert (page.tier, page.unit, page.link.startswith("http://board/p/")) == ("rapid_response", "4W", True)
    with connect(postgres_url) as connection:
        assert connection.execute("SELECT state FROM vigil.episodes").fetchall() == [("notified",)]


def test_what_is_not_accepted_is_tried_again_with_the_same_id(postgres_url: str) -> None:
    raise_alarm(postgres_url)
    provider = Provider(Refused(permanent=False, detail="busy"), Refused(permanent=False, detail="busy"))
    page_until(postgres_url, provider, lambda: states(postgres_url)[0][0] == "accepted")
    assert len({page.page_id for page in provider.pages}) == 1
    assert states(postgres_url) == [("accepted", 3, None)]


def test_a_permanent_refusal_is_failed_visibly(postgres_url: str) -> None:
    raise_alarm(postgres_url)
    page_until(postgres_url, Provider(Refused(permanent=True, detail="unknown pager")), lambda: states(postgres_url)[0][0] == "failed")
    assert states(postgres_url) == [("failed", 1, "unknown pager")]


def test_a_page_that_cannot_be_sent_in_time_says_so(postgres_url: str) -> None:
    raise_alarm(postgres_url)
    with connect(postgres_url) as connection:
        connection.execute("UPDATE vigil_store.page SET queued_at = now() - interval '16 minutes'")
    page_until(postgres_url, Provider(Refused(permanent=False, detail="busy")), lambda: states(postgres_url)[0][0] == "failed")
    assert str(states(postgres_url)[0][2]).startswith("given up after")


def test_a_page_whose_pager_died_is_sent_by_another_when_its_lease_ends(postgres_url: str) -> None:
    raise_alarm(postgres_url)
    with connect(postgres_url) as dead:
        assert len(outbox.claim(dead, lease_s=0.2, limit=5)) == 1
        assert outbox.claim(dead, lease_s=0.2, limit=5) == []
    provider = Provider()
    page_until(postgres_url, provider, lambda: states(postgres_url)[0][0] == "accepted")
    assert states(postgres_url) == [("accepted", 2, None)]


def test_a_slow_provider_holds_up_no_other_page(postgres_url: str) -> None:
    class Slow(Provider):
        async def send(self, page: Page, target: str) -> Accepted | Refused:
            if not self.pages:
                self.pages.append(page)
                await asyncio.sleep(3)
                return Accepted()
            return await super().send(page, target)

    for number in range(4):
        raise_alarm(postgres_url, offset=number, patient=f"HOSP:{number}")
    page_until(postgres_url, Slow(), lambda: [state for state, *_ in states(postgres_url)].count("accepted") == 3)
    assert len(states(postgres_url)) == 4


def test_nobody_to_tell_is_told_loudly(postgres_url: str) -> None:
    raise_alarm(postgres_url, routes=())
    assert states(postgres_url) == [("failed", 0, "no route for this tier; set page.routes")]


def test_answers_race_and_the_first_counts(postgres_url: str) -> None:
    raise_alarm(postgres_url)
    page_until(postgres_url, Provider(), lambda: states(postgres_url)[0][0] == "accepted")
    with connect(postgres_url) as connection:
        [(token,)] = connection.execute("SELECT token FROM vigil_store.page").fetchall()
        first, _ = answers.acknowledge(connection, token, "A", NOW)
        second, seen = answers.acknowledge(connection, token, "B", NOW + timedelta(seconds=1))
    assert (first, second) == ("acknowledged", "already")
    assert seen is not None
    assert (seen.acknowledged_by, seen.episode_state) == ("A", "acknowledged")


def test_the_audit_log_shows_when_an_entry_is_changed(postgres_url: str) -> None:
    raise_alarm(postgres_url)
    with connect(postgres_url) as connection:
        [(token,)] = connection.execute("SELECT token FROM vigil_store.page").fetchall()
        answers.acknowledge(connection, token, "A", NOW)
        rows = connection.execute("SELECT at, actor, action, subject, detail, hash FROM vigil.audit_log").fetchall()
    [(at, actor, action, subject, detail, found)] = rows
    assert found == chained("", at, actor, action, subject, detail)
    assert found != chained("", at, "B", action, subject, detail)


@pytest.mark.parametrize(("attempts", "low", "high"), [(1, 0.5, 1.0), (2, 1.0, 2.0), (5, 8.0, 16.0), (30, 30.0, 60.0)])
def test_retries_are_spread_and_bounded(attempts: int, low: float, high: float) -> None:
    assert all(low <= delay_s(attempts) <= high for _ in range(50))


def test_the_database_keeps_one_open_episode_a_patient_and_tier(postgres_url: str) -> None:
    raise_alarm(postgres_url)
    with connect(postgres_url) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(
            "INSERT INTO vigil_store.episode (episode_id, patient_id, tier, opened_at, state, reason, score_id, received_at)"
            " VALUES ('ep-x', 'HOSP:1', 'rapid_response', now(), 'open', 'x', 'x', now())"
        )
