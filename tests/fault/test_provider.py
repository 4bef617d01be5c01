"""Faults 12 and 13: a provider takes nothing for half an hour, or refuses for good: somebody is told another way, soon or at once."""

from datetime import datetime, timedelta

import pytest

from tests.fault.conftest import Hospitals, Try
from tests.fault.hospital import Hospital, Layout
from tests.fault.trial import Trial
from tests.installations import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(900), pytest.mark.fault]

WITHIN = timedelta(minutes=2)
EPISODES = """SELECT e.episode_id, e.opened_at, (SELECT min(o.accepted_at) FROM vigil.pages AS o JOIN vigil.episodes AS f USING (episode_id)
    WHERE f.patient_id = e.patient_id AND o.accepted_at >= e.opened_at) AS told_at, bool_or(p.state = 'failed') AS refused
FROM vigil.episodes AS e JOIN vigil.pages AS p USING (episode_id) WHERE e.patient_id LIKE %s AND e.tier <> 'rapid_response' GROUP BY 1, 2, e.patient_id"""
"""For each episode that goes to the web hook first: when it was opened, and when somebody was told of the patient after that."""


@pytest.fixture
def routed(hospitals: Hospitals) -> Hospital:
    """Urgent and watch pages go to a web hook; where it takes none, to the rapid-response line, which is a pager."""
    return hospitals.of(Layout(up=("--pagers", "2")))


@pytest.mark.parametrize("status", [429, 503])
def test_a_provider_that_takes_nothing(routed: Hospital, trial: Try, status: int) -> None:
    """From the middle of the trial the web hook answers `status`, as it would for half an hour; the second channel has the page within two minutes."""
    with trial(routed, 12, f"provider answers {status}", allowed={"other_ways"}) as run:
        try:
            began = refuse(routed, run, status)
            run.traffic.flows(900)
            eventually(lambda: told(run, began) != [] and all(told(run, began)), within_s=150, every_s=1.0)
        finally:
            routed.provider.refuse.clear()
    assert all(accepted - opened <= WITHIN for _, opened, accepted, _ in run.hospital.ask(EPISODES, f"HOSP:{run.run}%"))


def test_a_provider_that_refuses_for_good(routed: Hospital, trial: Try) -> None:
    """It is asked once for each page, the refusal is told in `vigil.pages`, and the next target is paged at once."""
    with trial(routed, 13, "provider answers 400", allowed={"other_ways"}) as run:
        try:
            began = refuse(routed, run, 400)
            run.traffic.flows(900)
            eventually(lambda: told(run, began) != [] and all(told(run, began)), within_s=60, every_s=1.0)
        finally:
            routed.provider.refuse.clear()
    episodes = [row for row in run.hospital.ask(EPISODES, f"HOSP:{run.run}%") if row[3]]
    assert episodes
    assert all(accepted - opened <= timedelta(seconds=10) for _, opened, accepted, _ in episodes)
    errors = run.hospital.ask(
        "SELECT DISTINCT last_error, attempts FROM vigil.pages JOIN vigil.episodes AS e USING (episode_id)"
        " WHERE vigil.pages.state = 'failed' AND e.patient_id LIKE %s",
        f"HOSP:{run.run}%",
    )
    assert errors == [("webhook: answered 400", 1)]


def refuse(hospital: Hospital, run: Trial, status: int) -> datetime:
    hospital.provider.refuse["hook"] = status
    run.strike()
    return run.struck[-1]


def told(run: Trial, since: datetime) -> list[bool]:
    """Whether somebody was told, for each episode that was opened since then."""
    return [row[2] is not None for row in run.hospital.ask(EPISODES, f"HOSP:{run.run}%") if row[1] > since]
