"""Fault 17: the clock of the machine steps by ten minutes, forth and back, and a feed's local time is set an hour back for the winter."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.fault.conftest import Hospitals, Try
from tests.fault.hospital import Hospital, Layout
from tests.fault.oracle import expected
from tests.fault.scripts import Said, ward

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(600), pytest.mark.fault]

STEP_S = 600
SOURCE = Path(__file__).with_name("stepped_clock.c")


class SteppedClock:
    """The file that the preloaded library reads."""

    def __init__(self, folder: Path) -> None:
        self.library, self._file = folder / "stepped_clock.so", folder / "step"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(self.library), str(SOURCE)], check=True)
        self.step(0)

    def step(self, seconds: int) -> None:
        """Every process of the installation is so far ahead of the true time from now on."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))

    @property
    def environment(self) -> tuple[tuple[str, str], ...]:
        return (("LD_PRELOAD", str(self.library)), ("STEPPED_CLOCK", str(self._file)))


@pytest.fixture
def clock(tmp_path: Path) -> SteppedClock:
    if shutil.which("cc") is None:
        pytest.skip(
            "fault 17 steps a clock by a small library of its own, and this machine has no C compiler (apt-get install gcc libc6-dev)"
        )
    return SteppedClock(tmp_path)


def test_the_clock_steps_ten_minutes_forth_and_back(hospitals: Hospitals, trial: Try, clock: SteppedClock) -> None:
    """Kafka, PostgreSQL and Vigil all see it; the senders' clocks go right. Everybody who gets worse is paged as if nothing had happened."""
    hospital = hospitals.of(Layout(up=("--workers", "2"), environment=clock.environment))
    with trial(hospital, 17, "clock steps ±10 min", true_clock=True) as run:
        for seconds in (STEP_S, 0, -STEP_S, 0):
            clock.step(seconds)
            run.strike()
            run.traffic.flows(700)
        time.sleep(2)
