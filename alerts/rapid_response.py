"""The rapid-response team: called by an alert or by hand, arrived, ended with a disposition, or cancelled; and cardiac arrests. Each once, each audited.

A call is an episode of the tier `rapid_response`, so whoever calls by hand is paged for, escalated and answered like any alert; the words are those of the
Utstein-style statement for rapid response systems (Peberdy et al., Circulation 2007; 116: 2481–2500): trigger, call, arrival, disposition.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Final, Literal

import psycopg
from msgspec import Struct

from alerts import answers, ledger, mutes
from alerts.answers import Answer
from alerts.episode import Episode
from alerts.response_figures import Admission, MeasuredArrest, MeasuredCall
from alerts.response_lists import CALLED_FOR, CalledFor, CancelReason, Disposition
from alerts.steps import Steps
from infra.database.sql import statements

SQL = statements("alerts", "rapid_response.sql")

SHOWN: Final = timedelta(hours=24)
"""How long a call by an alert that is over is still listed, so that its disposition can be written down."""

Result = Literal["done", "already", "over", "unknown"]

NOBODY_KNOWN: Final = "VIGIL-CALL"
"""Stands as authority where the bed is not one that any message has named, or it is a visitor: whoever calls is never refused."""


class Place(Struct, frozen=True, kw_only=True):
    """Where the team shall come. `patient_id` where that is known."""

    unit: str
    bed: str | None = None
    patient_id: str | None = None
    encounter_id: str | None = None


class Called(Struct, frozen=True, kw_only=True):
    """A call; `new` where this made it, else it was open already. Not `paged`: the settings name nobody, and whoever calls must be told."""

    call_id: str
    new: bool
    paged: bool = True


class Call(Struct, frozen=True, kw_only=True):
    """One as the team's board shows it: a place and times, no patient."""

    call_id: str
    unit: str | None
    bed: str | None
    source: str
    called_for: str | None
    called_at: datetime
    paged_at: datetime | None
    acknowledged_at: datetime | None
    arrived_at: datetime | None
    arrived_by: str | None
    ended_at: datetime | None
    disposition: str | None
    cancelled_at: datetime | None
    acknowledged_by: str | None


def at_bed(cursor: psycopg.Cursor, unit: str, bed: str | None) -> Place:
    """The place, with the patient who lies there as far as messages said."""
    row = cursor.execute(SQL["in_bed"].encode(), {"unit": unit, "bed": bed}).fetchone() if bed else None
    return Place(unit=unit, bed=bed, patient_id=row[0] if row else None, encounter_id=row[1] if row else None)


def activate(
    cursor: psycopg.Cursor, steps: Steps, place: Place, called_for: CalledFor, by: str, now: datetime, from_episode_id: str | None = None
) -> Called:
    """Calls the team by hand, once while a call for the same patient or place is open: who calls again is told that it is called."""
    names: dict[str, object] = {
        "episode_id": f"ep-{token_hex(10)}", "patient_id": place.patient_id or _nobody(place), "encounter_id": place.encounter_id, "unit": place.unit,
        "bed": place.bed, "at": now, "reason": f"called by hand for {CALLED_FOR[called_for].lower()}", "called_for": called_for, "by": by,
        "from_episode_id": from_episode_id,
    }  # fmt: skip
    made = cursor.execute(SQL["open_call"].encode(), names).fetchone()
    if made is None:
        [open_one] = cursor.execute(SQL["call_of"].encode(), names).fetchone() or [""]
        return Called(call_id=str(open_one), new=False)
    cursor.execute(SQL["put_call"].encode(), names)
    [risen] = cursor.execute(SQL["lower_open"].encode(), names).fetchone() or [False]
    episode = Episode(
        episode_id=str(made[0]), patient_id=str(names["patient_id"]), encounter_id=place.encounter_id, tier="rapid_response", unit=place.unit, bed=place.bed,
        opened_at=now, state="open", reason=str(names["reason"]), score_id="",
    )  # fmt: skip
    steps.open(cursor, episode, now, now, risen=bool(risen))
    ledger.put(cursor, now, by, "rrt_called", episode.episode_id, {"for": called_for, "from": from_episode_id or ""})
    cursor.execute(SQL["notify"].encode())
    [paged] = cursor.execute(SQL["paged"].encode(), names).fetchone() or [False]
    return Called(call_id=episode.episode_id, new=True, paged=bool(paged))


def activate_for_page(cursor: psycopg.Cursor, steps: Steps, token: str, called_for: CalledFor, by: str, now: datetime) -> Called | None:
    """Calls the team to the patient of a page, wherever that one is now. None where there is no such page."""
    row = cursor.execute(SQL["of_page"].encode(), {"token": token}).fetchone()
    if row is None:
        return None
    episode_id, patient_id, encounter_id, tier, is_open, unit, bed = row
    if tier == "rapid_response" and is_open:
        return Called(call_id=episode_id, new=False)
    place = Place(unit=unit or "?", bed=bed, patient_id=patient_id, encounter_id=encounter_id)
    return activate(cursor, steps, place, called_for, by, now, episode_id)


def arrive(connection: psycopg.Connection, call_id: str, by: str, at: datetime, via: Literal["cli", "link"] = "cli") -> Result:
    """The team is with the patient: the same as the answer `bedside` to its page. The first to arrive is the one who arrived."""
    with connection.transaction(), connection.cursor() as cursor:
        row = cursor.execute(SQL["lock_call"].encode(), {"call_id": call_id}).fetchone()
        if row is None:
            return "unknown"
        if not row[1]:
            return "over"
        result, _ = answers.give(connection, str(row[3]), Answer(kind="bedside", by=by, via=via), max(at, row[2]))
    return "done" if result == "taken" else "already"


