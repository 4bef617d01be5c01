"""What people answer to a page: acknowledge, decline, at the bedside, how it ended; each once, racing answers in the order of the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec
import psycopg
from msgspec import Struct

from alerts import handover, ledger, mutes
from alerts.people import Contact
from infra.database.sql import statements
from scoring.score import Finding

SQL = statements("alerts", "answers.sql")

Kind = Literal["acknowledge", "decline", "bedside", "outcome"]
Outcome = Literal["true", "known", "false", "comfort_care"]
Action = Literal["none", "review", "fluids", "oxygen", "antibiotics", "medication", "icu", "other"]
Result = Literal["taken", "already", "over", "unknown"]

OUTCOMES: Final[Mapping[str, str]] = {
    "true": "Deteriorating", "known": "Already known", "false": "False alarm", "comfort_care": "Comfort care",
}  # fmt: skip
ACTIONS: Final[Mapping[str, str]] = {
    "none": "Nothing needed", "review": "Reviewed", "fluids": "Fluids", "oxygen": "Oxygen", "antibiotics": "Antibiotics", "medication": "Other medicine",
    "icu": "To intensive care", "other": "Something else",
}  # fmt: skip
"""What is asked about an alarm so that its use can be told: lists, no free text, which would carry names."""


class Answer(Struct, frozen=True, kw_only=True):
    """`by`: who answers; `via`: how it reached us; `outcome` and `action` only with the kind `outcome`."""

    kind: Kind
    by: str
    via: Literal["link", "cli", "pager", "sms", "voice"] = "link"
    outcome: Outcome | None = None
    action: Action | None = None


class Seen(Struct, frozen=True, kw_only=True):
    """A page as the person who holds its link may see it: no name, no number. `person`: whom the roster had it sent to; `findings`: what moved the score.

    `owner`: who has taken the episode on; `offered_to`: who was asked to take it over and has not answered; `offered`: this page asks it.
    """

    page_id: str
    episode_id: str
    tier: str
    unit: str | None
    bed: str | None
    step: int
    person: str | None
    state: str
    created_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    declined_by: str | None
    episode_state: str
    reason: str
    closed_at: datetime | None
    bedside_by: str | None
    outcome: str | None
    outcome_action: str | None
    outcome_by: str | None
    owner: str | None
    offered_to: str | None
    offered: bool
    findings: list[Finding] = []


def look(cursor: psycopg.Cursor, token: str) -> Seen | None:
    """The page behind a link's token, or behind a page id."""
    row = cursor.execute(SQL["page_by_token"].encode(), {"token": token}).fetchone()
    return msgspec.convert(dict(zip(Seen.__struct_fields__, row, strict=True)), Seen) if row else None


def acknowledge(
    connection: psycopg.Connection, token: str, by: str, now: datetime, via: Literal["link", "cli", "pager"] = "link"
) -> tuple[Literal["acknowledged", "already", "unknown"], Seen | None]:
    """Acknowledges the episode behind a link: all its pages, once. Answers that race are ordered by the database; the second is `already`.

    Whoever holds a page's link has got the page, whatever its provider said: it is not sent again. Where an escalation wants several people,
    each acknowledges his own page until there are enough.
    """
    result, seen = give(connection, token, Answer(kind="acknowledge", by=by, via=via), now)
    return ("acknowledged" if result == "taken" else "unknown" if result == "unknown" else "already"), seen


