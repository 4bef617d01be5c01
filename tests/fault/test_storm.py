"""Beyond the table: everything at once, in an order nobody chose. The seed is told, so that a bad storm can be had again."""

import os
import random
import time

import pytest

from tests.fault.conftest import Try
from tests.fault.hospital import Hospital

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(900), pytest.mark.fault]

STORM_S = 180.0
VICTIMS = ("listen", "work", "work-2", "work-3", "page", "page-2", "kafka", "postgres", "triton", "board", "watch")


def test_a_storm(hospital: Hospital, trial: Try) -> None:
    """For three minutes something is killed or stands still for a while, every second or so, often two things together."""
    seed = int(os.environ.get("STORM_SEED") or random.SystemRandom().randrange(10_000))
    with trial(hospital, 21, f"storm, seed {seed}", allowed={"repeats", "put_aside"}) as run:
        chance = random.Random(seed)
        until = time.monotonic() + STORM_S
        while time.monotonic() < until:
            blow(hospital, chance)
            time.sleep(chance.expovariate(1.0))
        run.strike()
    assert (run.line.lost, run.line.twice) == (0, 0)


def blow(hospital: Hospital, chance: random.Random) -> None:
    """One or two victims, killed or frozen."""
    victims = chance.sample(VICTIMS, chance.choice((1, 1, 2)))
    if chance.random() < 0.7:
        hospital.kill(*victims)
    else:
        frozen = [one for name in victims for one in hospital.freeze(name)]
        time.sleep(chance.uniform(0.1, 6.0))
        if chance.random() < 0.5:
            hospital.kill(*victims)
        hospital.thaw(frozen)
