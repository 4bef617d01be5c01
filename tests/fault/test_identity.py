"""Fault 18: patients are moved, and merged under another number, in the middle of an episode, while their messages come on."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.fault.conftest import Try
from tests.fault.doses import dose
from tests.fault.hospital import Hospital
from tests.fault.scripts import PATIENTS, ROUNDS, Said, merge, now, round_of, said
from tests.hl7 import WELL, adt, oru

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(600)]

MOVED, MERGED = 7, 8
"""Rounds: in the middle of the first course, which gets worse in rounds 3, 6 and 9."""


def merging(run: str, lane: int) -> Iterator[Said]:
    """Everybody has two numbers that become one. Bad news comes under one of them only, under the former for every other patient, and goes on after
    the merge; the other number says that all is well. So the pages are the same whichever worker hears of the merge first.
    """
    cohort = 0
    while True:
        names = [f"{run}{lane}x{cohort}x{number}" for number in range(PATIENTS)]
        for name in names:
            for mrn in (name, f"{name}E"):
                yield said(mrn, "adm", lambda mrn, control, name=name: adt("A01", mrn, hours_ago(4), control_id=control, visit=f"V{name}"))
        for turn in range(ROUNDS):
            for number, name in enumerate(names):
                if turn == MOVED:
                    yield said(name, "move", lambda mrn, control: adt("A02", mrn, now(), unit="ICU", bed="3", control_id=control))
                if turn == MERGED:
                    yield said(name, "merge", lambda mrn, control: merge(mrn, f"{mrn}E", control))
                bad, well = (name, f"{name}E") if (number + cohort) % 2 else (f"{name}E", name)
                yield said(bad, f"r{turn}", lambda mrn, control, turn=turn, number=number: round_of(mrn, control, turn, number, now()))
                yield said(well, f"w{turn}", lambda mrn, control: oru(mrn, now(), WELL, control_id=control, filler=f"F{control}"))
        cohort += 1


def hours_ago(hours: float) -> datetime:
    return now() - timedelta(hours=hours)


@dose(brief=9.0, full=60.0)
def test_merged_and_moved_in_the_middle_of_an_episode(hospital: Hospital, trial: Try, times: float) -> None:
    """Three workers, twelve partitions: the two numbers of a patient mostly meet in different workers."""
    with trial(hospital, 18, "merge and transfer within an episode", script=merging, allowed={"two_partitions"}) as run:
        time.sleep(times)
    merged = hospital.ask("SELECT count(*) FROM vigil_store.patient WHERE merged_into LIKE %s", f"HOSP:{run.run}%")
    assert merged == [(len(run.expected.aliases),)]
    assert run.expected.aliases
    [(moved,)] = hospital.ask("SELECT count(*) FROM vigil.encounters WHERE unit = 'ICU' AND patient_id LIKE %s", f"HOSP:{run.run}%")
    assert moved == sum("-move" in one.said.control_id for one in run.acknowledged)
