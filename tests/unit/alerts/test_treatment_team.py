"""Who treats a patient, told by messages one after the other; and who of them the roster knows."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from alerts.people import Contact, EscalationRule, Identifier, Person, Roster, StepRule, problems
from alerts.plan import asks_for_team, plan_for
from alerts.treatment_team import current, known
from parsers.events import Member, Team

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def hour(number: float) -> datetime:
    return NOON + timedelta(hours=number)


def doctor(role: str, number: str, *, authority: str | None = "HOSP", began: float | None = None, ended: float | None = None) -> Member:
    return Member(
        role=role, identifier=number, authority=authority, began_at=None if began is None else hour(began), ended_at=None if ended is None else hour(ended)
    )  # fmt: skip


def said(*members: Member) -> Team:
    return Team(occurred_at=None, encounter_id="V1", members=members)


def who(*stated: Team, at: float = 0) -> set[str]:
    return {f"{one.role} {one.identifier}" for one in current(stated, hour(at))}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ((said(doctor("attending", "1")), said(doctor("attending", "2"))), {"attending 2"}),
        ((said(doctor("attending", "1")), said(doctor("consulting", "2"))), {"attending 1", "consulting 2"}),
        ((said(doctor("consulting", "1"), doctor("consulting", "2")), said(doctor("consulting", "3"))), {"consulting 3"}),
        ((said(doctor("RN", "1")), said(doctor("RN", "2"))), {"RN 1", "RN 2"}),
        ((said(doctor("RN", "1")), said(doctor("RN", "1", ended=-1))), set()),
        ((said(doctor("RN", "1", ended=-1)), said(doctor("RN", "1"))), {"RN 1"}),
        ((said(doctor("RN", "1", began=1)),), set()),
        ((said(doctor("RN", "1", ended=1)),), {"RN 1"}),
        ((), set()),
    ],
)
def test_pv1_names_all_of_a_role_and_rol_one_person_each(stated: tuple[Team, ...], expected: set[str]) -> None:
    assert who(*stated) == expected


def person(key: str, *numbers: Identifier) -> Person:
    return Person(name=key, contacts=(Contact(channel="pager", target=key),), identifiers=numbers)


ROSTER = Roster(
    version="1",
    line=(Contact(channel="pager", target="2222"),),
    people={
        "ann": person("ann", Identifier(number="1", authority="HOSP")),
        "bob": person("bob", Identifier(number="1", authority="CLINIC"), Identifier(number="7", authority="HOSP")),
        "cy": person("cy", Identifier(number="9")),
    },
    escalations=(
        EscalationRule(tier="urgent", steps=(StepRule(page=("role:attending",)), StepRule(page=("team_of_patient",), after_minutes=5))),
        EscalationRule(tier="watch", steps=(StepRule(page=("line",)),)),
    ),
)


def test_a_number_counts_only_under_the_authority_that_gave_it() -> None:
    members = (
        doctor("attending", "1", authority="CLINIC"), doctor("AT", "7"), doctor("consulting", "9"), doctor("nurse", "9", authority=None),
        doctor("admitting", "1", authority=None), doctor("referring", "4711"),
    )  # fmt: skip
    assert known(members, ROSTER) == {"attending": ("bob",), "nurse": ("cy",)}


def test_a_step_for_a_role_pages_those_and_one_for_nobody_known_falls_through() -> None:
    care = {"attending": ("ann",), "nurse": ("cy", "ann")}
    plan = plan_for(ROSTER, (), (), "urgent", "4W", NOON, care)
    assert [[one.person for one in step.targets] for step in plan.steps] == [["ann"], ["ann", "cy"]]
    nobody = plan_for(ROSTER, (), (), "urgent", "4W", NOON)
    assert [step.targets for step in nobody.steps] == [(), ()]
    assert nobody.line


def test_only_rules_that_ask_for_the_team_have_it_looked_up() -> None:
    assert [asks_for_team(ROSTER, tier, "4W") for tier in ("urgent", "watch", "rapid_response")] == [True, False, False]
    assert not asks_for_team(None, "urgent", "4W")


def test_one_number_of_two_people_and_a_role_without_a_name_are_told() -> None:
    twice = replace(ROSTER, people=ROSTER.people | {"dee": person("dee", Identifier(number="1", authority="HOSP"))})
    assert [wrong for wrong, _ in problems(twice)] == ["people.dee and people.ann have the number 1 both"]
    unnamed = replace(ROSTER, escalations=(EscalationRule(tier="urgent", steps=(StepRule(page=("role:",)),)),))
    assert [wrong for wrong, _ in problems(unnamed)] == ["escalations urgent: there is no role:"]
    assert list(problems(ROSTER)) == []
