"""Hand-over: whoever has a page gives it to another, who is paged; it stays with the first until the second has acknowledged.

Closed-loop: nothing is handed over that nobody has confirmed (WHO, Communication during patient hand-overs, Patient Safety Solutions vol. 1, solution 3,
2007). Where the second declines, cannot be reached or does not answer, the first is paged again and knows that it is still his.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import psycopg
from msgspec import Struct

from alerts import ledger, outbox
from alerts.escalation import Tried
from alerts.people import Contact, Roster
from infra.database.sql import statements
from infra.logs import logger
from infra.metrics import Metrics

SQL = statements("alerts", "handover.sql")

Ending = Literal["taken", "declined", "unreached", "unanswered", "over"]
Offered = Literal["offered", "already", "over"]

WAIT: Final = timedelta(minutes=10)
"""Of Vigil's time, until whoever offers it is told that nobody has taken it. As long as the shipped escalation waits for a doctor."""
AT_ONCE: Final = 200

log = logger("alerts")


class Offer(Struct, frozen=True, kw_only=True):
    """One that waits for its answer, with what its pages need of the episode. `owner`: who has acknowledged the episode."""

    handover_id: int
    episode_id: str
    from_page_id: str
    to_person: str
    offered_at: datetime
    tier: str
    unit: str | None
    step: int
    received_at: datetime
    owner: str | None
    open: bool


def judge(offer: Offer, tried: Sequence[Tried], contacts: Sequence[Contact], now: datetime) -> Contact | Ending | None:
    """What an offer needs: the next way to reach the person, an end, or nothing yet. Pure. `contacts`: all ways to the person, in order."""
    if not offer.open:
        return "over"
    if any(one.declined for one in tried):
        return "declined"
    if all(one.failing for one in tried):
        used = {(one.channel, one.target) for one in tried}
        return next((one for one in contacts if (one.channel, one.target) not in used), "unreached")
    return "unanswered" if now - offer.offered_at >= WAIT else None


def offer(
    cursor: psycopg.Cursor, page_id: str, episode_id: str, to_person: str, contacts: Sequence[Contact], by: str, now: datetime
) -> Offered:
    """Pages the person. Once: asked again while that is open it is `already`. Several may be asked; the first to acknowledge has it."""
    names = {"episode_id": episode_id, "from_page_id": page_id, "to_person": to_person, "at": now, "by": by}
    row = cursor.execute(SQL["lock_episode"].encode(), names).fetchone()
    if row is None or not row[5]:
        return "over"
    made = cursor.execute(SQL["offer"].encode(), names).fetchone()
    if made is None:
        return "already"
    found = Offer(
        handover_id=made[0], episode_id=episode_id, from_page_id=page_id, to_person=to_person, offered_at=now, tier=row[0], unit=row[1], step=row[2],
        received_at=row[3], owner=row[4], open=True,
    )  # fmt: skip
    _page(cursor, found, to_person, contacts[0], now)
    ledger.put(cursor, now, by, "handover_offered", episode_id, {"page": page_id, "to": to_person})
    cursor.execute(SQL["notify"].encode())
    return "offered"


def of_page(cursor: psycopg.Cursor, page_id: str) -> Offer | None:
    """The open offer that a page is of. The episode must be locked."""
    row = cursor.execute(SQL["offer_of_page"].encode(), {"page_id": page_id}).fetchone()
    return Offer(**dict(zip(Offer.__struct_fields__, row, strict=True))) if row else None


def take(cursor: psycopg.Cursor, found: Offer, by: str, now: datetime) -> None:
    """The person has acknowledged: it is theirs, and whoever else was asked need not answer any more."""
    names = {"handover_id": found.handover_id, "episode_id": found.episode_id, "ending": "taken", "by": by, "at": now}
    for step in ("end", "end_others", "withdraw", "own"):
        cursor.execute(SQL[step].encode(), names)
    ledger.put(cursor, now, by, "handover_taken", found.episode_id, {"from": found.owner or ""})


