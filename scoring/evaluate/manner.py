"""How alerts are raised and when one is right: the one rule of the evaluation, the same for every score that is compared."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf, isinf
from typing import Final

HORIZON_H: Final = 48.0
"""An alert is about an event that comes within 48 hours of it: an earlier one nobody at the bedside would connect with it."""
QUIET_H: Final = 2.0
"""A score that stayed below its threshold for so long alerts anew; the dwell of the shipped policy's rule for the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """An alert is the first row that reaches the threshold, and another comes once the alert has ended: after the score stayed below for `quiet_h`, or,
    where `silence_h` is told, after that many hours, whatever the score does in them. It is right where the event comes within `horizon_h`.
    """

    horizon_h: float = HORIZON_H
    quiet_h: float = QUIET_H
    silence_h: float | None = None

    @property
    def again(self) -> str:
        """When an alert comes again, in words."""
        if self.silence_h is None:
            return "once a stay" if isinf(self.quiet_h) else f"again only after {self.quiet_h:g} hours below it"
        return "once a stay" if isinf(self.silence_h) else f"again wherever it is reached {self.silence_h:g} hours or more after the last"

    @property
    def right(self) -> str:
        """When an alert is right, in words."""
        return "the event comes later" if isinf(self.horizon_h) else f"the event comes within {self.horizon_h:g} hours of the alert"


REPEATED: Final = Manner()
"""As the shipped policy does it, and what a ward lives through."""
ONCE: Final = Manner(quiet_h=inf, horizon_h=inf)
"""Each patient once, right where the event comes later in the stay: does not punish a score that rises early and stays high, which by the rule
above meets no event that comes more than the horizon after its only alert."""


def manners(own: Manner) -> Mapping[str, Manner]:
    """By name, the manners in which a cohort is judged side by side. `silenced` is there for those whose own it is."""
    silenced = {} if own.silence_h is None else {"silenced": own}
    return silenced | {"repeated": replace(REPEATED, horizon_h=own.horizon_h), "once_a_stay": ONCE}
