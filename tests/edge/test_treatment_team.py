"""The patient's own doctors are paged: named by real messages, kept in a real database, matched by their numbers, followed through a merge."""

from collections.abc import Iterator
from dataclasses import replace as changed
from datetime import timedelta

import pytest
from msgspec.structs import replace

from alerts.people import EscalationRule, Identifier, StepRule
from infra.database.connect import connect
from streams.movements import Encounter
from streams.progress import seed
from tests.edge.test_transaction import NOON as MESSAGES
from tests.edge.test_transaction import Worker, record
from tests.episodes import NOON
from tests.hl7 import at, head, merge, segments, who
from tests.rosters import ROSTER, Ward, person

OWN = replace(
    ROSTER,
    people=ROSTER.people
    | {
        "ann": replace(person("ann"), identifiers=(Identifier(number="D1", authority="HOSP"),)),
        "bob": replace(person("bob"), identifiers=(Identifier(number="N7", authority="HOSP"),)),
    },
    escalations=(
        EscalationRule(tier="urgent", steps=(StepRule(page=("role:attending",)), StepRule(page=("team_of_patient",), after_minutes=10))),
    ),
)


class Hospital:
    """A worker that takes messages, and a ward whose episodes page the patient's own people."""

    def __init__(self, url: str) -> None:
        with connect(url) as connection:
            seed(connection.cursor(), {("hl7.oru", 0): 0, ("hl7.adt", 0): 0, ("hl7.oru", 1): 0})
        self.worker, self.ward, self._offset = Worker(url), Ward(url, OWN), 0

    def adt(self, trigger: str, attending: str, *more: str, mrn: str = "1", hours: float = 0) -> None:
        time = MESSAGES + timedelta(hours=hours)
        pv1 = f"PV1|1|I|4W^12^1^HOSP||||{attending}||||||||||||V{mrn}|||||||||||||||||||||||||{at(time)}"
        self.raw(segments([head(f"ADT^{trigger}", time), f"EVN|{trigger}|{at(time)}", who(mrn), pv1, *more]))

    def raw(self, raw: bytes) -> None:
        assert self.worker.take(record(self._offset, raw)) == ["stored"]
        self._offset += 1


@pytest.fixture
def hospital(postgres_url: str) -> Iterator[Hospital]:
    one = Hospital(postgres_url)
    yield one
    one.worker.transactor.forget()


def test_the_attending_is_paged_then_the_whole_team_and_then_the_line(hospital: Hospital) -> None:
    hospital.adt("A01", "D1^ANN^A^^^^^^HOSP", "ROL|1|AD|RN^Nurse|N7^BOB^B^^^^^^HOSP")
    hospital.ward.take(5)
    hospital.ward.at(10)
    hospital.ward.at(15)
    assert hospital.ward.paged() == [
        (0, "urgent", "ann", "pager"), (1, "urgent", "ann", "pager"), (1, "urgent", "bob", "pager"), (2, "urgent", "2222", "pager"),
    ]  # fmt: skip
    assert hospital.ward.ask("SELECT role, identifier, authority FROM vigil.treatment_team ORDER BY 1") == [
        ("RN", "N7", "HOSP"), ("attending", "D1", "HOSP"),
    ]  # fmt: skip


@pytest.mark.parametrize("attending", ["", "D9^WHO^W^^^^^^HOSP", "D1^ANN^A^^^^^^ELSEWHERE", "D1^ANN^A"])
def test_where_the_roster_knows_nobody_of_the_team_the_line_is_paged_at_once(hospital: Hospital, attending: str) -> None:
    hospital.adt("A01", attending)
    hospital.ward.take(5)
    assert hospital.ward.paged() == [(2, "urgent", "2222", "pager")]


def test_the_next_step_pages_whoever_treats_by_then(hospital: Hospital) -> None:
    hospital.adt("A01", "D9^WHO^W^^^^^^HOSP", "ROL|1|AD|RN^Nurse|N7^BOB^B^^^^^^HOSP")
    hospital.ward.take(5)
    assert hospital.ward.paged() == [(1, "urgent", "bob", "pager")]
    hospital.adt("A08", "D1^ANN^A^^^^^^HOSP", "ROL|1|DE|RN^Nurse|N7^BOB^B^^^^^^HOSP", hours=1)
    hospital.ward.take(1, mrn="2")
    hospital.ward.take(5, mrn="1b")
    hospital.ward.do("UPDATE vigil_store.episode SET closed_at = %s WHERE closed_at IS NULL", NOON)
    hospital.ward.take(5, minutes=30)
    assert hospital.ward.paged()[1:] == [(0, "urgent", "ann", "pager")]


def test_a_merged_patient_keeps_the_team_of_the_visit(hospital: Hospital) -> None:
    hospital.adt("A01", "D1^ANN^A^^^^^^HOSP", mrn="1")
    hospital.raw(merge("2", "1", MESSAGES + timedelta(hours=1)))
    moment = hospital.ward.moment("2", 0, "open")
    visit = changed(moment.patient.encounter or Encounter(encounter_id=""), encounter_id="V1")
    moment = changed(moment, patient=changed(moment.patient, encounter=visit))
    hospital.ward.again([moment], [hospital.ward.score(moment, 5, 0)])
    assert hospital.ward.paged("2") == [(0, "urgent", "ann", "pager")]
