"""Schedules beside an independent reckoning (dateutil's rrule on naive wall-clock time) over ten years, and what swaps and holidays do to them."""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from dateutil import rrule, tz
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.coverage import uncovered
from alerts.people import WEEKDAYS, Contact, Person, Roster, RosterError, Rotation, Team, Weekday, load
from alerts.roster_file import RosterFile
from alerts.schedule import Duty, Shift, gaps, on_call, shifts

DAY = timedelta(days=1)
ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC")
PEOPLE = ("ann", "bob", "cy")


def roster(*rotations: Rotation, zone: str = "Europe/London", holidays: tuple[date, ...] = ()) -> Roster:
    return Roster(
        version="1", line=(Contact(channel="pager", target="2222"),), timezone=zone, holidays=holidays,
        people={one: Person(name=f"Dr {one.title()}", contacts=(Contact(channel="pager", target=one),)) for one in PEOPLE},
        teams={"doctors": Team(rotations=rotations)},
    )  # fmt: skip


def reckoned(rotation: Rotation, zone: str, until: date) -> list[tuple[datetime, datetime, str]]:
    """Each day's shift by dateutil: rrule for the days, its own zones for the instants."""
    there = tz.gettz(zone)
    rule = rrule.rrule(
        rrule.DAILY, dtstart=datetime.combine(rotation.first_day, rotation.starts), until=datetime.combine(until, time(23, 59)),
        byweekday=[WEEKDAYS.index(one) for one in rotation.weekdays],
    )  # fmt: skip
    found = []
    for start in rule:
        end = datetime.combine(start.date() + (timedelta(0) if rotation.ends > rotation.starts else DAY), rotation.ends)
        turn = (start.date() - rotation.first_day).days // rotation.turn_days % len(rotation.people)
        begin_at, end_at = (tz.resolve_imaginary(one.replace(tzinfo=there)).astimezone(UTC) for one in (start, end))
        if begin_at < end_at:
            found.append((begin_at, end_at, rotation.people[turn]))
    return found


def at_each(found: list[tuple[datetime, datetime, str]], instants: list[datetime]) -> list[tuple[str, ...]]:
    return [tuple(who for begin, end, who in found if begin <= at < end) for at in instants]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("starts", "ends", "turn_days", "weekdays"),
    [
        (time(8), time(8), 7, WEEKDAYS),
        (time(20), time(8), 1, WEEKDAYS),
        (time(1, 30), time(1, 30), 1, WEEKDAYS),
        (time(2), time(2, 30), 1, ("sun",)),
        (time(9), time(17), 2, ("mon", "tue", "wed", "thu", "fri")),
    ],
)
def test_ten_years_of_shifts_are_what_dateutil_reckons(
    zone: str, starts: time, ends: time, turn_days: int, weekdays: tuple[Weekday, ...]
) -> None:
    rotation = Rotation(people=PEOPLE, first_day=date(2026, 1, 5), turn_days=turn_days, starts=starts, ends=ends, weekdays=weekdays)
    expected = reckoned(rotation, zone, date(2036, 1, 5))
    until = datetime(2036, 1, 1, tzinfo=UTC)
    ours = shifts(roster(rotation, zone=zone), (), "doctors", datetime(2026, 1, 1, tzinfo=UTC), until)
    pieces = [one for shift in ours for one in _within(expected, shift)]
    assert sorted(pieces) == sorted(one for one in expected if one[0] < until)
    assert sum((one.ends_at - one.starts_at for one in ours), timedelta()) == sum((end - begin for begin, end, _ in pieces), timedelta())


def _within(found: list[tuple[datetime, datetime, str]], shift: Shift) -> list[tuple[datetime, datetime, str]]:
    """The daily shifts that make up one of ours; `found` is in order of time."""
    near = found[bisect_left(found, (shift.starts_at,)) : bisect_left(found, (shift.ends_at,))]
    return [one for one in near if one[1] <= shift.ends_at and one[2] == shift.person]


