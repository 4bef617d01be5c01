"""Which scores the EHR is told of, though they raise nothing: decided with each score, kept in the batch's transaction, the newest of a patient and score."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import psycopg
from msgspec import Struct

from alerts.rules import Rules
from infra.database.sql import statements
from infra.settings import PageSettings
from scoring.published.news2 import risk_of
from scoring.score import Score
from streams.synthetic import is_synthetic

SQL = statements("alerts", "write_back.sql")


class Destination(Struct, frozen=True, kw_only=True):
    """An EHR that wants scores: which, and whether each or only what changes its band."""

    channel: str
    names: frozenset[str]
    every: bool


NOWHERE: Final[tuple[Destination, ...]] = ()


def destinations(settings: PageSettings) -> tuple[Destination, ...]:
    """Those that the settings ask for; a channel that is told of alerts alone is none."""
    return tuple(
        Destination(channel=name, names=frozenset(one.write_back), every=one.write_when == "every")
        for name, one in sorted(settings.channels.items())
        if one.kind == "hl7" and one.write_when != "alert"
    )


def band(score: Score, rules: Rules) -> str:
    """What a score means to whoever reads it: NEWS2's clinical risk (RCP 2017, chart 2), a stage or count as it is, else the tiers whose threshold it reaches.

    >>> from datetime import UTC, datetime, timedelta
    >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> def made(name, value, red=False):
    ...     return Score(score_id="s", patient_id="p", encounter_id=None, name=name, version="1", value=value, at_least=value, red=red, as_of=noon,
    ...         scored_at=noon, mode="live", parts={}, missing=(), findings=())
    >>> none = Rules(version="v", max_age=timedelta(hours=1), rules=())
    >>> [band(made("news2", value, red), none) for value, red in ((4.0, False), (3.0, True), (5.0, False), (9.0, True))]
    ['low', 'low-medium', 'medium', 'high']
    >>> band(made("kdigo_aki", 2.0), none), band(made("deterioration", 0.31), none)
    ('2', '')
    """
    value = score.value
    if value is None:
        return ""
    if score.name == "news2":
        return risk_of(int(value), score.red)
    if value % 1 == 0:
        return f"{value:g}"
    reached = {rule.tier for rule in rules.rules if rule.score == score.name and rule.raise_at is not None and value >= rule.raise_at}
    return "+".join(sorted(reached))


def put(cursor: psycopg.Cursor, wanted: Iterable[Destination], told: Sequence[tuple[Score, str]]) -> None:
    """Keeps for each destination what it wants of these scores with their bands, in order; nothing of shadows, of patients nobody has, nor without a value."""
    for one in wanted:
        newest: dict[tuple[str, str], tuple[Score, str]] = {
            (score.patient_id, score.name): (score, of_band)
            for score, of_band in told
            if score.name in one.names and score.value is not None and score.mode != "shadow" and not is_synthetic(score.patient_id)
        }
        if newest:
            cursor.execute(SQL["put"].encode(), _columns(one, [newest[key] for key in sorted(newest)]))


def _columns(one: Destination, told: Sequence[tuple[Score, str]]) -> Mapping[str, object]:
    return {
        "every": one.every, "channels": [one.channel] * len(told), "patient_ids": [score.patient_id for score, _ in told],
        "names": [score.name for score, _ in told], "score_ids": [score.score_id for score, _ in told],
        "encounter_ids": [score.encounter_id for score, _ in told], "versions": [score.version for score, _ in told],
        "values": [score.value for score, _ in told], "bands": [of_band for _, of_band in told], "as_of": [score.as_of for score, _ in told],
    }  # fmt: skip
