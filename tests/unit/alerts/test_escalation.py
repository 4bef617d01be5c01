"""Escalation as stories on a clock: who is paged next, when, and why; and what holds whatever happens."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.escalation import AGAIN, Rest, Standing, Take, Tried, next_step, onward
from alerts.people import Contact, When
from alerts.plan import Plan, Step, Target, plan_for
from alerts.routing import Route

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINE = (Target(person=None, contacts=(Contact(channel="pager", target="2222"),)),)


def target(*people: str) -> tuple[Target, ...]:
    return tuple(Target(person=one, contacts=(Contact(channel="pager", target=one), Contact(channel="mail", target=one))) for one in people)


def step(*people: str, minutes: float = 0, when: When = "unacknowledged") -> Step:
    return Step(after=timedelta(minutes=minutes), when=when, targets=target(*people))


LADDER = Plan(steps=(step("ann"), step("bob", minutes=5), step("cy", minutes=10)), line=LINE, timed=True)


class Story:
    """An episode that lives through a plan: `at` a minute it takes what is due and tells who was paged, as (step, people, reason)."""

    def __init__(self, plan: Plan, *, risen: bool = False) -> None:
        self.plan, self.rest = plan, Rest(until=None, reason="not_due")
        self.standing = Standing(state="open", step=-1, step_at=NOON, risen=risen)

    def at(self, minute: float) -> list[tuple[int, str, str]]:
        now, taken = NOON + timedelta(minutes=minute), list[tuple[int, str, str]]()
        verdict = next_step(self.standing, self.plan, now)
        while isinstance(verdict, Take):
            first = [(one.person, one.contacts[0]) for one in verdict.targets]
            taken.append((verdict.step, " ".join(person or contact.target for person, contact in first), verdict.reason))
            pages = tuple(Tried(step=verdict.step, person=who, channel=way.channel, target=way.target, failing=False) for who, way in first)
            self.standing = replace(self.standing, step=verdict.step, step_at=now, tried=(*self.standing.tried, *pages))
            verdict = next_step(self.standing, self.plan, now)
        self.rest = verdict
        return taken

    def turn(self, who: str, **change: bool) -> None:
        """Something becomes of every page to this person or pager."""
        tried = tuple(replace(one, **change) if who in (one.person, one.target, "everybody") else one for one in self.standing.tried)
        self.standing = replace(self.standing, tried=tried)


def test_whoever_does_not_answer_is_followed_by_the_next_after_the_delays_and_at_the_end_by_the_line() -> None:
    story = Story(LADDER)
    assert story.at(0) == [(0, "ann", "opened")]
    assert (story.at(4.9), story.rest.until) == ([], NOON + timedelta(minutes=5))
    assert story.at(5) == [(1, "bob", "unacknowledged")]
    assert story.at(14) == []
    assert story.at(15) == [(2, "cy", "unacknowledged")]
    assert story.at(20) == [(3, "2222", "unacknowledged")]
    assert (story.at(600), story.rest) == ([], Rest(until=None, reason="all_taken"))


def test_repeats_are_new_steps() -> None:
    story = Story(replace(LADDER, steps=LADDER.steps[:2], repeat=1, repeat_after=timedelta(minutes=7)))
    assert [story.at(minute) for minute in (0, 5, 12, 17, 24)] == [
        [(0, "ann", "opened")],
        [(1, "bob", "unacknowledged")],
        [(2, "ann", "unacknowledged")],
        [(3, "bob", "unacknowledged")],
        [(4, "2222", "unacknowledged")],
    ]


def test_a_mild_tier_that_nobody_answers_may_leave_the_line_in_peace_but_not_one_that_nobody_got() -> None:
    quiet = replace(LADDER, steps=(step("ann"),), to_line=False)
    unanswered, unreached = Story(quiet), Story(quiet)
    unanswered.at(0)
    assert (unanswered.at(600), unanswered.rest) == ([], Rest(until=None, reason="all_taken"))
    unreached.at(0)
    unreached.turn("ann", failing=True)
    assert unreached.at(1) == [(1, "2222", "unreachable")]


def test_a_pager_that_comes_late_takes_one_step_and_not_all_that_were_missed_at_once() -> None:
    story = Story(LADDER)
    story.at(0)
    assert story.at(300) == [(1, "bob", "unacknowledged")]
    assert story.at(309) == []
    assert story.at(310) == [(2, "cy", "unacknowledged")]


@pytest.mark.parametrize(("change", "reason"), [({"failing": True}, "unreachable"), ({"declined": True}, "declined")])
def test_who_declines_or_cannot_be_reached_is_followed_at_once(change: dict[str, bool], reason: str) -> None:
    story = Story(LADDER)
    story.at(0)
    story.turn("ann", **change)
    assert story.at(0.1) == [(1, "bob", reason)]


def test_while_one_of_two_can_still_answer_nothing_is_hurried() -> None:
    story = Story(replace(LADDER, steps=(step("ann", "ben"), step("bob", minutes=5))))
    story.at(0)
    story.turn("ann", declined=True)
    assert story.at(1) == []
    story.turn("ben", failing=True)
    assert story.at(1) == [(1, "bob", "declined")]


def test_a_step_for_the_unreachable_is_left_out_otherwise() -> None:
    plan = replace(LADDER, steps=(step("ann"), step("desk", when="unreachable"), step("bob", minutes=5)))
    answered_nobody = Story(plan)
    answered_nobody.at(0)
    assert answered_nobody.at(5) == [(2, "bob", "unacknowledged")]
    out_of_reach = Story(plan)
    out_of_reach.at(0)
    out_of_reach.turn("ann", failing=True)
    assert out_of_reach.at(0) == [(1, "desk", "unreachable")]


def test_a_step_for_a_rise_is_taken_only_where_the_patient_came_from_a_lower_tier() -> None:
    plan = replace(LADDER, steps=(step("ann"), step("consultant", when="risen")))
    assert Story(plan, risen=True).at(0) == [(0, "ann", "opened"), (1, "consultant", "unacknowledged")]
    assert Story(plan).at(0) == [(0, "ann", "opened")]


def test_where_nobody_is_on_call_the_next_step_does_not_wait_and_the_line_is_last() -> None:
    assert Story(replace(LADDER, steps=(step(), step("bob", minutes=5)))).at(0) == [(1, "bob", "nobody_on_call")]
    assert Story(replace(LADDER, steps=(step(), step(minutes=5)), repeat=3)).at(0) == [(8, "2222", "nobody_on_call")]


def test_who_was_just_out_of_reach_is_not_tried_a_whole_round_again_before_the_line() -> None:
    story = Story(replace(LADDER, steps=(step("ann"),), repeat=5))
    story.at(0)
    story.turn("ann", failing=True)
    assert story.at(0) == [(6, "2222", "unreachable")]


def test_while_not_even_the_line_can_be_reached_it_is_tried_again_and_again() -> None:
    story = Story(replace(LADDER, steps=(step("ann"),)))
    story.at(0)
    story.turn("ann", failing=True)
    assert story.at(0) == [(1, "2222", "unreachable")]
    story.turn("2222", failing=True)
    assert (story.at(0), story.rest) == ([], Rest(until=NOON + AGAIN, reason="nobody_reached"))
    for number in range(1, 6):
        story.turn("2222", failing=True)
        assert story.at(5 * number) == [(1 + number, "2222", "nobody_reached")]


def test_a_rapid_response_silences_a_lower_tier_which_goes_on_once_that_is_over() -> None:
    story = Story(LADDER)
    story.at(0)
    story.standing = replace(story.standing, higher_open=True)
    assert story.at(30) == []
    assert (story.rest.reason, story.rest.until) == ("higher_tier_open", NOON + timedelta(minutes=31))
    story.standing = replace(story.standing, higher_open=False)
    assert story.at(31) == [(1, "bob", "unacknowledged")]
    story.standing = replace(story.standing, higher_open=True)
    story.turn("bob", failing=True)
    assert story.at(32) == [(2, "cy", "unreachable")]


ROUTES = (
    Route(tier="urgent", channel="mail", target="own", unit="4W"),
    Route(tier="urgent", channel="mail", target="every"),
    Route(tier="rapid_response", channel="pager", target="2222"),
)


def test_without_a_roster_the_routes_hold_and_only_who_is_out_of_reach_is_followed() -> None:
    story = Story(plan_for(None, (), ROUTES, "urgent", "4W", NOON))
    assert story.at(0) == [(0, "own", "opened")]
    assert (story.at(600), story.rest) == ([], Rest(until=None, reason="no_timer"))
    story.turn("own", failing=True)
    assert story.at(600) == [(1, "every", "unreachable")]
    story.turn("every", failing=True)
    assert story.at(600) == [(2, "2222", "unreachable")]


def test_where_the_only_route_is_out_of_reach_it_is_tried_again_in_five_minutes() -> None:
    story = Story(plan_for(None, (), ROUTES, "rapid_response", "4W", NOON))
    story.at(0)
    story.turn("2222", failing=True)
    assert (story.at(1), story.rest) == ([], Rest(until=NOON + AGAIN, reason="nobody_reached"))
    assert story.at(5) == [(2, "2222", "nobody_reached")]


def test_another_way_to_the_same_person_comes_before_another_person() -> None:
    ways = {one.person: one.contacts for one in target("ann") if one.person}
    story = Story(LADDER)
    story.at(0)
    assert onward(story.standing, ways) == ()
    story.turn("ann", failing=True)
    assert onward(story.standing, ways) == (("ann", Contact(channel="mail", target="ann")),)
    mail = Tried(step=0, person="ann", channel="mail", target="ann", failing=False)
    story.standing = replace(story.standing, tried=(*story.standing.tried, mail))
    assert (onward(story.standing, ways), story.at(1)) == ((), [])
    story.standing = replace(story.standing, tried=(story.standing.tried[0], replace(mail, failing=True)))
    assert (onward(story.standing, ways), story.at(1)) == ((), [(1, "bob", "unreachable")])


PEOPLE = ("ann", "ben", "cy", "di")
steps = st.builds(
    lambda people, minutes, when: step(*people, minutes=minutes, when=when),
    st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True),
    st.integers(0, 20),
    st.sampled_from(("unacknowledged", "unreachable", "risen")),
)
plans = st.builds(
    lambda found, repeat, timed: Plan(steps=tuple(found), line=LINE, timed=timed, repeat=repeat),
    st.lists(steps, min_size=1, max_size=4),
    st.integers(0, 3),
    st.booleans(),
)
events = st.lists(
    st.tuples(
        st.integers(-3, 30), st.sampled_from((*PEOPLE, "2222", "everybody")), st.sampled_from(("failing", "reached", "declined", "answered", "higher", "lower"))
    ),
    max_size=40,
)  # fmt: skip


@given(plans, events, st.booleans())
def test_no_episode_is_ever_without_an_owner_and_none_pages_once_it_is_answered(
    plan: Plan, happenings: list[tuple[int, str, str]], risen: bool
) -> None:
    """Whatever fails, is declined or answered, in any order and with clocks that step back: there is a page that may still be answered, or a timer."""
    story, minute = Story(plan, risen=risen), 0
    story.at(0)
    for wait, who, what in happenings:
        minute += wait
        match what:
            case "failing" | "reached":
                story.turn(who, failing=what == "failing")
            case "declined":
                story.turn(who, declined=True)
            case "answered":
                story.standing = replace(story.standing, state="acknowledged")
            case _:
                story.standing = replace(story.standing, higher_open=what == "higher")
        before = len(story.standing.tried)
        taken = story.at(minute)
        if story.standing.state == "acknowledged":
            assert (taken, story.rest, len(story.standing.tried)) == ([], Rest(until=None, reason="answered"), before)
            continue
        may_answer = any(not one.failing and not one.declined for one in story.standing.tried)
        assert may_answer or story.rest.until is not None
        assert story.rest.until is None or story.rest.until > NOON + timedelta(minutes=minute)
        numbers = [number for number, _, _ in taken]
        assert numbers == sorted(set(numbers))


@given(plans, events, st.booleans())
def test_whoever_is_out_of_reach_the_line_is_paged_and_paged_again_within_minutes(
    plan: Plan, happenings: list[tuple[int, str, str]], risen: bool
) -> None:
    """After anything at all, nobody can be reached any more: it always falls through to the line, never to nothing."""
    story, minute = Story(plan, risen=risen), 0
    story.at(0)
    for wait, who, what in happenings:
        minute += wait
        story.turn(who, **({"declined": True} if what == "declined" else {"failing": what == "failing"}))
        story.at(minute)
    paged: list[str] = []
    for _ in range(60):  # the first step may itself be put off by twenty
        minute += 1
        story.turn("everybody", failing=True)
        paged += [who for _, who, _ in story.at(minute)]
        assert story.rest.until is not None or any(not one.failing for one in story.standing.tried)
    assert paged.count("2222") >= 3
