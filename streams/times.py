"""When an event was true of the patient: its own time where it has a credible one, else that of its receipt."""

from datetime import datetime, timedelta

from parsers.events import (
    Allergy,
    CodeStatus,
    Culture,
    Event,
    Medication,
    Note,
    Observation,
    Order,
    Organism,
    Precaution,
    Susceptibility,
)  # fmt: skip

AHEAD = timedelta(minutes=10)
"""How far a sender's clock may be ahead of ours; beyond it the time is not believed and receipt stands in (a reading from
"tomorrow" would outlive every true one)."""


def time_of(event: Event, received_at: datetime) -> datetime:
    """The instant, aware, in the zone it came in.

    >>> from datetime import UTC
    >>> noon, later = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 1, 13, tzinfo=UTC)
    >>> order = Order(control=None, placer_number=None, filler_number=None, code=None, code_system=None, display=None, status=None, priority=None,
    ...     ordered_at=later)
    >>> time_of(order, later) == later, time_of(order, noon) == noon
    (True, True)
    """
    at = _own(event)
    return received_at if at is None or at > received_at + AHEAD else at


def _own(event: Event) -> datetime | None:
    match event:
        case Observation() | Organism() | Susceptibility():
            return event.observed_at
        case Culture():
            return event.collected_at
        case CodeStatus() | Precaution():
            return event.stated_at
        case Allergy():
            return event.recorded_at
        case Medication():
            return event.started_at
        case Order():
            return event.ordered_at
        case Note():
            return event.written_at
        case _:
            return event.occurred_at
