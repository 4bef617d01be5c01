"""What an episode needs next: another step, another way to reach the same person, or nothing; and why. Pure, with time passed in."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from alerts.episode import State
from alerts.people import Contact
from alerts.plan import Plan, Step, Target

Reason = Literal[
    "opened", "unacknowledged", "unreachable", "declined", "nobody_on_call", "nobody_reached", "answered", "higher_tier_open", "all_taken",
    "not_due", "no_timer",
]  # fmt: skip

AGAIN: Final = timedelta(minutes=5)
"""Where nobody at all could be reached, the rapid-response line is tried anew after this, in Vigil's time; a provider is back by then, or a person sees the board."""
LOOK_AGAIN: Final = timedelta(minutes=1)
"""While a higher tier is open, a lower one rests; that one is looked at again after this, so that none is without an owner once the higher is over."""


class Tried(Struct, frozen=True, kw_only=True):
    """A page that was made. `failing`: refused for good, given up, or not taken for so long that another way is due while it is still tried.

    `acknowledged`: its person has answered for it, while further people are wanted.
    """

    step: int
    person: str | None
    channel: str
    target: str
    failing: bool
    declined: bool = False
    acknowledged: bool = False


class Standing(Struct, frozen=True, kw_only=True):
    """An episode as the database has it. `step`: the last one taken, -1 before the first; `step_at`: when, Vigil's time.

    `risen`: the patient came from a lower tier; `higher_open`: a higher tier is open for the same patient.
    """

    state: State
    step: int
    step_at: datetime
    risen: bool = False
    higher_open: bool = False
    tried: tuple[Tried, ...] = ()


class Take(Struct, frozen=True, kw_only=True):
    """Page these people now, as this step."""

    step: int
    targets: tuple[Target, ...]
    reason: Reason


class Rest(Struct, frozen=True, kw_only=True):
    """Nothing to do until then; None: until something happens."""

    until: datetime | None
    reason: Reason


def next_step(standing: Standing, plan: Plan, now: datetime) -> Take | Rest:
    """The next step that is due, else when it will be. Steps are numbered through all repeats; those that do not apply leave their number unused."""
    if standing.state not in ("open", "notified"):
        return Rest(until=None, reason="answered")
    hurry = _nobody_left(standing)
    if standing.higher_open and hurry != "unreachable":  # what nobody got is told all the same
        return Rest(until=now + LOOK_AGAIN, reason="higher_tier_open")
    if hurry is None and not plan.timed and standing.step >= 0:
        return Rest(until=None, reason="no_timer")
    due = standing.step_at
    for number in range(standing.step + 1, len(plan.steps) * (plan.repeat + 1)):
        if hurry is not None and number and number % len(plan.steps) == 0:
            break  # whoever could not be reached a moment ago is not tried a whole round again before the line is
        step = plan.steps[number % len(plan.steps)]
        if not _applies(step, standing, hurry):
            continue
        if hurry is None:
            due += plan.repeat_after if number and number % len(plan.steps) == 0 else step.after
            if due > now:
                return Rest(until=due, reason="not_due")
        targets = _unanswered(step.targets, standing)
        if targets:
            return Take(step=number, targets=targets, reason=hurry or ("unacknowledged" if standing.step >= 0 else "opened"))
        if not step.targets:
            hurry = hurry or "nobody_on_call"
    return _line(standing, replace(plan, line=_unanswered(plan.line, standing)), now, hurry)


def onward(standing: Standing, contacts: Mapping[str, Sequence[Contact]]) -> tuple[tuple[str, Contact], ...]:
    """The next way to each person of the present step whom no way tried so far reaches. `contacts`: all ways to a person, in order."""
    if standing.state not in ("open", "notified"):
        return ()
    found = []
    for (person, _), tried in _by_person(standing).items():
        if person is None or any(one.declined or not one.failing for one in tried):
            continue
        used = {(one.channel, one.target) for one in tried}
        fresh = next((one for one in contacts.get(person, ()) if (one.channel, one.target) not in used), None)
        if fresh is not None:
            found.append((person, fresh))
    return tuple(found)


def _line(standing: Standing, plan: Plan, now: datetime, hurry: Reason | None) -> Take | Rest:
    """After the last step: the rapid-response line, and again while not even that can be reached."""
    number = max(standing.step + 1, len(plan.steps) * (plan.repeat + 1))
    first = standing.step < len(plan.steps) * (plan.repeat + 1)
    if hurry is None:
        if not first or not plan.to_line:
            return Rest(until=None, reason="all_taken")
        due = standing.step_at + plan.repeat_after
        if due > now:
            return Rest(until=due, reason="not_due")
        return (
            Take(step=number, targets=plan.line, reason="unacknowledged") if plan.line else Rest(until=now + AGAIN, reason="nobody_on_call")
        )
    failing = {(one.channel, one.target) for one in standing.tried if one.failing}
    fresh = tuple(one for one in plan.line if not all((way.channel, way.target) in failing for way in one.contacts))
    if fresh and first:
        return Take(step=number, targets=fresh, reason=hurry)
    if standing.step_at + AGAIN > now:
        return Rest(until=standing.step_at + AGAIN, reason="nobody_reached")
    return Take(step=number, targets=plan.line, reason="nobody_reached") if plan.line else Rest(until=now + AGAIN, reason="nobody_on_call")


def _unanswered(targets: Sequence[Target], standing: Standing) -> tuple[Target, ...]:
    """Those who have not acknowledged yet: where several people are wanted, nobody is paged again for having answered."""
    answered = {one.person or (one.channel, one.target) for one in standing.tried if one.acknowledged}
    if not answered:
        return tuple(targets)
    return tuple(one for one in targets if (one.person or (one.contacts[0].channel, one.contacts[0].target)) not in answered)


def _applies(step: Step, standing: Standing, hurry: Reason | None) -> bool:
    match step.when:
        case "unacknowledged":
            return True
        case "unreachable":
            return hurry is not None
        case "risen":
            return standing.risen


def _nobody_left(standing: Standing) -> Reason | None:
    """Why the next step cannot wait: everybody paged in the present one has declined, or is out of reach."""
    if standing.step < 0:
        return None
    people = _by_person(standing)
    if any(not one.failing and not any(other.declined for other in tried) for tried in people.values() for one in tried):
        return None
    return "declined" if any(one.declined for tried in people.values() for one in tried) else "unreachable"


def _by_person(standing: Standing) -> dict[tuple[str | None, str], list[Tried]]:
    """The present step's pages; what is nobody's own stands for itself."""
    found: dict[tuple[str | None, str], list[Tried]] = {}
    for one in standing.tried:
        if one.step == standing.step:
            found.setdefault((one.person, "" if one.person else f"{one.channel} {one.target}"), []).append(one)
    return found
