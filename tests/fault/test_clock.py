"""Fault 17: the clock of the machine steps by ten minutes, forth and back, and a feed's local time is set an hour back for the winter."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.fault.conftest import Hospitals, Try
from tests.fault.hospital import Layout
from tests.fault.scripts import PATIENTS, ROUNDS, Said, now, round_of
from tests.hl7 import adt
from tests.installations import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(600), pytest.mark.fault]

STEP_S = 600
SOURCE = Path(__file__).with_name("stepped_clock.c")

BERLIN = ZoneInfo("Europe/Berlin")
WINTER = datetime(2030, 10, 27, 1, tzinfo=UTC)
"""03:00 summer time becomes 02:00: every local time of the hour around it comes twice (Directive 2000/84/EC: the last Sunday of October, 01:00 UTC)."""


class SteppedClock:
    """The file that the preloaded library reads: by how many seconds every process of the installation is ahead of the true time."""

    def __init__(self, folder: Path) -> None:
        self.library, self._file = folder / "stepped_clock.so", folder / "step"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(self.library), str(SOURCE)], check=True)
        self.step(0)

    def step(self, seconds: int) -> None:
        """From now on."""
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
    with trial(hospital, 17, "clock steps ±10 min", pages_by="senders") as run:
        for seconds in (STEP_S, 0, -STEP_S, 0):
            clock.step(seconds)
            run.traffic.flows(700)
    assert run.line.passed


def test_summer_time_ends(hospitals: Hospitals, trial: Try, clock: SteppedClock) -> None:
    """The feed's times are local and have no offset; the night's second 02:00 is as much the present as the first."""
    ahead = int((WINTER - now()).total_seconds())
    clock.step(ahead)
    feed = '[[listen.feeds]]\nname = "main"\ntimezone = "Europe/Berlin"\n'
    hospital = hospitals.of(Layout(up=("--workers", "2"), environment=clock.environment, settings=feed))
    change = now() + timedelta(seconds=45)
    ahead = int((WINTER - change).total_seconds())
    clock.step(ahead)

    def local(run: str, lane: int) -> Iterator[Said]:
        yield from wards_in_local_time(run, lane, timedelta(seconds=ahead))

    with trial(hospital, 17, "summer time ends", script=local, pages_by="meant") as run:
        eventually(lambda: now() > change + timedelta(seconds=30), within_s=120)
        run.traffic.flows(200)
    raised = [row[5] for row in run.found.pages]
    assert min(raised) < WINTER < max(raised)


def wards_in_local_time(run: str, lane: int, ahead: timedelta) -> Iterator[Said]:
    """The usual rounds at the hour of the installation's clock, without offsets; `meant` is the same with them."""
    cohort = 0
    while True:
        mrns = [f"{run}{lane}x{cohort}x{number}" for number in range(PATIENTS)]
        for mrn in mrns:
            yield both(f"{mrn}-adm", adt("A01", mrn, now() + ahead - timedelta(hours=4), control_id=f"{mrn}-adm"))
        for turn in range(ROUNDS):
            for number, mrn in enumerate(mrns):
                control = f"{mrn}-r{turn}"
                at = (now() + ahead).replace(microsecond=0)
                yield both(control, round_of(mrn, control, turn, number, at))
        cohort += 1


def both(control_id: str, meant: bytes) -> Said:
    """The message as meant, with +0000 at its times, and as the feed sends it."""
    parts = meant.split(b"+0000")
    stamps = [datetime.strptime(part[-14:].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC).astimezone(BERLIN) for part in parts[:-1]]
    local = b"".join(part[:-14] + f"{stamp:%Y%m%d%H%M%S}".encode() for part, stamp in zip(parts, stamps, strict=False)) + parts[-1]
    return Said(control_id=control_id, raw=local, meant=meant)
