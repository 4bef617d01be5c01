"""A bundle's deadline nears and no message comes: the page goes out all the same, over a real socket, by whichever worker is alive."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.ports import choose
from tests.hl7 import adt, ordered, oru
from tests.installations import eventually
from tests.story.conftest import Hospital, running

pytestmark = pytest.mark.xdist_group("story-deadlines")

SOON = timedelta(seconds=12)
"""From the last message until an element begins to press: long enough for a worker to be killed and started again."""


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    home = tmp_path_factory.mktemp("deadlines")
    ports = choose(home / "catchers.json", ["snpp", "smtp", "http"])
    (home / "policy.toml").write_text(
        'version = "sepsis"\nmax_age_minutes = 60\n[tiers.urgent]\nscore = "sep1"\nraise_at = 1\nclear_below = 1\ndwell_minutes = 0\n'
    )
    (home / "vigil.toml").write_text(
        f'[page]\npolicy = "{home}/policy.toml"\n[page.channels.pager]\nkind = "snpp"\naddress = "127.0.0.1:{ports["snpp"]}"\n'
        '[[page.routes]]\ntier = "urgent"\nchannel = "pager"\ntarget = "2222"\n'
    )
    with running(home, ports) as place:
        yield place


@pytest.mark.parametrize("killed", [False, True])
def test_an_element_nobody_gives_pages_before_its_deadline_though_no_message_arrives(hospital: Hospital, killed: bool) -> None:
    mrn, zero = ("802" if killed else "801"), datetime.now(UTC).replace(microsecond=0) + SOON - timedelta(hours=2)
    before = hospital.recorded()
    hospital.send(
        [adt("A01", mrn, zero - timedelta(hours=3)), ordered(mrn, zero), oru(mrn, zero, {"hr": 120, "temp": 38.6, "creatinine": 2.4})]
    )
    eventually(lambda: hospital.recorded() == before + 3)
    assert hospital.tiers(mrn) == []
    if killed:
        os.kill(hospital.pid("work"), signal.SIGKILL)
    eventually(lambda: hospital.tiers(mrn) == ["urgent"], within_s=60)
    [(created_at, reason)] = hospital.ask(
        "SELECT p.created_at, e.reason FROM vigil.pages p JOIN vigil.episodes e USING (episode_id) WHERE e.patient_id = %s", f"HOSP:{mrn}"
    )
    assert zero + timedelta(hours=2) <= created_at.astimezone(UTC) < zero + timedelta(hours=3)
    assert reason.startswith("sep1 2")
    assert hospital.recorded() == before + 3
    [(score_id,)] = hospital.ask("SELECT score_id FROM vigil.scores WHERE patient_id = %s AND score_id LIKE 'wake/%%'", f"HOSP:{mrn}")
    assert hospital.vigil("explain", score_id).returncode == 0