@given(
    zone=st.sampled_from(ZONES), starts=st.times(), ends=st.times(), turn_days=st.integers(1, 14),
    weekdays=st.sets(st.sampled_from(WEEKDAYS), min_size=1), minutes=st.lists(st.integers(0, 270 * 24 * 60), min_size=1),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_who_is_on_call_at_any_instant_is_who_dateutil_reckons(
    zone: str, starts: time, ends: time, turn_days: int, weekdays: set[Weekday], minutes: list[int]
) -> None:
    rotation = Rotation(people=PEOPLE, first_day=date(2026, 2, 2), turn_days=turn_days, starts=starts, ends=ends, weekdays=tuple(weekdays))
    aware = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=one) for one in minutes]
    expected = at_each(reckoned(rotation, zone, date(2026, 12, 5)), aware)
    one = roster(rotation, zone=zone)
    assert [on_call(one, (), "doctors", at) for at in aware] == expected


@pytest.mark.parametrize(
    ("night", "hours"),
    [(datetime(2026, 3, 28, 20, tzinfo=UTC), 11), (datetime(2026, 10, 24, 19, tzinfo=UTC), 13), (datetime(2026, 5, 1, 19, tzinfo=UTC), 12)],
)
def test_a_night_is_an_hour_shorter_or_longer_when_the_clocks_change_and_never_has_a_gap(night: datetime, hours: int) -> None:
    one = roster(
        Rotation(people=("ann",), first_day=date(2026, 1, 1), name="day", starts=time(8), ends=time(20)),
        Rotation(people=("bob",), first_day=date(2026, 1, 1), name="night", starts=time(20), ends=time(8)),
    )
    [shift] = [shift for shift in shifts(one, (), "doctors", night, night + timedelta(hours=1)) if shift.rotation == "night"]
    assert (shift.starts_at, shift.ends_at - shift.starts_at) == (night, timedelta(hours=hours))
    assert gaps(one, (), "doctors", night - DAY, night + 2 * DAY) == ()


WEEKDAY_ROTA = Rotation(
    people=("ann",), first_day=date(2026, 1, 5), weekdays=("mon", "tue", "wed", "thu", "fri"), starts=time(8), ends=time(8)
)


def test_gaps_are_found_before_they_come() -> None:
    monday = datetime(2026, 6, 1, 7, tzinfo=UTC)  # 08:00 in London
    [gap] = gaps(roster(WEEKDAY_ROTA), (), "doctors", monday, monday + 7 * DAY)
    assert (gap.starts_at, gap.ends_at) == (monday + 5 * DAY, monday + 7 * DAY)


def test_a_holiday_is_off_for_some_and_only_for_others() -> None:
    christmas = date(2026, 12, 25)
    usual = Rotation(people=("ann",), first_day=date(2026, 1, 1), name="usual", holidays="off")
    special = Rotation(people=("bob",), first_day=date(2026, 1, 1), name="special", holidays="only")
    one = roster(usual, special, holidays=(christmas,))
    noons = [datetime(2026, 12, day, 12, tzinfo=UTC) for day in (24, 25, 26)]
    assert [on_call(one, (), "doctors", at) for at in noons] == [("ann",), ("bob",), ("ann",)]


def duty(person: str | None, instead_of: str | None, first: int, last: int) -> Duty:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    return Duty(duty_id="1", team="doctors", person=person, instead_of=instead_of, starts_at=noon + first * DAY, ends_at=noon + last * DAY)


def test_swaps_of_swaps_days_off_and_one_more_hold_in_the_order_in_which_they_were_agreed() -> None:
    one = roster(Rotation(people=("ann",), first_day=date(2026, 1, 1)))
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    agreed = (duty("bob", "ann", 0, 4), duty("cy", "bob", 1, 2), duty(None, "bob", 2, 3), duty("cy", None, 3, 4))
    assert [on_call(one, agreed, "doctors", noon + n * DAY) for n in range(-1, 5)] == [
        ("ann",), ("bob",), ("cy",), (), ("bob", "cy"), ("ann",),
    ]  # fmt: skip
    assert [(gap.starts_at, gap.ends_at) for gap in gaps(one, agreed, "doctors", noon - DAY, noon + 5 * DAY)] == [
        (noon + 2 * DAY, noon + 3 * DAY)
    ]


