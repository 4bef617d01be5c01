"""One step of the sequence model: everything that became known of a patient at one instant, from the bedside's own rolling state. Pure."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from math import nan
from typing import Final

import numpy as np
import numpy.typing as npt

from parsers.codes import AVPU, CANONICAL
from streams.features import SICU
from streams.patient import PatientState

Floats = npt.NDArray[np.float32]

CODES: Final[tuple[str, ...]] = (*(code for code in CANONICAL if code != AVPU), AVPU)
"""The order of a step's values: every canonical quantity; consciousness last, 1 where the patient is not alert and 0 where she is."""

NAMES: Final[tuple[str, ...]] = tuple(CANONICAL[code].name for code in CODES)

LOW: Final = np.array([CANONICAL[code].low for code in CODES], np.float32)
HIGH: Final = np.array([1.0 if code == AVPU else CANONICAL[code].high for code in CODES], np.float32)
"""Outside these a value is taken as not measured: NaN, infinity and a wrong unit's number never reach the network."""

CONTEXT: Final = ("gap_h", "age_years", "is_male", "surgical_icu", "hours_in_hospital", "hours_in_unit")

VERSION: Final = blake2b("\n".join((*NAMES, *CONTEXT)).encode(), digest_size=4).hexdigest()
"""Names both lists: a model that was trained on others refuses to speak."""

_PLACE: Final = {code: place for place, code in enumerate(CODES)}


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """values: (C,) float32 in the units of `parsers.codes`, NaN where not measured; context: (6,) float32, NaN where not known."""

    values: Floats
    context: Floats


def step_of(state: PatientState, at: datetime, before: datetime | None) -> Step:
    """The step at `at`, from the state after everything received then; `before`: when the patient's step before it ended, None at the first.

    A value counts in the step in which it was received (after `before`, by `at`; at the first step: at `at`), and only where no value of a later
    time was known already: so what the step holds is told by the state alone, whatever order its messages came in.
    """
    values = np.full(len(CODES), nan, np.float32)
    for code, readings in state.readings.items():
        place = _PLACE.get(code)
        newest = readings[-1] if readings else None
        if place is None or newest is None or not _within(newest.received_at, before, at):
            continue
        if code == AVPU:
            values[place] = nan if newest.value_text is None else float(newest.value_text != "A")
        elif newest.value_num is not None:
            values[place] = newest.value_num
    stay = state.encounter
    context = (
        0.0 if before is None else (at - before).total_seconds() / 3600.0,
        nan if state.birth_date is None else (at.date() - state.birth_date).days / 365.25,
        nan if state.sex is None else float(state.sex == "M"),
        nan if stay is None or stay.unit is None else SICU.get(stay.unit, nan),
        _hours(stay.admitted_at if stay is not None else None, at),
        _hours(stay.unit_since if stay is not None else None, at),
    )
    return Step(values, np.array(context, np.float32))


def _within(received_at: datetime, before: datetime | None, at: datetime) -> bool:
    return received_at == at or (before is not None and before < received_at < at)


def _hours(since: datetime | None, at: datetime) -> float:
    return nan if since is None else (at - since).total_seconds() / 3600.0
