"""Fault 19: the workers are away until ten times the usual backlog has gathered; then patients in the present are scored first."""

import time
from datetime import UTC, datetime

import pytest

from streams.beginnings import offsets
from tests.fault.conftest import Try
from tests.fault.hospital import Hospital
from tests.fault.traffic import RATE
from tests.installations import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(900), pytest.mark.fault]

WORKERS = ("work", "work-2", "work-3")
USUAL = 2400
"""Messages that gather while a database is started again: thirty seconds at the rate of these tests."""
LIVE_S = 10.0
"""What the issue allows the 99th hundredth of the messages in the present."""


def test_the_present_goes_first(hospital: Hospital, trial: Try) -> None:
    with trial(hospital, 19, "backlog of ten times the usual", allowed={"put_aside"}) as run:
        for name in WORKERS:
            hospital.supervise("stopProcess", name)
        before = written(hospital)
        run.traffic.rate(12 * RATE)
        eventually(lambda: written(hospital) - before > 10 * USUAL, within_s=200, every_s=1.0)
        run.traffic.rate(RATE)
        for name in WORKERS:
            hospital.supervise("startProcess", name)
        eventually(lambda: hospital.workers() != [], within_s=60)
        run.strike()
        began = datetime.now(UTC)
        eventually(lambda: waiting(hospital) > 0, within_s=60)
        eventually(lambda: waiting(hospital) == 0, within_s=240, every_s=0.5)
        filled = datetime.now(UTC)
        time.sleep(2)
    live = sorted((row[5] - row[4]).total_seconds() for row in run.found.messages if began < row[4] < filled)
    assert len(live) > 200
    p99_s = live[int(0.99 * len(live))]
    run.line.title += f": live p99 {p99_s:.1f} s, filled in after {(filled - began).total_seconds():.0f} s"
    assert p99_s <= LIVE_S


def written(hospital: Hospital) -> int:
    """Messages ever written to the raw topics."""
    return sum(high for _, high in offsets(hospital.settings.kafka.bootstrap).values())


def waiting(hospital: Hospital) -> int:
    """Messages that were put aside and wait to be filled in."""
    return int(hospital.ask("SELECT coalesce(sum(until_offset - next_offset), 0) FROM vigil_store.backlog")[0][0])
