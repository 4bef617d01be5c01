"""A click on the board while the worker writes the same episodes: on real connections neither waits for the other for ever, and nobody clicks again."""

import threading
import time
from collections.abc import Callable

import psycopg
import pytest

from infra.database import racing
from infra.database.connect import connect
from tests.edge.test_board_over_http import post
from tests.edge.test_storms import raised
from tests.episodes import Bedside, shipped
from tests.rosters import Ward


def waiting(url: str, backends: int = 1) -> None:
    """Returns once so many connections wait for a lock."""
    deadline = time.monotonic() + 20
    with connect(url, autocommit=True) as connection:
        while connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchone() != (backends,):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def beside(work: Callable[[], object]) -> "tuple[threading.Thread, list[object]]":
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    return thread, found


def test_an_answer_that_meets_the_worker_crosswise_is_taken_by_one_click(postgres_url: str) -> None:
    """The worker has a patient of a storm and wants the storm's own episode; the answer to the storm's page has that and wants the patient's."""
    ward = Ward(postgres_url, policy=shipped(storms=True))
    raised(ward, *range(20))
    [(storm, token)] = ward.ask(
        "SELECT e.episode_id, p.token FROM vigil_store.episode e JOIN vigil_store.page p USING (episode_id) WHERE e.alerts > 1"
    )
    [(member,)] = ward.ask("SELECT max(episode_id) FROM vigil_store.episode WHERE grouped_in = %s", storm)
    assert member > storm  # locked after it by the answer
    with connect(ward.url) as worker:
        worker.execute("SET deadlock_timeout = '60s'")  # so that it is the board's transaction that is ended
        worker.execute("SELECT FROM vigil_store.episode WHERE episode_id = %s FOR UPDATE", (member,))
        thread, answered = beside(lambda: post(ward, f"/p/{token}/acknowledge", by="Ann"))
        waiting(ward.url)
        worker.execute("UPDATE vigil_store.episode SET alerts = alerts + 1 WHERE episode_id = %s", (storm,))
        worker.commit()
    thread.join()
    [(status, body)] = answered
    assert (status, "Acknowledged by Ann" in body) == (200, True)
    assert ward.ask("SELECT state, alerts FROM vigil_store.episode WHERE episode_id = %s", storm) == [("acknowledged", 21)]
    assert ward.ask("SELECT DISTINCT state FROM vigil_store.episode WHERE grouped_in = %s", storm) == [("acknowledged",)]
    assert ward.ask("SELECT count(*) FROM vigil.audit_log") == [(1,)]


def test_an_answer_and_a_batch_over_two_episodes_of_one_patient_take_them_in_one_order(postgres_url: str) -> None:
    ward = Bedside(postgres_url)
    for number in range(6):
        ward.take(5, mrn=str(number))
        ward.take(8, mrn=str(number), minutes=1)
    links = ward.ask("SELECT p.token, e.patient_id FROM vigil_store.page p JOIN vigil_store.episode e USING (episode_id)")
    for token, patient in links:
        with connect(ward.url) as worker:
            worker.execute("SET deadlock_timeout = '100ms'")
            rows = worker.execute(
                "SELECT episode_id FROM vigil_store.episode WHERE patient_id = %s ORDER BY episode_id", (patient,)
            ).fetchall()
            worker.execute("SELECT FROM vigil_store.episode WHERE episode_id = %s FOR UPDATE", rows[0])
            thread, answered = beside(
                lambda token=token: post(ward, f"/p/{token}/outcome", by="Ann", outcome="comfort_care", action="none")
            )  # type: ignore[misc]
            waiting(ward.url)
            worker.execute("SELECT FROM vigil_store.episode WHERE episode_id = %s FOR UPDATE", rows[1])
            worker.commit()
        thread.join()
        assert [status for status, _ in answered] == [200]  # type: ignore[misc]


def test_two_that_deadlock_are_both_done_in_the_end(postgres_url: str) -> None:
    with connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE pair AS SELECT n, 0 AS done FROM generate_series(1, 2) AS n")
    both = threading.Barrier(2)

    def work(*order: int) -> None:
        met = False

        def attempt() -> None:
            nonlocal met
            with connect(postgres_url) as connection:
                for place, number in enumerate(order):
                    connection.execute("UPDATE pair SET done = done + 1 WHERE n = %s", (number,))
                    if place == 0 and not met:
                        met = True
                        both.wait(20)

        racing.done(attempt)

    thread, _ = beside(lambda: work(1, 2))
    work(2, 1)
    thread.join()
    with connect(postgres_url) as connection:
        assert connection.execute("SELECT done FROM pair").fetchall() == [(2,), (2,)]


@pytest.mark.parametrize("lost", racing.LOST)
def test_what_loses_again_and_again_is_told_after_a_few_tries(lost: type[psycopg.Error]) -> None:
    tries, pauses = [], list[float]()

    def attempt() -> None:
        tries.append(1)
        raise lost

    with pytest.raises(lost):
        racing.done(attempt, pauses.append)
    assert (len(tries), len(pauses)) == (racing.TRIES, racing.TRIES - 1)


def test_anything_else_is_not_tried_again() -> None:
    tries = []

    def attempt() -> None:
        tries.append(1)
        raise psycopg.errors.UniqueViolation

    with pytest.raises(psycopg.errors.UniqueViolation):
        racing.done(attempt)
    assert len(tries) == 1
