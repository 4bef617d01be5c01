"""What a data set tells of one stay: facts with the hour they were true of the patient and the hour they could be known; the source of events and of HL7 alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from parsers.codes import CANONICAL, CanonicalCode

KNOWN: Final[Mapping[str, CanonicalCode]] = {known.name: known for known in CANONICAL.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Quantities taken together, by canonical name in the canonical unit, as the source has them: what is impossible is refused later, visibly.

    `refused`: names whose number this source writes for "not measured", though another source could mean it.
    """

    known_h: float
    true_h: float
    values: Mapping[str, float | str]
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """A finding in words that has no canonical code: a label of the source's own with its value. `refused`: nobody has it."""

    known_h: float
    true_h: float
    label: str
    value: str
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drug:
    """A drug that was ordered or given; `dose_num` as charted, in `dose_unit`."""

    known_h: float
    true_h: float
    action: Literal["ordered", "given"]
    name: str
    dose_num: float | None = None
    dose_unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A treatment or procedure that was asked for."""

    known_h: float
    true_h: float
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A text: `kind` is what document it stands in."""

    known_h: float
    true_h: float
    kind: str
    text: str


Fact = Measured | Assessed | Drug | Asked | Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One stay: hours count from its beginning. `facts`: in the order in which they became known. `age_years` and `sex` (U: not known) where the source has them.

    `admitted_h`: of the admission to the hospital, 0 or before. `left_h`: when the stay ended, None where the source does not say. `hospital_id`: None where it names none.
    """

    source: str
    stay_id: str
    unit: str
    age_years: float | None
    sex: str
    facts: Sequence[Fact] = field(default_factory=tuple)
    hospital_id: str | None = None
    admitted_h: float = 0.0
    left_h: float | None = None

    @property
    def length_h(self) -> float:
        """Until its last fact is known."""
        return self.facts[-1].known_h if self.facts else 0.0


def in_order(facts: list[Fact]) -> tuple[Fact, ...]:
    """By the hour they became known; those of one hour in the order of the patient's own time, and as the source has them."""
    return tuple(sorted(facts, key=lambda one: (one.known_h, one.true_h)))
