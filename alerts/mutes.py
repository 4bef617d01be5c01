"""Mutes: for a reason, by a person and until a time, nobody is paged about a patient; and every alert that was not paged is kept."""

from datetime import datetime, timedelta
from typing import Final, Literal

import psycopg

from alerts import ledger
from alerts.policy import Decision
from infra.database.sql import statements
from scoring.score import Score

SQL = statements("alerts", "mutes.sql")

MuteReason = Literal["comfort_care", "hospice", "known", "being_treated", "monitor_fault"]
COMFORT_CARE: Final = timedelta(hours=24)
"""Comfort care, said in an answer, mutes for a day: the goals of care are reviewed daily, and a mute that nobody renews must not outlive the decision."""
LONGEST: Final = timedelta(hours=72)


def muted(cursor: psycopg.Cursor, patient_id: str, at: datetime) -> str:
    """Why nobody is paged about a patient now; empty where somebody is."""
    row = cursor.execute(SQL["muted"].encode(), {"patient_id": patient_id, "at": at}).fetchone()
    return str(row[0]) if row else ""


def mute(cursor: psycopg.Cursor, episode_id: str, reason: MuteReason, until: datetime, by: str, now: datetime) -> bool:
    """Mutes the patient of an episode; what nobody has answered yet rests until then. False where there is no such episode."""
    names = {"episode_id": episode_id, "reason": reason, "until": min(until, now + LONGEST), "at": now, "by": by}
    done = cursor.execute(SQL["mute"].encode(), names).fetchone() is not None
    if done:
        resting = [row[0] for row in cursor.execute(SQL["silence"].encode(), names).fetchall()]
        cursor.execute(SQL["withdraw_muted"].encode(), {"ids": resting})
        ledger.put(cursor, now, by, "mute", episode_id, {"reason": reason, "until": min(until, now + LONGEST).isoformat()})
    return done


def lift(cursor: psycopg.Cursor, episode_id: str, by: str, now: datetime) -> int:
    """Ends every mute of the patient of an episode; tells how many those were."""
    ended = len(cursor.execute(SQL["lift"].encode(), {"episode_id": episode_id, "at": now, "by": by}).fetchall())
    if ended:
        ledger.put(cursor, now, by, "unmute", episode_id, {"ended": str(ended)})
    return ended


def keep(cursor: psycopg.Cursor, score: Score, decision: Decision, version: str, now: datetime) -> None:
    """Keeps an alert that was not paged, one row a patient, tier, reason and hour. `version`: of the policy that kept it back."""
    cursor.execute(
        SQL["suppressed"].encode(),
        {
            "patient_id": score.patient_id, "tier": decision.tier, "reason": decision.reason, "detail": decision.detail, "score_id": score.score_id,
            "at": now, "version": version,
        },
    )  # fmt: skip


def adopt(cursor: psycopg.Cursor, from_id: str, into_id: str) -> None:
    """A merged-away patient's mutes are the survivor's."""
    cursor.execute(SQL["adopt_mutes"].encode(), {"from_id": from_id, "into_id": into_id})
