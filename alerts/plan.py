"""What will be done about an episode, step by step, with the people who are on call now filled in. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from alerts.people import Contact, EscalationRule, Roster, When
from alerts.routing import Route, routes_for
from alerts.schedule import Duty, on_call
from alerts.treatment_team import NOBODY, Care, role_of


class Target(Struct, frozen=True, kw_only=True):
    """Somebody to page, and the ways to do it in the order in which they are tried. `person`: None for a pager or a desk that is nobody's own."""

    person: str | None
    contacts: tuple[Contact, ...]


class Step(Struct, frozen=True, kw_only=True):
    """`after`: Vigil's time since the step before. Without targets (nobody is on call) it is passed over, and the next does not wait."""

    after: timedelta
    when: When
    targets: tuple[Target, ...]


class Plan(Struct, frozen=True, kw_only=True):
    """`timed`: unanswered pages escalate; else only those that reach nobody do. `line`: the rapid-response line, where everything ends that reaches nobody,
    and where `to_line` what nobody answers.
    """

    steps: tuple[Step, ...]
    line: tuple[Target, ...]
    timed: bool
    to_line: bool = True
    repeat: int = 0
    repeat_after: timedelta = timedelta(minutes=5)
    acknowledgements: int = 1


def asks_for_team(roster: Roster | None, tier: str, unit: str | None) -> bool:
    """Whether the escalation for this tier and unit pages the patient's own treatment team at any step."""
    rule = roster.escalation(tier, unit) if roster is not None else None
    return rule is not None and any(who == "team_of_patient" or who.startswith("role:") for step in rule.steps for who in step.page)


def plan_for(
    roster: Roster | None, duties: Sequence[Duty], routes: Sequence[Route], tier: str, unit: str | None, now: datetime, care: Care = NOBODY
) -> Plan:
    """The roster's escalation for this tier and unit; where it has none, the routes of the settings. `care`: who treats the patient."""
    rule = roster.escalation(tier, unit) if roster is not None else None
    if roster is None or rule is None:
        return _of_routes(roster, routes, tier, unit)
    return Plan(
        steps=tuple(
            Step(after=timedelta(minutes=one.after_minutes), when=one.when, targets=_targets(roster, duties, routes, one.page, unit, now, care))
            for one in rule.steps
        ),
        line=_line(roster, routes, unit), timed=True, repeat=rule.repeat, repeat_after=timedelta(minutes=rule.repeat_after_minutes),
        acknowledgements=rule.acknowledgements, to_line=rule.unanswered == "line",
    )  # fmt: skip


def of_rule(rule: EscalationRule) -> str:
    """One line that says what a rule does.

    >>> from alerts.people import StepRule
    >>> of_rule(EscalationRule(tier="urgent", steps=(StepRule(page=("team:a",)), StepRule(page=("line",), after_minutes=5))))
    'urgent, every unit: team:a; after 5 min line; then the rapid-response line'
    """
    said = []
    for number, step in enumerate(rule.steps):
        delay = f"after {step.after_minutes:g} min " if number or step.after_minutes else ""
        only = {"unacknowledged": "", "unreachable": " (if nobody was reached)", "risen": " (if it rose from a lower tier)"}[step.when]
        said.append(f"{delay}{', '.join(step.page)}{only}")
    again = f"; {rule.repeat} times again after {rule.repeat_after_minutes:g} min" if rule.repeat else ""
    end = "; then the rapid-response line" if rule.unanswered == "line" else ""
    return f"{rule.tier}, {rule.unit or 'every unit'}: {'; '.join(said)}{again}{end}"


def _targets(
    roster: Roster, duties: Sequence[Duty], routes: Sequence[Route], page: Iterable[str], unit: str | None, now: datetime, care: Care
) -> tuple[Target, ...]:
    found: dict[Target, None] = {}
    for who in page:
        kind, _, name = who.partition(":")
        if kind == "line":
            found |= dict.fromkeys(_line(roster, routes, unit))
            continue
        match kind:
            case "team":
                people = on_call(roster, duties, name, now)
            case "role":
                people = care.get(role_of(name), ())
            case "team_of_patient":
                people = tuple(dict.fromkeys(one for mine in care.values() for one in mine))
            case _:
                people = (name,)
        found |= {Target(person=person, contacts=roster.people[person].contacts): None for person in people if person in roster.people}
    return tuple(found)


def _line(roster: Roster | None, routes: Sequence[Route], unit: str | None) -> tuple[Target, ...]:
    """The line of the roster and the rapid-response routes of the settings, each once."""
    own = roster.line if roster is not None else ()
    routed = tuple(_contact(route) for route in routes_for(routes, "rapid_response", unit) if route is not None)
    return tuple(Target(person=None, contacts=(one,)) for one in dict.fromkeys((*own, *routed)))


def _of_routes(roster: Roster | None, routes: Sequence[Route], tier: str, unit: str | None) -> Plan:
    """First those that `routes_for` names; where they reach nobody, the tier's others; then the line."""
    first = tuple(_contact(route) for route in routes_for(routes, tier, unit) if route is not None)
    others = tuple(
        _contact(route) for route in routes if route.tier == tier and route.unit in ("", unit or "") and _contact(route) not in first
    )
    steps = (_at_once("unacknowledged", first), _at_once("unreachable", others))
    return Plan(steps=steps, line=_line(roster, routes, unit), timed=False)


def _at_once(when: When, contacts: Iterable[Contact]) -> Step:
    targets = tuple(Target(person=None, contacts=(one,)) for one in dict.fromkeys(contacts))
    return Step(after=timedelta(0), when=when, targets=targets)


def _contact(route: Route) -> Contact:
    return Contact(channel=route.channel, target=route.target)
