"""What came before a score, from the database: earlier scores for N of M, and the last episodes that have cleared for a cool-down."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import psycopg

from alerts.policy import Earlier, Ended, Past
from alerts.rules import Rules, Tier
from infra.database.sql import statements
from scoring.score import Score

SQL = statements("alerts", "outbox.sql")
MESSAGES: Final = 12
"""Scores looked at for each one asked for: so many messages may tell of one set of vital signs, whose scores count once."""


def recollect(cursor: psycopg.Cursor, score: Score, rules: Rules, batch: Sequence[Score], now: datetime) -> Past:
    """`batch`: the scores that this transaction has written; of those only the ones before `score` are past."""
    mine = [rule for rule in rules.rules if rule.score == score.name]
    of_last, within = max(rule.of_last for rule in mine), max(rule.within for rule in mine)
    cool_down = max(rule.cool_down for rule in mine)
    earlier = _earlier(cursor, score, of_last * MESSAGES, now - within, batch) if of_last > 1 else ()
    return Past(earlier=earlier, ended=_ended(cursor, score.patient_id, now - cool_down) if cool_down > timedelta(0) else {})


def _earlier(cursor: psycopg.Cursor, score: Score, limit: int, since: datetime, batch: Sequence[Score]) -> tuple[Earlier, ...]:
    ids = [one.score_id for one in batch]
    mine = [
        one
        for one in batch[: ids.index(score.score_id)]
        if (one.patient_id, one.name) == (score.patient_id, score.name) and one.mode != "shadow"
    ]
    names = {"patient_id": score.patient_id, "name": score.name, "since": since, "but": ids, "limit": limit}
    rows = cursor.execute(SQL["earlier_scores"].encode(), names).fetchall()
    here = [Earlier(as_of=one.as_of, at_least=one.at_least, red=one.red) for one in reversed(mine)]
    return (*here, *(Earlier(as_of=row[0], at_least=row[1], red=row[2]) for row in rows))


def _ended(cursor: psycopg.Cursor, patient_id: str, since: datetime) -> dict[Tier, Ended]:
    rows = cursor.execute(SQL["last_ended"].encode(), {"patient_id": patient_id, "since": since}).fetchall()
    return {row[0]: Ended(score=row[1], closed_at=row[2], peak=row[3]) for row in rows}
