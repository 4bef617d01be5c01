"""Any process killed outright while a story is told: the same pages, each once, and nothing that was acknowledged is lost."""

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest

from tests.hl7 import SICK, WELL, oru
from tests.installations import eventually
from tests.story.conftest import Hospital

pytestmark = pytest.mark.xdist_group("story-kills")

PATIENTS = 6


def story(first: int) -> list[bytes]:
    """Six patients, every other one gets worse; forty messages or so, mixed as a ward mixes them."""
    now = datetime.now(UTC)
    return [
        oru(str(first + patient), now - timedelta(seconds=300 - 40 * turn), SICK if turn >= 4 and patient % 2 == 0 else WELL)
        for turn in range(7)
        for patient in range(PATIENTS)
    ]


@pytest.mark.parametrize(
    ("name", "first"), [("work", 600), ("page", 610), ("listen", 620), ("triton", 630), ("postgres", 640), ("kafka", 650), ("board", 660)]
)
def test_killing_one_process_changes_no_page_and_loses_nothing(hospital: Hospital, name: str, first: int) -> None:
    messages = story(first)
    before = hospital.recorded()
    victim = hospital.pid(name)

    def strike(sent: int) -> None:
        if sent == len(messages) * 2 // 3:
            os.kill(victim, signal.SIGKILL)

    tally = hospital.send(messages, during=strike)
    assert tally.aa >= len(messages)
    eventually(lambda: hospital.recorded() >= before + len(messages), within_s=90)
    expected = [["rapid_response"] if patient % 2 == 0 else [] for patient in range(PATIENTS)]
    eventually(lambda: [hospital.tiers(str(first + patient)) for patient in range(PATIENTS)] == expected, within_s=90)
    stored = hospital.ask("SELECT count(*) FROM vigil.observations WHERE patient_id LIKE %s", f"HOSP:{first // 10}%")
    assert stored == [(len(messages) * len(WELL),)]
    eventually(lambda: hospital.vigil("audit", check=False).returncode == 0)
    eventually(lambda: hospital.vigil("status", check=False).returncode == 0, within_s=90)