def end(connection: psycopg.Connection, call_id: str, disposition: Disposition, by: str, now: datetime) -> Result:
    """The team leaves. Of dispositions the last stands, and the audit log has all. What an alert opened stays open until the score is better or the
    patient has left, so that the same score does not page again; what was called by hand is over.
    """
    with connection.transaction(), connection.cursor() as cursor:
        row = cursor.execute(SQL["lock_call"].encode(), {"call_id": call_id}).fetchone()
        if row is None:
            return "unknown"
        names: dict[str, object] = {
            "call_id": call_id,
            "disposition": disposition,
            "by": by,
            "at": now,
            "state": "resolved",
            "because": "rrt_ended",
        }
        _answered(connection, row, by, now)
        cursor.execute(SQL["note_alert"].encode(), names)
        ended = cursor.execute(SQL["end_call"].encode(), names).fetchone()
        if ended is None:
            return "already"
        if disposition == "comfort_care":
            mutes.mute(cursor, call_id, "comfort_care", now + mutes.COMFORT_CARE, by, now)
        _close(cursor, str(ended[0]), names)
        ledger.put(cursor, now, by, "rrt_ended", call_id, {"disposition": disposition})
    return "done"


def cancel(connection: psycopg.Connection, call_id: str, reason: CancelReason, by: str, now: datetime) -> Result:
    """Nobody need come, or come any more. `over` where the call has ended with a disposition."""
    with connection.transaction(), connection.cursor() as cursor:
        row = cursor.execute(SQL["lock_call"].encode(), {"call_id": call_id}).fetchone()
        if row is None:
            return "unknown"
        names: dict[str, object] = {
            "call_id": call_id,
            "reason": reason,
            "by": by,
            "at": now,
            "state": "closed",
            "because": "rrt_cancelled",
        }
        cursor.execute(SQL["note_alert"].encode(), names)
        cancelled = cursor.execute(SQL["cancel_call"].encode(), names).fetchone()
        if cancelled is None:
            return "already"
        _answered(connection, row, by, now)
        _close(cursor, str(cancelled[0]), names)
        ledger.put(cursor, now, by, "rrt_cancelled", call_id, {"reason": reason})
    return "done"


def arrest(cursor: psycopg.Cursor, place: Place, arrested_at: datetime, by: str, now: datetime) -> bool:
    """Writes a cardiac arrest down; False where the same patient's, or place's, of that very time is there already.

    Beside these, orders and procedures of the codes in `vigil_store.arrest_code` count; both told within an hour are one (`vigil.cardiac_arrests`).
    """
    names = {
        "patient_id": place.patient_id or _nobody(place), "encounter_id": place.encounter_id, "unit": place.unit, "bed": place.bed,
        "arrested_at": arrested_at, "at": now, "by": by,
    }  # fmt: skip
    made = cursor.execute(SQL["put_arrest"].encode(), names).fetchone()
    if made is not None:
        ledger.put(cursor, now, by, "cardiac_arrest", f"arrest-{made[0]}", {"unit": place.unit})
    return made is not None


def calls(cursor: psycopg.Cursor, since: datetime) -> list[Call]:
    """Those that are neither ended nor cancelled, the newest first; of alerts that are over, only those since."""
    rows = cursor.execute(SQL["calls"].encode(), {"since": since}).fetchall()
    return [Call(**dict(zip(Call.__struct_fields__, row, strict=True))) for row in rows]


def places(cursor: psycopg.Cursor) -> list[tuple[str, str]]:
    """Units and beds where somebody lies."""
    return [(row[0], row[1]) for row in cursor.execute(SQL["places"].encode())]


def measured(cursor: psycopg.Cursor, since: datetime, until: datetime) -> tuple[list[MeasuredCall], list[MeasuredArrest], list[Admission]]:
    """What the figures are made of, of [since, until). Patients nobody has are in none of it."""
    names = {"since": since, "until": until}
    told = cursor.execute(SQL["measured_calls"].encode(), names).fetchall()
    arrests = cursor.execute(SQL["measured_arrests"].encode(), names).fetchall()
    admissions = cursor.execute(SQL["measured_admissions"].encode(), names).fetchall()
    return (
        [MeasuredCall(**dict(zip(MeasuredCall.__struct_fields__, row, strict=True))) for row in told],
        [MeasuredArrest(**dict(zip(MeasuredArrest.__struct_fields__, row, strict=True))) for row in arrests],
        [Admission(**dict(zip(Admission.__struct_fields__, row, strict=True))) for row in admissions],
    )


def _answered(connection: psycopg.Connection, row: tuple[object, ...], by: str, now: datetime) -> None:
    """Whoever ends a call has answered it: nobody is paged for it any more."""
    if row[0] in ("open", "notified"):
        answers.give(connection, str(row[3]), Answer(kind="acknowledge", by=by, via="cli"), now)


def _close(cursor: psycopg.Cursor, source: str, names: Mapping[str, object]) -> None:
    if source == "hand":
        cursor.execute(SQL["close_episode"].encode(), names)
    cursor.execute(SQL["withdraw"].encode(), names)


def _nobody(place: Place) -> str:
    return f"{NOBODY_KNOWN}:{place.unit}/{place.bed or ''}"
