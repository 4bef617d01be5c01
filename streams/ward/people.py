"""The people of the simulated ward: made-up names that nobody bears, ages of a medical ward, and how each will fare."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final, Literal

from streams.ward.hl7_writer import Identity, Stay
from streams.ward.physiology import COURSES, RISE_H, Body, Course

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

SHARES: Final = {"stable": 0.70, "recovering": 0.17, "deteriorating": 0.13}
"""How those admitted later fare; most patients of a ward are never in danger."""

FALLING_ILL: Final[tuple[tuple[Course, float], ...]] = (("sepsis", 2.5), ("respiratory", 2.1), ("haemorrhage", 0.9))
"""Courses with the hours since their onset that leave about one more until NEWS2 reaches 7."""

RESCUED: Final = 0.85
INTENSIVE: Final = 0.3
"""Of the rescued, those for whom the ward does not suffice."""

Fate = Literal["home", "intensive care", "died"]


@dataclass(slots=True, kw_only=True)
class Patient:
    """One person in one bed, with the body that lies there."""

    who: Identity
    stay: Stay
    body: Body
    left: bool = False
    orders: int = 0

    def number_of(self, kind: str) -> str:
        """The next order or document number of this visit."""
        self.orders += 1
        return f"{self.stay.visit}-{kind}{self.orders}"


def bed_of(number: int, beds: int) -> tuple[str, str, str]:
    """Unit, room and bed of the n-th bed: spread over the units in order.

    >>> bed_of(0, 24), bed_of(23, 24)
    (('4W', '1', '1'), ('6N', '2', '4'))
    """
    a_unit = -(-beds // len(UNITS))
    within = number % a_unit
    return UNITS[number // a_unit], str(within // BEDS_A_ROOM + 1), str(within % BEDS_A_ROOM + 1)


def number_of(seed: int, index: int) -> str:
    """An MRN that no ward of another seed (of 9,000) gives, so that two wards may be sent to one listener.

    >>> number_of(1, 24)
    '100100024'
    """
    return f"{1000 + seed % 9000}{index:05d}"


def person(random: Random, mrn: str, now: datetime) -> Identity:
    """A person of 25 to 95 years."""
    sex = random.choice("FM")
    born = (now - timedelta(days=random.triangular(25, 95, 72) * 365.25)).date()
    return Identity(mrn=mrn, family=random.choice(FAMILIES), given=random.choice(GIVEN[sex]), birth_date=born, sex=sex)


def unknown(who: Identity) -> Identity:
    """The same person before anybody knows who it is: a number of the emergency department's own, no name, no birthday."""
    return Identity(mrn=f"T{who.mrn}", family="Unknown", given="Simulated", birth_date=None, sex=who.sex)


def body(random: Random, hour: float, first: bool) -> Body:
    """A body for a patient who comes at this hour; `first` are on the ward when the simulation begins, some of them about to fall ill."""
    own = Random(random.random())
    draw = random.random()
    if draw < SHARES["stable"]:
        return Body(random=own, course="stable")
    if draw < SHARES["stable"] + SHARES["recovering"]:
        return Body(random=own, course="recovering", onset_h=hour - random.uniform(20, 44))
    onset = hour + (random.uniform(-0.5, 12.0) if first else random.uniform(4.0, 36.0))
    return Body(
        random=own, course=random.choice(COURSES), onset_h=onset, treated_h=random.uniform(6, 12), rescued=random.random() < RESCUED
    )


def urgent_body(random: Random, hour: float, number: int) -> Body:
    """A patient who is falling ill as the simulation begins, so that whoever watches sees it happen."""
    course, since_h = FALLING_ILL[number % len(FALLING_ILL)]
    return Body(random=Random(random.random()), course=course, onset_h=hour - since_h, treated_h=9.0, rescued=True)


def way_out(random: Random, form: Body, admitted_h: float) -> tuple[float, Fate]:
    """When a patient leaves the bed, and whereto."""
    home_h = admitted_h + random.uniform(30, 160)
    if form.course not in COURSES:
        return home_h, "home"
    height_h = form.onset_h + RISE_H[form.course]
    draw = random.random()
    if not form.rescued:
        return height_h + random.uniform(2, 8), "died" if draw < 0.5 else "intensive care"
    if draw < INTENSIVE:
        return form.onset_h + form.treated_h, "intensive care"
    return max(home_h, height_h + form.treated_h + 24.0), "home"
