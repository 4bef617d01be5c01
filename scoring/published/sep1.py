"""CMS SEP-1 timers as a request: the facts of a stay and the time in, the elements of the bundle out. The measure itself is in `scoring/sep1/`."""

from typing import Annotated, Any, Final, get_type_hints

import msgspec
from msgspec import Meta

from scoring.published.catalogue import Outcome, Published
from scoring.published.inputs import CannotScore, Inputs
from scoring.sep1.facts import Facts, Instant
from scoring.sep1.manual import manual
from scoring.sep1.measure import NAMES, assess

LIMITS: Final = {
    **get_type_hints(Inputs, include_extras=True),
    "urine_ml_kg_h": Annotated[float, Meta(ge=0, le=50)],
    "aptt_s": Annotated[float, Meta(ge=5, le=500)],
    "lactate_mmol_l": Annotated[float, Meta(ge=0, le=50)],
}
"""Beyond these a reading is a mistake; an aPTT under 5 is a ratio, a lactate over 50 is in mg/dL."""


class OutOfRange(CannotScore):
    """A reading that no patient has."""

    code = "out_of_range"


class Sep1Inputs(Facts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The facts, and the time they are judged at; what lies after it is not known yet."""

    now: Instant | None = None


def sep1(inputs: Sep1Inputs) -> Outcome:
    """SEP-1 has no total: `elements` tell each its window, its state, and when it was met. Raises OutOfRange."""
    for reading in inputs.readings:
        try:
            msgspec.convert(reading.value, type=LIMITS[reading.name])
        except msgspec.ValidationError as wrong:
            raise OutOfRange(f"{reading.name}: {wrong}") from wrong
    if inputs.now is None:
        return Outcome(total=None, parts={}, missing=("now",), told={"elements": []})
    found = assess(inputs, manual(), inputs.now)
    told: dict[str, Any] = {
        "status": found.status,
        "severe_sepsis_at": found.severe_sepsis_at,
        "septic_shock_at": found.septic_shock_at,
        "excluded": found.excluded,
        "elements": found.elements,
    }
    return Outcome(total=None, parts={}, missing=found.missing, told=told)


SCORES: Final = (
    Published(
        name="sep1",
        version="CMS SEP-1 (Rhee 2021)",
        source="CMS SEP-1 (NQF 0500), tables in Rhee et al., BMJ Qual Saf and Clin Infect Dis (PMC8189682); no score: " + ", ".join(NAMES),
        population="adults in hospital with severe sepsis or septic shock",
        lowest=None,
        highest=None,
        needs=("now",),
        uses=tuple(Facts.__struct_fields__),
        inputs=Sep1Inputs,
        outcome=sep1,
    ),
)
