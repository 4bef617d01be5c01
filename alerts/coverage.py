"""Gaps in the schedule, found before they come and told: to whoever asks, in the log, and as a metric."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import psycopg

from alerts import duties
from alerts.people import Roster
from alerts.schedule import Duty, Gap, gaps
from infra.logs import logger
from infra.metrics import Metrics

AHEAD: Final = timedelta(days=7)
"""A week is time enough to find somebody."""

log = logger("alerts")


def uncovered(roster: Roster, agreed: Sequence[Duty], since: datetime, until: datetime) -> tuple[Gap, ...]:
    """Every gap of every team, the soonest first."""
    found = [gap for team in roster.teams for gap in gaps(roster, agreed, team, since, until)]
    return tuple(sorted(found, key=lambda one: (one.starts_at, one.team)))


def tell(connection: psycopg.Connection, roster: Roster, metrics: Metrics, now: datetime) -> None:
    """Warns of the next gap of each team and sets the metric."""
    with connection.transaction(), connection.cursor() as cursor:
        agreed = duties.between(cursor, now, now + AHEAD)
    found = uncovered(roster, agreed, now, now + AHEAD)
    for team in roster.teams:
        mine = [gap for gap in found if gap.team == team]
        metrics.oncall_uncovered_seconds.labels(team=team).set(sum((gap.ends_at - gap.starts_at).total_seconds() for gap in mine))
        if mine:
            log.warning(
                "oncall_gap", team=team, starts_at=mine[0].starts_at.isoformat(), ends_at=mine[0].ends_at.isoformat(), gaps=len(mine)
            )
