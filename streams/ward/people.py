"""The people of the simulated ward: made-up names that nobody bears, ages of a medical ward, and how each will fare."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from streams.ward.hl7_writer import Identity, Stay
from streams.ward.physiology import COURSES, Body, Course

FAMILIES: Final = (
    "Simfield",
    "Testington",
    "Mockridge",
    "Demoval",
    "Fakenham",
    "Sampleton",
    "Dummett-Sim",
    "Trialby",
    "Protoway",
    "Synthwell",
)
GIVEN: Final = {"F": ("Ada", "Bea", "Cleo", "Dora", "Edie", "Fern"), "M": ("Abel", "Bram", "Cole", "Dane", "Ezra", "Finn")}
UNITS: Final = ("4W", "5E", "6N")
BEDS_A_ROOM: Final = 4

SHARES: Final = (("stable", 0.68), ("recovering", 0.17), ("deteriorating", 0.15))
"""How those admitted later fare; most patients of a ward are never in danger."""


FALLING_ILL: Final[tuple[tuple[Course, float], ...]] = (("sepsis", 2.2), ("respiratory", 1.8), ("haemorrhage", 0.6))
"""Courses with the hours since their onset that leave about one more until NEWS2 reaches 7."""


@dataclass(slots=True, kw_only=True)
class Patient:
    """One person in one bed, with the body that lies there."""

    who: Identity
    stay: Stay
    body: Body
    leaves_h: float
    sequence: int = 0


def bed_of(number: int, beds: int) -> tuple[str, str, str]:
    """Unit, room and bed of the n-th bed: spread over the units in order.

    >>> bed_of(0, 24), bed_of(23, 24)
    (('4W', '1', '1'), ('6N', '2', '4'))
    """
    a_unit = -(-beds // len(UNITS))
    within = number % a_unit
    return UNITS[number // a_unit], str(within // BEDS_A_ROOM + 1), str(within % BEDS_A_ROOM + 1)


def person(random: Random, number: int, now: datetime) -> Identity:
    """A person of 25 to 95 years."""
    sex = random.choice("FM")
    born = (now - timedelta(days=random.triangular(25, 95, 72) * 365.25)).date()
    return Identity(mrn=f"{700_000 + number}", family=random.choice(FAMILIES), given=random.choice(GIVEN[sex]), birth_date=born, sex=sex)


def body(random: Random, hour: float, first: bool) -> Body:
    """A body for a patient who comes at this hour; `first` are on the ward when the simulation begins, some of them just falling ill."""
    own = Random(random.random())
    draw = random.random()
    if draw < SHARES[0][1]:
        return Body(random=own, course="stable")
    if draw < SHARES[0][1] + SHARES[1][1]:
        return Body(random=own, course="recovering", onset_h=hour - random.uniform(18, 40))
    onset = hour + (random.uniform(-2.5, 8.0) if first else random.uniform(4.0, 36.0))
    return Body(random=own, course=random.choice(COURSES), onset_h=onset, treated_h=random.uniform(6, 12), rescued=random.random() < 0.85)


def urgent_body(random: Random, hour: float, course_number: int) -> Body:
    """A patient who is falling ill as the simulation begins, so that whoever watches sees it happen."""
    course, since_h = FALLING_ILL[course_number % len(FALLING_ILL)]
    return Body(random=Random(random.random()), course=course, onset_h=hour - since_h, treated_h=9.0, rescued=True)
