"""Patients nobody has page nobody, whatever the settings and the roster say."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import synthetic
from alerts.people import Contact, EscalationRule, Person, Roster, Rotation, StepRule, Team
from alerts.plan import plan_for
from alerts.routing import Route
from parsers.read import read
from streams.processing import read_record
from streams.record import Record, Source
from streams.synthetic import SENT_BY, SICK, is_synthetic, message, number_for
from tests.hl7 import adt, merge

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

contacts = st.builds(Contact, channel=st.sampled_from(("pager", "mail")), target=st.sampled_from(("1", "2", "3", "test")))
routes = st.builds(
    Route, tier=st.sampled_from(("watch", "urgent", "rapid_response", "synthetic")), channel=st.sampled_from(("pager", "mail")),
    target=st.sampled_from(("1", "2", "3", "test")), unit=st.sampled_from(("", "4W")),
)  # fmt: skip


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    people = {key: Person(name=key, contacts=tuple(draw(st.lists(contacts, min_size=1, max_size=3)))) for key in ("ann", "bob")}
    always = Rotation(people=("ann", "bob"), first_day=date(2026, 1, 1), starts=time(0), ends=time(0))
    return Roster(
        version="1", line=tuple(draw(st.lists(contacts, min_size=1, max_size=2))), people=people, teams={"doctors": Team(rotations=(always,))},
        escalations=(EscalationRule(tier="rapid_response", steps=(StepRule(page=("team:doctors", "line")),)),),
    )  # fmt: skip


@given(st.lists(routes, max_size=6), st.none() | rosters())
def test_its_pages_go_to_the_test_target_alone_and_never_where_a_real_patients_could(found: list[Route], roster: Roster | None) -> None:
    plan = synthetic.plan(found, roster)
    paged = {way for step in plan.steps for target in step.targets for way in target.contacts} | {
        way for target in plan.line for way in target.contacts
    }
    assert paged <= {Contact(channel=one.channel, target=one.target) for one in found if one.tier == "synthetic"}
    assert all(target.person is None for step in plan.steps for target in step.targets)
    for tier in ("watch", "urgent", "rapid_response"):
        for unit in ("4W", None):
            real = plan_for(roster, (), found, tier, unit, NOON)
            everybody = {way for step in real.steps for target in step.targets for way in target.contacts}
            assert not paged & (everybody | {way for target in real.line for way in target.contacts})


@pytest.mark.parametrize("feed", ["main", "Cerner ADT", "ward-4/monitor", "žižkov", "***"])
def test_each_feed_has_patients_of_its_own_that_are_known_for_what_they_are(feed: str) -> None:
    numbers = {number_for(feed, turn) for turn in range(40)}
    assert len(numbers) == 12
    for number in numbers:
        found = read(message(NOON, number, SICK))
        assert found.patient is not None
        assert is_synthetic(found.patient.key)
        assert found.sent_by == SENT_BY


def taken(raw: bytes) -> tuple[str, str | None]:
    source = Source(topic="hl7.adt", partition=0, offset=0)
    one = read_record(Record(source=source, value=raw, received_at=NOON))
    return one.outcome, one.reason


REFUSED = ("quarantined", "204: the assigning authority VIGIL is Vigil's own")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (message(NOON, "SYNTHETIC-MAIN-1", SICK), ("stored", None)),
        (adt("A01", "1", NOON).replace(b"1^^^HOSP^MR", b"SYNTHETIC-MAIN-1^^^VIGIL^MR"), REFUSED),
        (adt("A01", "1", NOON).replace(b"1^^^HOSP^MR", b"4711^^^VIGIL^MR"), REFUSED),
        (merge("1", "2", NOON).replace(b"MRG|2^^^HOSP^MR", b"MRG|HEARTBEAT^^^VIGIL^MR"), REFUSED),
        (merge("1", "2", NOON).replace(b"PID|1||1^^^HOSP^MR", b"PID|1||SYNTHETIC-MAIN-1^^^VIGIL^MR"), REFUSED),
        (adt("A01", "1", NOON), ("stored", None)),
    ],
)
def test_no_other_sender_speaks_of_such_a_patient_and_no_real_one_becomes_one(raw: bytes, expected: tuple[str, str | None]) -> None:
    assert taken(raw) == expected
