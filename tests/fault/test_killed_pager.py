"""Faults 4 to 6: pagers killed around the call of a provider, and two of them at once."""

import time
from typing import Literal

import pytest

from tests.fault.conftest import Try
from tests.fault.doses import dose
from tests.fault.hospital import Hospital
from tests.fault.trial import Trial
from tests.installations import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(900)]

PAGERS = ("page", "page-2")


def strike(hospital: Hospital, run: Trial, when: Literal["before", "after"]) -> None:
    """Every pager is killed while the provider holds the line."""
    hospital.provider.hold(when)
    eventually(lambda: hospital.provider.held > 0)
    assert hospital.kill(*PAGERS)
    run.strike()
    hospital.provider.release()
    run.traffic.flows(100)


@dose(full=12)
def test_killed_before_the_provider_has_the_page(hospital: Hospital, trial: Try, times: int) -> None:
    with trial(hospital, 4, "pager killed before the provider call", by="pages") as run:
        for _ in range(times):
            strike(hospital, run, "before")
    assert run.line.again == 0


@dose(brief=1, full=12)
def test_killed_between_acceptance_and_commit(hospital: Hospital, trial: Try, times: int) -> None:
    """The provider has the page and nobody knows: it is sent again under the same id, which a web hook sees and a pager terminal cannot."""
    with trial(hospital, 5, "pager killed between acceptance and commit", by="pages", allowed={"repeats"}) as run:
        for _ in range(times):
            strike(hospital, run, "after")
    takes = hospital.provider.takes()
    assert sum(takes[row[3]] > 1 for row in run.found.pages) >= times


@dose(full=60.0)
def test_two_pagers_at_once(hospital: Hospital, trial: Try, times: float) -> None:
    """Both claim from one outbox; each page reaches its provider once."""
    with trial(hospital, 6, "two pagers at once", by="pages") as run:
        time.sleep(times)
    takes = hospital.provider.takes()
    assert all(takes[row[3]] == 1 for row in run.found.pages)
    for name in PAGERS:
        assert hospital.metric(name, "vigil_pages_total{") > 0
