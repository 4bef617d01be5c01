"""Fault 3: workers are killed at random instants, in the middle of a batch, of a start, of a rebalance."""

import time
from datetime import datetime

import psutil
import pytest

from streams.topics import ORU
from tests.fault.conftest import Try
from tests.fault.doses import dose
from tests.fault.hospital import Hospital
from tests.fault.trial import Trial
from tests.installations import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(1500)]


@dose(brief=5, full=100)
def test_killed_at_random_instants(hospital: Hospital, trial: Try, times: int) -> None:
    """While it records, while it starts, in the middle of a rebalance; every tenth time all of them at once."""
    with trial(hospital, 3, "worker killed at random instants", allowed={"put_aside"}) as run:
        while len(run.struck) < times:
            time.sleep(run.chance.uniform(0.2, 5.0))
            names = [name for name in hospital.pids() if name.split("-")[0] == "work"]
            if names and hospital.kill(*(names if len(run.struck) % 10 == 9 else run.chance.sample(names, 1))):
                run.strike()
    assert (run.line.lost, run.line.twice) == (0, 0)


HOLDS = """SELECT count(*) FROM pg_stat_activity AS a JOIN pg_locks AS l USING (pid) WHERE application_name = 'vigil-work' AND state = 'idle in transaction'
    AND state_change < now() - interval '2 s' AND l.relation = 'vigil_store.progress'::regclass AND l.mode = 'RowShareLock' AND l.granted"""
"""Workers that hold rows of the progress and have said nothing for two seconds."""
STANDS_S = 60.0


@pytest.mark.fault
def test_one_stands_still_in_the_middle_of_a_transaction(hospital: Hospital, trial: Try) -> None:
    """As on a machine that hangs or loses its network: it keeps its locks, and the others go on with its partitions all the same, long before it is back."""
    with trial(hospital, 3, "worker hangs within a transaction", allowed={"put_aside"}) as run:
        frozen = frozen_within_a_transaction(hospital, run)
        run.strike()
        until = time.monotonic() + STANDS_S
        begun = len(run.traffic.heard)
        eventually(lambda: recorded_everywhere(run, run.struck[0]), within_s=STANDS_S)
        assert len(run.traffic.heard) > begun
        time.sleep(max(0.0, until - time.monotonic()))
        hospital.thaw(frozen)
    assert (run.line.lost, run.line.twice) == (0, 0)


def frozen_within_a_transaction(hospital: Hospital, run: Trial) -> list[psutil.Process]:
    """Stops workers at random instants until one is caught with a transaction open."""
    while True:
        time.sleep(run.chance.uniform(0.0, 0.5))
        frozen = hospital.freeze(run.chance.choice(("work", "work-2", "work-3")))
        time.sleep(2.5)
        if hospital.ask(HOLDS) == [(1,)]:
            return frozen
        hospital.thaw(frozen)


def recorded_everywhere(run: Trial, since: datetime) -> bool:
    """Whether messages received since then are recorded in as many partitions as messages were sent to."""
    found = run.look().messages
    return {row[3] for row in found if row[2] == ORU} == {row[3] for row in found if row[2] == ORU and row[4] > since}
