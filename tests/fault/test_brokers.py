"""Faults 7 and 8: one broker of three is away and nobody notices; with two away no message is acknowledged."""

import time

import pytest

from tests.fault.conftest import Hospitals, Try
from tests.fault.hospital import Hospital, Layout
from tests.installations import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(900), pytest.mark.fault]

BROKERS = ("kafka", "kafka-2", "kafka-3")
AWAY_S = 20.0


@pytest.fixture
def three_brokers(hospitals: Hospitals) -> Hospital:
    return hospitals.of(Layout(up=("--brokers", "3", "--workers", "2")))


def test_one_broker_of_three_down(three_brokers: Hospital, trial: Try) -> None:
    """Each in turn stays away for a while, and each is killed: messages are acknowledged and recorded all the time."""
    hospital = three_brokers
    with trial(hospital, 7, "one broker of three down") as run:
        for name in BROKERS:
            hospital.supervise("stopProcess", name)
            run.strike()
            run.traffic.flows(200)
            time.sleep(AWAY_S / 2)
            run.traffic.flows(200)
            hospital.supervise("startProcess", name)
            eventually(hospital.ready, within_s=90, every_s=1.0)
            hospital.kill(name)
            run.strike()
            run.traffic.flows(200)
            eventually(hospital.ready, within_s=90, every_s=1.0)


def test_two_brokers_of_three_down(three_brokers: Hospital, trial: Try) -> None:
    """No sender is told that its message is safe; all are once one of the two is back."""
    hospital = three_brokers
    with trial(hospital, 8, "two brokers of three down") as run:
        for name in BROKERS[1:]:
            hospital.kill(name)
            hospital.supervise("stopProcess", name)
        run.traffic.silent(2.0)
        before = len(run.acknowledged)
        time.sleep(AWAY_S)
        assert len(run.acknowledged) == before
        for name in BROKERS[1:]:
            hospital.supervise("startProcess", name)
        run.strike()
        run.traffic.flows(200)
