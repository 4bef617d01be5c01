"""The ward as it is now: who lies where, how they are, what is open; read from the database for the board and the terminal alike."""

from datetime import datetime
from hashlib import blake2b

import msgspec
import psycopg
from msgspec import Struct

from infra.database.sql import statements
from scoring.score import Finding
from scoring.words import words

SQL = statements("alerts.board", "ward.sql")
SHOWN = 3
"""Findings that fit into a bed's card."""


class Row(Struct, frozen=True, kw_only=True):
    """One patient in a bed. `news2`: lower bounds, oldest first; `risk`: the model's probability; `ref` tells patients apart and names nobody.
    `findings`: what moved the score that opened the newest episode."""

    unit: str
    bed: str
    ref: str
    news2: list[float]
    risk: float | None
    mode: str | None
    tiers: list[str]
    page_state: str | None
    findings: list[str] = []


class PageRow(Struct, frozen=True, kw_only=True):
    """One of the last pages. `step`: of the escalation; `person`: whom the schedule had it sent to."""

    tier: str
    unit: str | None
    step: int
    person: str | None
    channel: str
    state: str
    created_at: datetime
    accepted_at: datetime | None
    acknowledged_by: str | None
    declined_by: str | None


class Ward(Struct, frozen=True, kw_only=True):
    """Everything at one instant. `messages`: recorded since this installation began."""

    now: datetime
    patients: list[Row]
    pages: list[PageRow]
    open_episodes: int
    pages_accepted: int
    pages_waiting: int
    messages: int


def ward(connection: psycopg.Connection, now: datetime) -> Ward:
    """Reads it, the sickest first."""
    with connection.transaction(), connection.cursor() as cursor:
        patients = [_row(row) for row in cursor.execute(SQL["ward"].encode()).fetchall()]
        pages = [
            msgspec.convert(dict(zip(PageRow.__struct_fields__, row, strict=True)), PageRow)
            for row in cursor.execute(SQL["pages"].encode())
        ]
        totals = cursor.execute(SQL["totals"].encode()).fetchone() or (0, 0, 0, 0)
    patients.sort(key=lambda one: (-len(one.tiers), -(one.news2[-1] if one.news2 else -1), -(one.risk or 0), one.unit, one.bed))
    return Ward(
        now=now, patients=patients, pages=pages, open_episodes=totals[0], pages_accepted=totals[1], pages_waiting=totals[2], messages=totals[3]
    )  # fmt: skip


def _row(row: tuple[object, ...]) -> Row:
    unit, bed, patient_id, news2, risk, mode, tiers, page_state, findings = row
    return msgspec.convert(
        {
            "unit": unit or "?", "bed": bed or "", "ref": blake2b(str(patient_id).encode(), digest_size=3).hexdigest(), "news2": news2 or [], "risk": risk,
            "mode": mode, "tiers": tiers or [], "page_state": page_state,
            "findings": [words(one) for one in msgspec.convert(findings or [], list[Finding])[:SHOWN]],
        },
        Row,
    )  # fmt: skip