ROSTER = """
version = "1"
timezone = "Europe/London"
line = [{channel = "pager", target = "2222"}]
[people.ann]
name = "Dr Ann"
contacts = [{channel = "pager", target = "1"}]
[[teams.doctors.rotations]]
people = ["ann"]
first_day = 2026-01-05
starts = 08:00:00
[[escalations]]
tier = "urgent"
steps = [{page = ["team:doctors"]}, {page = ["line"], after_minutes = 5}]
"""


def test_a_roster_is_read_from_toml(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("roster") / "oncall.toml"
    file.write_text(ROSTER)
    read = load(file, ["pager"])
    assert read.teams["doctors"].rotations[0].starts == time(8)
    assert [one.page for one in read.escalations[0].steps] == [("team:doctors",), ("line",)]


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("Europe/London", "Europe/Londn", "no time zone"),
        ('people = ["ann"]', 'people = ["anne"]', "nobody is called anne"),
        ("team:doctors", "team:nurses", "there is no team:nurses"),
        ('"urgent"', '"loud"', "loud"),
        ("after_minutes", "after_hours", "after_hours"),
        ('[{channel = "pager", target = "2222"}]', "[]", "line"),
        ('target = "1"', 'target = "1", pin = 3', "pin"),
        ('{channel = "pager", target = "1"}', '{channel = "pigeon"}', "no channel pigeon"),
        ("[people.ann]", "[people.ann", "oncall.toml"),
    ],
)
def test_a_wrong_roster_is_refused_with_a_remedy(tmp_path_factory: pytest.TempPathFactory, wrong: str, right: str, said: str) -> None:
    file = tmp_path_factory.mktemp("roster") / "oncall.toml"
    file.write_text(ROSTER.replace(wrong, right))
    with pytest.raises(RosterError) as error:
        load(file, ["pager"])
    first, remedy = str(error.value).split("\n", 1)
    assert said in first
    assert remedy


def test_a_changed_roster_is_followed_and_a_wrong_one_leaves_the_old_in_force(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("roster") / "oncall.toml"
    file.write_text(ROSTER)
    current = RosterFile(file, ["pager"])
    assert current().people["ann"].name == "Dr Ann"
    file.write_text(ROSTER.replace("Dr Ann", "Dr Anna"))
    assert current().people["ann"].name == "Dr Anna"
    file.write_text(ROSTER.replace('people = ["ann"]', 'people = ["eve"]'))
    assert current().people["ann"].name == "Dr Anna"
    file.unlink()
    assert current().people["ann"].name == "Dr Anna"
    file.write_text(ROSTER)
    assert current().people["ann"].name == "Dr Ann"


def test_whoever_has_left_the_roster_is_on_call_no_more_and_leaves_a_gap() -> None:
    one = roster(Rotation(people=("ann",), first_day=date(2026, 1, 1)))
    agreed = (duty("eve", "ann", 0, 1),)
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert on_call(one, agreed, "doctors", noon) == ()
    assert [gap.starts_at for gap in gaps(one, agreed, "doctors", noon, noon + 2 * DAY)] == [noon]


@pytest.mark.parametrize("source", ["infra/main/demo_oncall.toml", "infra/docs/oncall.md"])
def test_the_files_that_are_shown_as_examples_are_sound_and_leave_no_gap(tmp_path_factory: pytest.TempPathFactory, source: str) -> None:
    text = (Path(__file__).parents[3] / source).read_text()
    file = tmp_path_factory.mktemp("roster") / "oncall.toml"
    file.write_text(text.partition("```toml\n")[2].partition("```")[0] if source.endswith(".md") else text)
    shown = load(file, ["pager", "mail", "hook"])
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert uncovered(shown, (), now, now + 400 * DAY) == ()
    assert {one.tier for one in shown.escalations} >= {"urgent"}
