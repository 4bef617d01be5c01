"""Writes scores inside the batch's transaction; everything that explains one goes with it."""

from collections.abc import Sequence

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from infra.database.sql import statements
from scoring.score import Score

SQL = statements("scoring", "store.sql")
TYPES = ("text", "text", "text", "text", "text", "float8", "float8", "bool", "timestamptz", "timestamptz", "text", "jsonb")


def write(cursor: psycopg.Cursor, scores: Sequence[Score]) -> None:
    """COPY; nothing at all where there is nothing."""
    if not scores:
        return
    with cursor.copy(SQL["copy_scores"].encode()) as copy:
        copy.set_types(TYPES)
        for score in scores:
            explanation = Jsonb(_explanation(score), dumps=msgspec.json.encode)
            copy.write_row(
                (
                    score.score_id, score.patient_id, score.encounter_id, score.name, score.version, score.value, score.at_least, score.red,
                    score.as_of, score.scored_at, score.mode, explanation,
                )
            )  # fmt: skip


def _explanation(score: Score) -> dict[str, object]:
    """What is always there, and what there is only sometimes."""
    always: dict[str, object] = {"parts": score.parts, "missing": score.missing, "findings": score.findings, "at": score.at}
    sometimes = {"refused": score.refused, "abstained": score.abstained, "moved": score.moved}
    return always | {name: value for name, value in sometimes.items() if value}
