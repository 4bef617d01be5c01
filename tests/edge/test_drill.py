"""The drill that an operator runs: a lost database comes back from its copy and its log, and what came since from Kafka; nothing is missing, nothing twice."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.xdist_group("installations")


def test_after_going_back_to_an_instant_everything_since_is_read_again() -> None:
    """Kafka takes all of it for done; nothing new comes that would show a gap. The worker finds out by itself."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "infra.main", "drill", "pitr", "--messages", "150", "--json"],
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (found["acknowledged"], found["at_instant"], found["restored"], found["recorded"]) == (150, 100, 100, 150)
    assert (found["gaps"], found["equal"]) == (0, True)
