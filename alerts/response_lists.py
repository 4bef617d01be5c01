"""What can be said about a call of the rapid-response team: lists and no free text, which would carry names."""

from collections.abc import Mapping
from typing import Final, Literal

CalledFor = Literal[
    "airway", "breathing", "oxygen", "circulation", "heart_rate", "consciousness", "seizure", "bleeding", "sepsis", "worried", "arrest", "other"
]  # fmt: skip
CALLED_FOR: Final[Mapping[str, str]] = {
    "worried": "Worried about the patient", "airway": "Airway", "breathing": "Breathing rate or effort", "oxygen": "Oxygen saturation",
    "circulation": "Blood pressure", "heart_rate": "Heart rate or rhythm", "consciousness": "Consciousness", "seizure": "Seizure",
    "bleeding": "Bleeding", "sepsis": "Suspected sepsis", "arrest": "Cardiac or respiratory arrest", "other": "Something else",
}  # fmt: skip
"""What the team is called for."""

Disposition = Literal[
    "stayed",
    "stayed_with_limits",
    "high_dependency",
    "icu",
    "theatre",
    "procedure",
    "other_hospital",
    "comfort_care",
    "died",
    "not_a_patient",
]
DISPOSITIONS: Final[Mapping[str, str]] = {
    "stayed": "Stayed on the ward", "stayed_with_limits": "Stayed, with new limits of treatment", "high_dependency": "High-dependency unit",
    "icu": "Intensive care", "theatre": "Operating theatre", "procedure": "Procedure (catheter, endoscopy, radiology)",
    "other_hospital": "Another hospital", "comfort_care": "Comfort care", "died": "Died during the call", "not_a_patient": "Visitor or staff",
}  # fmt: skip
"""Where the patient is once the team leaves."""

CancelReason = Literal["improved", "in_error", "duplicate", "treating_team_there", "patient_left"]
CANCEL_REASONS: Final[Mapping[str, str]] = {
    "improved": "Has improved", "in_error": "Called in error", "duplicate": "Called twice", "treating_team_there": "The treating team is there",
    "patient_left": "The patient has left",
}  # fmt: skip
