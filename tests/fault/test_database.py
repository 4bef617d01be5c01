"""Faults 9 and 11: the database is restarted, killed, cut off for a minute, and its disk fills up; so does the broker's."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.conftest import Hospitals, Try
from tests.fault.doses import dose
from tests.fault.hospital import Hospital, Layout
from tests.installations import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(900)]


@dose(brief=1, full=6)
def test_database_restarted(hospital: Hospital, trial: Try, times: int) -> None:
    """In order (every client is thrown out), and by kill -9 (the log is played back)."""
    with trial(hospital, 9, "database restarted and killed", allowed={"repeats"}) as run:
        for number in range(times):
            hospital.signal(signal.SIGINT if number % 2 else signal.SIGKILL, "postgres")
            run.strike()
            run.traffic.flows(150)
    assert run.line.passed


@pytest.mark.fault
def test_database_cut_off_for_a_minute(hospital: Hospital, trial: Try) -> None:
    """It answers nothing and closes nothing, as behind a network that swallows everything. What the senders send is acknowledged all the time."""
    with trial(hospital, 9, "database cut off 60 s", allowed={"repeats", "put_aside"}) as run:
        frozen = hospital.freeze("postgres")
        before = run.traffic.answered
        time.sleep(60)
        assert run.traffic.answered - before > 60 * 50
        hospital.thaw(frozen)
        run.strike()


SIZE_MB = 600
SMALL = Layout(up=(), settings="")
"""One worker and one pager; the folders of Kafka and PostgreSQL each on a small disk of its own."""


def small_disks(home: Path) -> None:
    for name in ("kafka", "postgres"):
        folder = home / name
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=0755", "tmpfs", str(folder)], check=True)


@pytest.fixture
def on_small_disks(hospitals: Hospitals, tmp_path: Path) -> Iterator[Hospital]:
    """Small disks are memory disks, which only root may mount."""
    probe = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("fault 11 needs small disks, and this machine lets nobody mount a tmpfs (root in a container with CAP_SYS_ADMIN may)")
    subprocess.run(["umount", str(tmp_path)], check=True)
    found = hospitals.of(SMALL, small_disks)
    yield found
    hospitals.close()
    for name in ("kafka", "postgres"):
        subprocess.run(["umount", str(found.home / name)], check=False)


@pytest.mark.fault
@pytest.mark.parametrize("name", ["kafka", "postgres"])
def test_disk_full(on_small_disks: Hospital, trial: Try, name: str) -> None:
    """The disk is full for 20 s. A full broker acknowledges nothing; a full database keeps nobody from being acknowledged."""
    hospital = on_small_disks
    with trial(hospital, 11, f"disk full for {name}", allowed={"repeats"}) as run:
        ballast = hospital.home / name / "ballast"
        fill(ballast)
        if name == "kafka":
            eventually(lambda: len(run.traffic.waiting()) > 0)
        time.sleep(20)
        ballast.unlink()
        assert b"No space left on device" in (hospital.home / "logs" / f"{name}.log").read_bytes()
        run.strike()
        run.traffic.flows(200)


def fill(ballast: Path) -> None:
    """Writes until nothing more goes on the disk."""
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
        os.fsync(file.fileno())
