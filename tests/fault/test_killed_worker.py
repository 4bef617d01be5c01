"""Fault 3: workers are killed at random instants, in the middle of a batch, of a start, of a rebalance."""

import time

import pytest

from tests.fault.conftest import Try
from tests.fault.doses import dose
from tests.fault.hospital import Hospital, eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(1500)]


@dose(brief=5, full=100)
def test_killed_at_random_instants(hospital: Hospital, trial: Try, times: int) -> None:
    """Mostly while it records, now and then while it starts; every tenth time all of them at once."""
    with trial(hospital, 3, "worker killed at random instants") as run:
        while len(run.struck) < times:
            if run.chance.random() < 0.8:
                eventually(lambda: hospital.workers() != [], within_s=60)
            time.sleep(run.chance.uniform(0.0, 0.8))
            running = [name for name in hospital.pids() if name.split("-")[0] == "work"]
            if hospital.kill(*(running if len(run.struck) % 10 == 9 else run.chance.sample(hospital.workers() or running, 1))):
                run.strike()
