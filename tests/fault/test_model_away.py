"""Fault 10: Triton dead, slow, answering for another version, its python stub killed: NEWS2 speaks, and says that it speaks alone."""

import json
import shutil
import time
from pathlib import Path

import psutil
import pytest

from scoring.models.metadata import SHIPPED
from scoring.triton import seal
from tests.fault.conftest import Hospitals, Try
from tests.fault.hospital import Hospital, Layout
from tests.fault.trial import Trial
from tests.installations import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(600)]

STUB = "triton_python_backend_stub"[:15]
"""Linux keeps fifteen letters of a process's name."""


def stub(hospital: Hospital) -> int | None:
    """The process that runs the model; a killed one stays a zombie until its server ends."""
    living = (one for one in hospital.tree("triton") if one.status() != psutil.STATUS_ZOMBIE)
    return next((one.pid for one in living if one.name() == STUB), None)


def spoke_alone(run: Trial) -> bool:
    """Whether NEWS2 of this trial was marked as speaking without the model, and is not any more."""
    modes = [mode for _, _, _, mode, _ in sorted(run.look().scores, key=lambda row: row[4])]
    return "fallback" in modes and modes[-1] == "live"


@pytest.mark.fault
def test_triton_killed(hospital: Hospital, trial: Try) -> None:
    with trial(hospital, 10, "Triton killed", by="model") as run:
        for process in reversed(hospital.tree("triton")):
            process.kill()
        run.strike()
        eventually(lambda: spoke_alone(run), within_s=90, every_s=1.0)


@pytest.mark.fault
def test_triton_slow(hospital: Hospital, trial: Try) -> None:
    """Five seconds without an answer, twice."""
    with trial(hospital, 10, "Triton slow (5 s)", by="model") as run:
        for _ in range(2):
            frozen = hospital.freeze("triton")
            run.strike()
            time.sleep(5)
            hospital.thaw(frozen)
            eventually(lambda: spoke_alone(run), within_s=90, every_s=1.0)


@pytest.mark.fault
def test_python_stub_killed(hospital: Hospital, trial: Try) -> None:
    """The server calls itself ready all the while, and never starts the stub again by itself."""
    with trial(hospital, 10, "Triton's python stub killed", by="model") as run:
        victim = stub(hospital)
        assert victim is not None
        next(one for one in hospital.tree("triton") if one.pid == victim).kill()
        run.strike()
        eventually(lambda: spoke_alone(run), within_s=90, every_s=1.0)
        assert stub(hospital) not in (None, victim)


@pytest.fixture
def of_another_version(hospitals: Hospitals, tmp_path: Path) -> Hospital:
    """A model that was trained on other features than the bedside has."""
    repository = tmp_path / "repository"
    shutil.copytree(SHIPPED, repository)
    metadata = repository / "deterioration" / "1" / "metadata.json"
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | {"features": "00000000"}))
    seal.seal(metadata.parent, model="deterioration", version="other", features="00000000")
    return hospitals.of(Layout(up=(), settings=f'[triton]\nrepository = "{repository}"\n'))


@pytest.mark.fault
def test_model_of_another_version(of_another_version: Hospital, trial: Try) -> None:
    """It is never asked: every score is NEWS2's, marked."""
    with trial(of_another_version, 10, "Triton with the wrong version") as run:
        run.strike()
        run.traffic.flows(400)
    assert {row[3] for row in run.found.scores} == {"fallback"}
