"""Shifts out to CSV and iCalendar and back, and calendars that other programs wrote."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from icalendar import Calendar

from alerts import schedule_csv, schedule_ical
from alerts.people import Contact, Person, Roster, Rotation, Team
from alerts.schedule import Duty, Shift, shifts
from alerts.schedule_csv import NotImported

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
YEAR = (NOW, NOW + timedelta(days=365))
ROSTER = Roster(
    version="1", line=(Contact(channel="pager", target="2222"),), timezone="Europe/London",
    people={one: Person(name=f"Dr {one.title()}", contacts=(Contact(channel="mail", target=f"{one}@hospital.test"),)) for one in ("ann", "bob")},
    teams={"doctors": Team(rotations=(Rotation(people=("ann", "bob"), first_day=date(2026, 1, 1), starts=time(20), ends=time(8)),)), "empty": Team()},
)  # fmt: skip


def night_shifts() -> tuple[Shift, ...]:
    return shifts(ROSTER, (), "doctors", NOW, NOW + timedelta(days=14))


def said(found: tuple[Duty, ...]) -> list[tuple[str | None, datetime, datetime]]:
    return [(one.person, one.starts_at, one.ends_at) for one in found]


@pytest.mark.parametrize("kind", ["csv", "ics"])
def test_what_is_exported_and_imported_again_is_the_same_over_the_night_in_which_the_clocks_change(kind: str) -> None:
    if kind == "csv":
        back = schedule_csv.read(schedule_csv.written(night_shifts()), ROSTER, "x")
    else:
        back = schedule_ical.read(schedule_ical.written(night_shifts(), ROSTER, NOW), ROSTER, "x", None, *YEAR)
    assert said(back) == [(one.person, one.starts_at, one.ends_at) for one in night_shifts()]
    assert {(one.ends_at - one.starts_at) for one in back} == {timedelta(hours=12), timedelta(hours=11)}
    assert {one.team for one in back} == {"doctors"}


def test_an_export_can_be_read_by_a_calendar_program_and_names_each_shift_once() -> None:
    calendar = Calendar.from_ical(schedule_ical.written(night_shifts(), ROSTER, NOW))
    events = calendar.walk("VEVENT")
    assert len({str(event["UID"]) for event in events}) == len(events) == len(night_shifts())
    assert str(events[0]["SUMMARY"]).startswith("Dr ")
    again = Calendar.from_ical(schedule_ical.written(night_shifts(), ROSTER, NOW + timedelta(hours=1))).walk("VEVENT")
    assert [event["UID"] for event in again] == [event["UID"] for event in events]


def calendar(*lines: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//other//EN", *lines, "END:VCALENDAR", ""]).encode()


def event(*lines: str, uid: str = "1") -> tuple[str, ...]:
    return ("BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT")


def read(*lines: str, team: str | None = "doctors") -> tuple[Duty, ...]:
    return schedule_ical.read(calendar(*lines), ROSTER, "other.ics", team, *YEAR)


NIGHT = ("SUMMARY:Night: Dr Ann", "DTSTART;TZID=Europe/London:20260327T200000", "DTEND;TZID=Europe/London:20260328T080000")


def test_recurrences_keep_to_the_wall_clock_with_exceptions_moved_and_cancelled_ones() -> None:
    every = event(*NIGHT, "RRULE:FREQ=DAILY;UNTIL=20260331T225959Z", "EXDATE;TZID=Europe/London:20260330T200000")
    moved = event(
        "SUMMARY:Dr Bob", "RECURRENCE-ID;TZID=Europe/London:20260329T200000", "DTSTART;TZID=Europe/London:20260329T210000",
        "DTEND;TZID=Europe/London:20260330T070000",
    )  # fmt: skip
    cancelled = event(*NIGHT, "RECURRENCE-ID;TZID=Europe/London:20260327T200000", "STATUS:CANCELLED")
    assert said(read(*every, *moved, *cancelled)) == [
        ("ann", datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 3, 29, 7, tzinfo=UTC)),
        ("bob", datetime(2026, 3, 29, 20, tzinfo=UTC), datetime(2026, 3, 30, 6, tzinfo=UTC)),
        ("ann", datetime(2026, 3, 31, 19, tzinfo=UTC), datetime(2026, 4, 1, 7, tzinfo=UTC)),
    ]


def test_a_duration_is_so_many_hours_whatever_the_clocks_do() -> None:
    found = read(*event("SUMMARY:Dr Ann", "DTSTART;TZID=Europe/London:20260328T200000", "DURATION:PT12H", "RRULE:FREQ=DAILY;COUNT=2"))
    assert [one.ends_at - one.starts_at for one in found] == [timedelta(hours=12)] * 2


@pytest.mark.parametrize(
    ("lines", "starts_at"),
    [
        (("DTSTART:20260701T080000", "DTEND:20260701T200000"), datetime(2026, 7, 1, 7, tzinfo=UTC)),
        (("DTSTART:20260701T080000Z", "DTEND:20260701T200000Z"), datetime(2026, 7, 1, 8, tzinfo=UTC)),
        (("DTSTART;VALUE=DATE:20260701", "DTEND;VALUE=DATE:20260702"), datetime(2026, 6, 30, 23, tzinfo=UTC)),
        (("DTSTART;VALUE=DATE:20260701",), datetime(2026, 6, 30, 23, tzinfo=UTC)),
    ],
)
def test_times_without_a_zone_and_whole_days_are_the_teams(lines: tuple[str, ...], starts_at: datetime) -> None:
    [found] = read(*event("SUMMARY:ann", *lines))
    assert found.starts_at == starts_at


def test_people_are_known_by_address_too() -> None:
    [found] = read(*event("SUMMARY:On call", "ATTENDEE:mailto:Bob@hospital.test", "DTSTART:20260701T080000Z", "DTEND:20260701T200000Z"))
    assert found.person == "bob"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not a calendar", "no iCalendar file"),
        (calendar(*event("SUMMARY:Dr Nobody", "DTSTART:20260701T080000Z", "DTEND:20260701T200000Z")), "names nobody"),
        (calendar(*event("SUMMARY:Dr Ann or Dr Bob", "DTSTART:20260701T080000Z", "DTEND:20260701T200000Z")), "names nobody"),
        (calendar(*event("SUMMARY:Dr Ann")), "no start"),
        (calendar(*event("SUMMARY:Dr Ann", "X-VIGIL-TEAM:nurses", "DTSTART:20260701T080000Z", "DTEND:20260701T200000Z")), "no known team"),
    ],
)
def test_a_calendar_that_cannot_be_read_whole_is_refused_with_a_remedy(content: bytes, said: str) -> None:
    with pytest.raises(NotImported) as error:
        schedule_ical.read(content, ROSTER, "x", "doctors", *YEAR)
    wrong, remedy = str(error.value).split("\n")
    assert said in wrong
    assert remedy


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nurses,ann,2026-07-01T08:00,2026-07-01T20:00,", "no team nurses"),
        ("doctors,eve,2026-07-01T08:00,2026-07-01T20:00,", "nobody is called eve"),
        ("doctors,ann,1 July,2026-07-01T20:00,", "not ISO 8601"),
        ("doctors,ann,2026-07-01T20:00,2026-07-01T08:00,", "ends before it starts"),
        ("doctors,,2026-07-01T08:00,2026-07-01T20:00,", "nobody is named"),
    ],
)
def test_a_wrong_line_of_csv_is_named(line: str, said: str) -> None:
    with pytest.raises(NotImported) as error:
        schedule_csv.read(f"team,person,starts_at,ends_at,instead_of\n{line}\n", ROSTER, "x")
    assert str(error.value).startswith("line 2: ")
    assert said in str(error.value)


def test_csv_without_its_first_line_is_refused_and_a_spreadsheets_mark_is_no_harm() -> None:
    with pytest.raises(NotImported, match="does not name the columns"):
        schedule_csv.read("doctors,ann,2026-07-01T08:00,2026-07-01T20:00\n", ROSTER, "x")
    [found] = schedule_csv.read("\ufeffteam,person,starts_at,ends_at\ndoctors,ann,2026-07-01T08:00,2026-07-01T20:00\n", ROSTER, "x")
    assert found.starts_at == datetime(2026, 7, 1, 7, tzinfo=UTC)