def give(connection: psycopg.Connection, token: str, answer: Answer, now: datetime) -> tuple[Result, Seen | None]:
    """Takes an answer: `already` where it changes nothing, `over` where there is nothing left to decline. Also tells the page as it is now.

    At the bedside, and how it ended, are acknowledgements too: whoever says so has taken it on.
    """
    with connection.transaction(), connection.cursor() as cursor:
        seen = look(cursor, token)
        if seen is None:
            return "unknown", None
        row = cursor.execute(SQL["lock_episode"].encode(), {"episode_id": seen.episode_id}).fetchone()
        state, needed = (str(row[0]), int(row[1])) if row else ("closed", 1)
        match answer.kind:
            case "acknowledge":
                result = _acknowledge(cursor, seen, answer, now, state, needed)
            case "decline":
                result = _decline(cursor, seen, answer, now, state)
            case "bedside" | "outcome":
                _acknowledge(cursor, seen, answer, now, state, 1)
                result = _of_episode(cursor, seen, answer, now)
                if answer.outcome == "comfort_care" and result == "taken":
                    mutes.mute(cursor, seen.episode_id, "comfort_care", now + mutes.COMFORT_CARE, answer.by, now)
        if result == "taken":
            detail = {"page": seen.page_id, "tier": seen.tier, "via": answer.via}
            detail |= {"outcome": answer.outcome or "", "action": answer.action or ""} if answer.kind == "outcome" else {}
            ledger.put(cursor, now, answer.by, answer.kind, seen.episode_id, detail)
        return result, look(cursor, token)


def _acknowledge(cursor: psycopg.Cursor, seen: Seen, answer: Answer, now: datetime, state: str, needed: int) -> Result:
    names = _names(seen, answer, now) | {"kind": "acknowledge", "outcome": None, "action": None}
    enough, changed = True, False
    offer = handover.of_page(cursor, seen.page_id)
    if offer is not None and offer.open:
        handover.take(cursor, offer, answer.by, now)
        cursor.execute(SQL["put_answer"].encode(), names)
        changed = True
    if state in ("open", "notified", "muted"):
        changed = cursor.execute(SQL["put_answer"].encode(), names).fetchone() is not None or changed
        given = cursor.execute(SQL["acknowledged_by"].encode(), names).fetchone()
        enough = bool(given) and int(given[0] if given else 0) >= needed
        if enough:
            changed = cursor.execute(SQL["acknowledge_episode"].encode(), names).fetchone() is not None or changed
            handover.answered(cursor, seen.episode_id, seen.page_id, answer.by, now)
    pages = cursor.execute(SQL["acknowledge_pages"].encode(), names | {"all": enough}).fetchall()
    return "taken" if changed or pages else "already"


def _decline(cursor: psycopg.Cursor, seen: Seen, answer: Answer, now: datetime, state: str) -> Result:
    """The person's other pages of this step are declined with it; the pager pages the next one at once."""
    offer = handover.of_page(cursor, seen.page_id)
    if offer is not None and offer.open:
        handover.decline(cursor, offer, answer.by, now)
        return "taken"
    if state not in ("open", "notified"):
        return "over"
    names = _names(seen, answer, now)
    if not cursor.execute(SQL["decline"].encode(), names).fetchall():
        return "already"
    cursor.execute(SQL["put_answer"].encode(), names)
    cursor.execute(SQL["notify"].encode())
    return "taken"


def hand_over(
    connection: psycopg.Connection, token: str, to_person: str, contacts: Sequence[Contact], by: str, now: datetime
) -> tuple[handover.Offered | Literal["unknown"], Seen | None]:
    """Offers the episode behind a page to another person, by the first of `contacts`; it stays with whoever has it until that one acknowledges."""
    with connection.transaction(), connection.cursor() as cursor:
        seen = look(cursor, token)
        if seen is None:
            return "unknown", None
        result = handover.offer(cursor, seen.page_id, seen.episode_id, to_person, contacts, by, now)
        return result, look(cursor, token)


def _of_episode(cursor: psycopg.Cursor, seen: Seen, answer: Answer, now: datetime) -> Result:
    """The first to arrive is the one who arrived; of outcomes the last stands, and all are kept."""
    names = _names(seen, answer, now)
    new = cursor.execute(SQL["put_answer"].encode(), names).fetchone() is not None
    moved = cursor.execute(SQL["arrive" if answer.kind == "bedside" else "conclude"].encode(), names).fetchone() is not None
    return "taken" if new or moved else "already"


def _names(seen: Seen, answer: Answer, now: datetime) -> dict[str, object]:
    return {
        "page_id": seen.page_id, "episode_id": seen.episode_id, "kind": answer.kind, "outcome": answer.outcome, "action": answer.action, "at": now,
        "by": answer.by, "via": answer.via,
    }  # fmt: skip
