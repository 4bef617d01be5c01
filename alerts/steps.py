"""Escalation at the database's side: episodes whose timer has run out or whose pages reach nobody are taken one by one, and their next step is written.

Each is one transaction over one locked episode, and a step's page has one key: several pagers may do this, and any may die at any line.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import psycopg
from msgspec import Struct
from msgspec.structs import replace

from alerts import duties, handover, lapses, outbox, synthetic, treatment_team
from alerts.episode import Episode, State
from alerts.escalation import Rest, Standing, Take, Tried, next_step, onward
from alerts.plan import Plan, asks_for_team, plan_for
from alerts.roster_file import CurrentRoster
from alerts.routing import Route
from alerts.schedule import Duty
from alerts.treatment_team import NOBODY
from infra.database.sql import statements
from infra.logs import logger
from infra.metrics import Metrics
from streams.synthetic import is_synthetic

SQL = statements("alerts", "escalation.sql")
AT_ONCE = 200
"""Episodes looked at in one round; the next round comes at once where that many were due."""

log = logger("alerts")


class _Held(Struct, frozen=True, kw_only=True):
    """The episode whose lock is held, as far as its pages need it."""

    episode_id: str
    tier: str
    unit: str | None
    received_at: datetime
    patient_id: str
    encounter_id: str | None


class Steps:
    """Takes steps by the roster, or by the routes where it has no rule. `fallback_s`: real seconds after which another way is due.

    `silent`: channels that reach a computer and nobody; a page there keeps no person from being tried.
    """

    def __init__(
        self, roster: CurrentRoster, routes: Sequence[Route], metrics: Metrics, fallback_s: float = 60.0, silent: Collection[str] = ()
    ) -> None:
        self._roster, self._routes, self._metrics, self._silent = roster, routes, metrics, silent
        self._fallback = timedelta(seconds=fallback_s)

    def open(self, cursor: psycopg.Cursor, episode: Episode, received_at: datetime, now: datetime, *, risen: bool) -> None:
        """The first step of an episode, within the transaction that opens it. A page for nobody is written too: it must be seen that there was no one."""
        held = _Held(
            episode_id=episode.episode_id, tier=episode.tier, unit=episode.unit, received_at=received_at, patient_id=episode.patient_id,
            encounter_id=episode.encounter_id,
        )  # fmt: skip
        plan = self._plan(cursor, held, self._duties(cursor, now), now)
        standing = Standing(state=episode.state, step=-1, step_at=now, risen=risen)
        if not plan.line and not any(step.targets for step in plan.steps):
            self._metrics.pages_total.labels(channel="none", outcome="no_route").inc()
            _put(cursor, held, 0, None, "none", "", now, error="no route for this tier; set page.routes")
            standing = replace(standing, step=0)
        self._go_on(cursor, held, standing, plan, now)

    def take_due(self, connection: psycopg.Connection, now: datetime) -> int:
        """Every step that is due now; tells how many episodes were looked at."""
        names = {"now": now, "fallback": self._fallback, "limit": AT_ONCE}
        with connection.transaction(), connection.cursor() as cursor:
            lapses.lapse(cursor, now)
            cursor.execute(SQL["forget"].encode())
            ids = [row[0] for name in ("due", "troubled") for row in cursor.execute(SQL[name].encode(), names)]
            agreed = self._duties(cursor, now) if ids else ()
        for episode_id in dict.fromkeys(ids):
            with connection.transaction(), connection.cursor() as cursor:
                self._look(cursor, episode_id, agreed, now)
        handover.look_after(connection, self._roster(), self._fallback, self._metrics, now)
        return len(ids)

    def _look(self, cursor: psycopg.Cursor, episode_id: str, agreed: Sequence[Duty], now: datetime) -> None:
        row = cursor.execute(SQL["lock"].encode(), {"episode_id": episode_id}).fetchone()
        if row is None:  # another pager has it, or it is over
            return
        held = _Held(episode_id=row[0], tier=row[1], received_at=row[6], unit=row[7], patient_id=row[9], encounter_id=row[10])
        names = {"episode_id": episode_id, "fallback": self._fallback}
        tried = tuple(
            Tried(
                step=one[0],
                person=one[1],
                channel=one[2],
                target=one[3],
                failing=one[4] or one[2] in self._silent,
                declined=one[5],
                acknowledged=one[6],
            )
            for one in cursor.execute(SQL["tried"].encode(), names)
        )
        state: State = row[2]
        step_at = min(row[4], now)  # a clock that was set back must not make anybody wait for it to catch up
        standing = Standing(state=state, step=row[3], step_at=step_at, risen=row[5], higher_open=row[8], tried=tried)
        plan = self._plan(cursor, held, agreed, now)
        standing = self._other_ways(cursor, held, standing, now)
        cursor.execute(SQL["passed_on"].encode(), names)
        self._go_on(cursor, held, standing, plan, now)

    def _other_ways(self, cursor: psycopg.Cursor, held: _Held, standing: Standing, now: datetime) -> Standing:
        roster = self._roster()
        people = roster.people if roster is not None else {}
        for person, contact in onward(standing, {key: one.contacts for key, one in people.items()}):
            _put(cursor, held, standing.step, person, contact.channel, contact.target, now)
            self._metrics.escalations_total.labels(tier=held.tier, reason="other_channel").inc()
            log.info("page_other_channel", episode=held.episode_id, tier=held.tier, step=standing.step, channel=contact.channel)
            more = Tried(step=standing.step, person=person, channel=contact.channel, target=contact.target, failing=False)
            standing = replace(standing, tried=(*standing.tried, more))
        return standing

    def _go_on(self, cursor: psycopg.Cursor, held: _Held, standing: Standing, plan: Plan, now: datetime) -> None:
        verdict = next_step(standing, plan, now)
        while isinstance(verdict, Take):
            standing = self._take(cursor, held, standing, verdict, now)
            verdict = next_step(standing, plan, now)
        _moved(cursor, held, standing, plan, verdict)

    def _take(self, cursor: psycopg.Cursor, held: _Held, standing: Standing, take: Take, now: datetime) -> Standing:
        tried = list(standing.tried)
        for target in take.targets:
            first = target.contacts[0]
            _put(cursor, held, take.step, target.person, first.channel, first.target, now)
            unheard = first.channel in self._silent
            tried.append(Tried(step=take.step, person=target.person, channel=first.channel, target=first.target, failing=unheard))
        self._metrics.escalations_total.labels(tier=held.tier, reason=take.reason).inc()
        if standing.step >= 0:
            log.info("episode_escalated", episode=held.episode_id, tier=held.tier, step=take.step, reason=take.reason)
        return replace(standing, step=take.step, step_at=now, tried=tuple(tried))

    def _plan(self, cursor: psycopg.Cursor, held: _Held, agreed: Sequence[Duty], now: datetime) -> Plan:
        roster = self._roster()
        if is_synthetic(held.patient_id):
            return synthetic.plan(self._routes, roster)
        care = NOBODY
        if roster is not None and asks_for_team(roster, held.tier, held.unit):
            care = treatment_team.of_patient(cursor, held.patient_id, held.encounter_id, roster, now)
        return plan_for(roster, agreed, self._routes, held.tier, held.unit, now, care)

    def _duties(self, cursor: psycopg.Cursor, now: datetime) -> Sequence[Duty]:
        return duties.between(cursor, now, now + timedelta(minutes=1)) if self._roster() is not None else ()


def _moved(cursor: psycopg.Cursor, held: _Held, standing: Standing, plan: Plan, rest: Rest) -> None:
    cursor.execute(
        SQL["moved"].encode(),
        {
            "episode_id": held.episode_id, "step": standing.step, "step_at": standing.step_at, "next_step_at": rest.until, "next_reason": rest.reason,
            "risen": standing.risen, "needed": plan.acknowledgements,
        },
    )  # fmt: skip


def _put(
    cursor: psycopg.Cursor, held: _Held, step: int, person: str | None, channel: str, target: str, now: datetime, error: str | None = None
) -> None:
    outbox.put(
        cursor, episode_id=held.episode_id, tier=held.tier, unit=held.unit, step=step, person=person, channel=channel, target=target, now=now,
        received_at=held.received_at, error=error,
    )  # fmt: skip
