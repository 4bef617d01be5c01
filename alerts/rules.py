"""The policy as data, immutable: what raises and clears each tier, whom it spares, how storms are grouped, and which edition holds where and when."""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, Protocol

from msgspec import Meta, Struct

Tier = Literal["watch", "urgent", "rapid_response"]
RANK: Final[dict[str, int]] = {"watch": 0, "urgent": 1, "rapid_response": 2}
"""Higher tiers silence lower ones: whoever has called the rapid-response team needs no urgent page for the same patient."""


class PolicyError(Exception):
    """The policy file is wrong; the second line says what to do."""


class Rule(Struct, frozen=True, kw_only=True):
    """One way into a tier: a score that reaches `raise_at`, or whose single part is red. Cleared below `clear_below` for `dwell`.

    `times` of the last `of_last` scores within `within` must reach it. For `cool_down` after an episode has cleared the tier is not raised again by the
    same score, unless that is `rearm_rise` above the highest it had reached; so much above it an episode for which nobody is looked for any more is told anew.
    So is one whose score still reaches it `remind_unanswered` after it was last told, where nobody has answered, or `remind_answered` after the last answer.
    None: never.
    """

    tier: Tier
    score: str
    raise_at: float | None
    red: bool
    clear_below: float
    dwell: timedelta
    times: int = 1
    of_last: int = 1
    within: timedelta = timedelta(0)
    cool_down: timedelta = timedelta(0)
    rearm_rise: float | None = None
    remind_unanswered: timedelta | None = None
    remind_answered: timedelta | None = None


class Exclusion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Patients who are not paged about: all that is named must hold. `classes`: of HL7 table 0004; `resuscitate`: what the code status says;
    `scores`: only what these would raise, empty for all.

    What is not known of a patient excludes nobody.
    """

    reason: Annotated[str, Meta(pattern="^[a-z_]{2,40}$")]
    units: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    below_age_years: Annotated[int, Meta(ge=1, le=120)] | None = None
    comfort_care: bool = False
    resuscitate: tuple[Literal["none", "limited"], ...] = ()
    scores: tuple[str, ...] = ()

    @property
    def names_somebody(self) -> bool:
        """Whether it says who is meant; else everybody would be."""
        return bool(self.units or self.classes or self.below_age_years or self.comfort_care or self.resuscitate)


class Storms(Struct, frozen=True, kw_only=True):
    """When raises come in such numbers that they are told together: so many of one unit, or by one and the same input in the whole hospital, within
    `within`; so many of one patient by one input within `bed_within`. Each waits `hold` for its own page.
    """

    unit_raises: int
    input_raises: int
    within: timedelta
    bed_raises: int
    bed_within: timedelta
    hold: timedelta


class Rules(Struct, frozen=True, kw_only=True):
    """The rules in force on one unit, the highest tier first. `expire`: an open episode ends when its patient had no score for so long."""

    version: str
    max_age: timedelta
    rules: tuple[Rule, ...]
    exclude: tuple[Exclusion, ...] = ()
    storms: Storms | None = None
    expire: timedelta = timedelta(hours=24)

    @property
    def scores(self) -> frozenset[str]:
        """Every score that may raise."""
        return frozenset(rule.score for rule in self.rules)


class Edition(Struct, frozen=True, kw_only=True):
    """One version of a hospital's policy. `effective_from`: None, since ever; `units`: the rules of those that have their own."""

    effective_from: datetime | None
    everywhere: Rules
    units: Mapping[str, Rules]

    @property
    def version(self) -> str:
        """As it is recorded with each decision."""
        return self.everywhere.version


class Policy(Struct, frozen=True, kw_only=True):
    """A hospital's editions in the order in which they take force; the first holds since ever."""

    editions: tuple[Edition, ...]

    def edition(self, at: datetime) -> Edition:
        """The one in force at an instant: the last that has taken force by then.

        >>> from datetime import UTC
        >>> new_year = datetime(2027, 1, 1, tzinfo=UTC)
        >>> old, new = (Rules(version=name, max_age=timedelta(hours=1), rules=()) for name in ("old", "new"))
        >>> policy = Policy(editions=(Edition(effective_from=None, everywhere=old, units={}), Edition(effective_from=new_year, everywhere=new, units={})))
        >>> [policy.edition(at).version for at in (new_year - timedelta(seconds=1), new_year)]
        ['old', 'new']
        """
        if len(self.editions) == 1:
            return self.editions[0]
        later = [one.effective_from for one in self.editions[1:] if one.effective_from is not None]
        return self.editions[bisect_right(later, at)]

    def rules_for(self, unit: str | None, at: datetime) -> Rules:
        """What holds on a unit at an instant."""
        edition = self.edition(at)
        return edition.units.get(unit, edition.everywhere) if unit is not None else edition.everywhere

    @property
    def scores(self) -> frozenset[str]:
        """Every score that any edition may raise by, on any unit: what must be computed."""
        every = (rules for one in self.editions for rules in (one.everywhere, *one.units.values()))
        return frozenset(score for rules in every for score in rules.scores)


class InForce(Protocol):
    """Whoever decides asks for the rules anew each time; a policy that was read once, or files that are followed."""

    def rules_for(self, unit: str | None, at: datetime) -> Rules:
        """What holds on a unit at an instant."""
        ...