def answered(cursor: psycopg.Cursor, episode_id: str, page_id: str, by: str, now: datetime) -> None:
    """Somebody else has acknowledged the episode: nobody who was asked to take it over need answer. Whoever offered it may do so and keep the offer."""
    names = {"episode_id": episode_id, "page_id": page_id, "by": by, "at": now}
    cursor.execute(SQL["end_answered"].encode(), names)
    cursor.execute(SQL["withdraw"].encode(), names)


def decline(cursor: psycopg.Cursor, found: Offer, by: str, now: datetime) -> None:
    """The person cannot: whoever offered it is told at once."""
    names = {"handover_id": found.handover_id, "to_person": found.to_person, "by": by, "at": now}
    cursor.execute(SQL["decline_pages"].encode(), names)
    _end(cursor, found, "declined", by, now)
    cursor.execute(SQL["notify"].encode())


def look_after(connection: psycopg.Connection, roster: Roster | None, fallback: timedelta, metrics: Metrics, now: datetime) -> None:
    """Offers whose time has come, each in a transaction of its own over its locked episode: any pager may do it, and die at any line."""
    with connection.transaction(), connection.cursor() as cursor:
        ids = [row[0] for row in cursor.execute(SQL["open_offers"].encode(), {"limit": AT_ONCE})]
    for handover_id in ids:
        with connection.transaction(), connection.cursor() as cursor:
            row = cursor.execute(SQL["lock_offer"].encode(), {"handover_id": handover_id}).fetchone()
            if row is None:
                continue
            found = Offer(**dict(zip(Offer.__struct_fields__, row, strict=True)))
            contacts = roster.people[found.to_person].contacts if roster is not None and found.to_person in roster.people else ()
            verdict = judge(found, _tried(cursor, found, fallback), contacts, now)
            if isinstance(verdict, Contact):
                _page(cursor, found, found.to_person, verdict, now)
            elif verdict is not None:
                _end(cursor, found, verdict, "vigil", now)
                metrics.answers_total.labels(kind="handover", result=verdict).inc()
                log.info("handover_ended", episode=found.episode_id, ending=verdict)


def _tried(cursor: psycopg.Cursor, found: Offer, fallback: timedelta) -> list[Tried]:
    names = {"handover_id": found.handover_id, "to_person": found.to_person, "fallback": fallback}
    return [
        Tried(step=row[0], person=row[1], channel=row[2], target=row[3], failing=row[4], declined=row[5])
        for row in cursor.execute(SQL["tried"].encode(), names)
    ]


def _end(cursor: psycopg.Cursor, found: Offer, ending: Ending, by: str, now: datetime) -> None:
    """Ends it, and tells whoever offered it by the way that his own page came; not where the episode is over and nobody needs to do anything."""
    names = {"handover_id": found.handover_id, "ending": ending, "by": by, "at": now}
    if cursor.execute(SQL["end"].encode(), names).fetchone() is None:
        return
    cursor.execute(SQL["withdraw"].encode(), {"episode_id": found.episode_id})
    ledger.put(cursor, now, by, "handover_ended", found.episode_id, {"ending": ending, "to": found.to_person})
    before = cursor.execute(SQL["from_page"].encode(), {"page_id": found.from_page_id}).fetchone()
    if ending != "over" and before is not None:
        _page(cursor, found, before[0], Contact(channel=before[1], target=before[2]), now)


def _page(cursor: psycopg.Cursor, found: Offer, person: str | None, contact: Contact, now: datetime) -> None:
    whose = "to" if person == found.to_person else "back"
    page_id = outbox.put(
        cursor, episode_id=found.episode_id, tier=found.tier, unit=found.unit, step=found.step, person=person, channel=contact.channel,
        target=contact.target, now=now, received_at=found.received_at,
        key=f"{found.episode_id}/handover/{found.handover_id}/{whose}/{contact.channel}/{contact.target}",
    )  # fmt: skip
    cursor.execute(SQL["mark_page"].encode(), {"handover_id": found.handover_id, "page_id": page_id})
