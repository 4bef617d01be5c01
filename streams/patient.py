"""The rolling state of one patient, and how one event moves it: pure, and the same whatever order the facts arrive in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from parsers.events import ObservationStatus

WINDOW = timedelta(hours=48)
"""How far back, in the patient's own time, readings are held: the longest window any feature or score looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One canonical value of one patient: a number in the unit that `parsers.codes` fixes for its code, or a coded text.

    `version` orders what was received about the same `result_key`: the later version is the current one.
    """

    observed_at: datetime
    received_at: datetime
    value_num: float | None
    value_text: str | None = None
    status: ObservationStatus = "final"
    result_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """The visit a patient is in, or was in last."""

    encounter_id: str
    patient_class: str | None = None
    unit: str | None = None
    bed: str | None = None
    admitted_at: datetime | None = None
    located_at: datetime | None = None
    discharged_at: datetime | None = None
    status: Literal["open", "discharged", "cancelled"] = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientState:
    """What is known of one patient within WINDOW. `readings`: by canonical LOINC code, in order of `observed_at`, current versions only."""

    patient_id: str
    birth_date: date | None = None
    sex: Literal["F", "M"] | None = None
    encounter: Encounter | None = None
    readings: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)
