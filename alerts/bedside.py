"""The policy handed to the worker: within the batch's transaction it opens and closes episodes and puts the pages they ask for."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b

import msgspec
import psycopg

from alerts import mutes
from alerts.episode import Episode
from alerts.policy import Circumstances, Decision, decide
from alerts.roster_file import CurrentRoster, no_roster
from alerts.routing import Route
from alerts.rules import RANK, Rules, Tier
from alerts.steps import Steps
from infra.database.sql import statements
from infra.metrics import Metrics
from parsers.events import Move
from scoring.score import Score
from streams.processing import Moment

SQL = statements("alerts", "outbox.sql")

Open = dict[str, dict[Tier, Episode]]


class Alarms:
    """Decides score by score, in the order of the messages. Nothing is asked of the database where nothing is raised and nothing is open."""

    def __init__(
        self, rules: Rules, routes: Sequence[Route], metrics: Metrics, roster: CurrentRoster = no_roster, silent: Collection[str] = ()
    ) -> None:
        self._rules, self._metrics = rules, metrics
        self._steps = Steps(roster, routes, metrics, silent=silent)

    def decide(self, cursor: psycopg.Cursor, moments: Sequence[Moment], scores: Sequence[Score], now: datetime) -> None:
        """Episodes and pages for these scores; a visit that ended closes what was open for it."""
        by_source = {str(moment.source): moment for moment in moments}
        made: dict[str, list[Score]] = defaultdict(list)
        for score in scores:
            made[score.score_id.rsplit("/", 1)[0]].append(score)
        opened = self._open(cursor, sorted({moment.patient.patient_id for moment in moments}))
        paged = False
        for source, moment in by_source.items():
            mine = opened[moment.patient.patient_id]
            if moment.closed:
                self._leave(cursor, mine, now)
            for score in made.get(source, ()):
                paged = self._follow(cursor, moment, score, mine, now) or paged
        if paged:
            cursor.execute(SQL["notify"].encode())

    def merge(self, cursor: psycopg.Cursor, from_id: str, into_id: str, now: datetime) -> None:
        """What was open for the merged-away patient is the survivor's, once a tier."""
        names = {"from_id": from_id, "into_id": into_id, "at": now}
        mutes.adopt(cursor, from_id, into_id)
        cursor.execute(SQL["adopt_episodes"].encode(), names)
        for (episode_id,) in cursor.execute(SQL["close_merged"].encode(), names).fetchall():
            cursor.execute(SQL["withdraw_pages"].encode(), {"episode_id": episode_id, "because": "merged"})

    def move(self, cursor: psycopg.Cursor, event: Move, into_id: str, from_id: str, now: datetime) -> None:
        """What was open for a visit that was filed under the wrong patient is the right one's, once a tier."""
        names = {
            "from_id": from_id, "from_encounter_id": event.from_encounter_id, "into_id": into_id, "encounter_id": event.encounter_id, "at": now,
        }  # fmt: skip
        cursor.execute(SQL["adopt_visit"].encode(), names)
        for (episode_id,) in cursor.execute(SQL["close_moved"].encode(), names).fetchall():
            cursor.execute(SQL["withdraw_pages"].encode(), {"episode_id": episode_id, "because": "moved"})

    def _open(self, cursor: psycopg.Cursor, patients: Sequence[str]) -> Open:
        found: Open = defaultdict(dict)
        for row in cursor.execute(SQL["open_episodes"].encode(), {"ids": list(patients)}):
            episode = _episode(row)
            found[episode.patient_id][episode.tier] = episode
        return found

    def _follow(self, cursor: psycopg.Cursor, moment: Moment, score: Score, mine: dict[Tier, Episode], now: datetime) -> bool:
        encounter = moment.patient.encounter
        in_hospital = encounter is None or encounter.status == "open"
        paged = False
        circumstances = Circumstances(
            unit=encounter.unit if encounter else None, patient_class=encounter.patient_class if encounter else None, birth_date=moment.patient.birth_date
        )  # fmt: skip
        for decided in decide(score, mine, self._rules, now, in_hospital=in_hospital, circumstances=circumstances):
            decision = self._unless_muted(cursor, moment, decided, now)
            self._metrics.decisions_total.labels(kind=decision.kind, tier=decision.tier, reason=decision.reason).inc()
            match decision.kind:
                case "raise":
                    paged = self._raise(cursor, moment, score, decision, mine, now) or paged
                case "clear":
                    self._close(cursor, mine.pop(decision.tier), "resolved", decision.reason, now)
                case "clearing" | "hold":
                    since = score.as_of if decision.kind == "clearing" else None
                    episode = mine[decision.tier]
                    cursor.execute(SQL["mark_clearing"].encode(), {"episode_id": episode.episode_id, "since": since})
                    mine[decision.tier] = _with_clearing(episode, since)
                case "suppress":
                    mutes.keep(cursor, score, decision, now)
        return paged

    def _unless_muted(self, cursor: psycopg.Cursor, moment: Moment, decision: Decision, now: datetime) -> Decision:
        """Asked only where somebody would be paged."""
        why = mutes.muted(cursor, moment.patient.patient_id, now) if decision.kind == "raise" else ""
        return msgspec.structs.replace(decision, kind="suppress", reason="muted", detail=why) if why else decision

    def _raise(
        self, cursor: psycopg.Cursor, moment: Moment, score: Score, decision: Decision, mine: dict[Tier, Episode], now: datetime
    ) -> bool:
        encounter = moment.patient.encounter
        value = "" if score.at_least is None else f" {score.at_least:g}" if score.name == "news2" else f" {score.at_least:.2f}"
        without = " (model unavailable)" if score.mode == "fallback" else ""
        episode = Episode(
            episode_id=_episode_id(moment, decision.tier), patient_id=moment.patient.patient_id,
            encounter_id=encounter.encounter_id if encounter else None, tier=decision.tier, unit=encounter.unit if encounter else None,
            bed=encounter.bed if encounter else None, opened_at=now, state="open", reason=f"{score.name}{value} {decision.reason}{without}",
            score_id=score.score_id,
        )  # fmt: skip
        names = {name: getattr(episode, name) for name in episode.__struct_fields__} | {"received_at": moment.received_at}
        if cursor.execute(SQL["open_episode"].encode(), names).fetchone() is None:
            return False
        risen = any(RANK[tier] < RANK[decision.tier] for tier in mine)
        mine[decision.tier] = episode
        self._steps.open(cursor, episode, moment.received_at, now, risen=risen)
        return True

    def _leave(self, cursor: psycopg.Cursor, mine: dict[Tier, Episode], now: datetime) -> None:
        for tier in list(mine):
            self._close(cursor, mine.pop(tier), "closed", "left", now)

    def _close(self, cursor: psycopg.Cursor, episode: Episode, state: str, because: str, now: datetime) -> None:
        names: Mapping[str, object] = {"episode_id": episode.episode_id, "state": state, "at": now, "because": because}
        cursor.execute(SQL["close_episode"].encode(), names)
        cursor.execute(SQL["withdraw_pages"].encode(), names)


def _episode_id(moment: Moment, tier: Tier) -> str:
    """The same message always opens the same episode, however often it is processed."""
    return "ep-" + blake2b(f"{moment.source}/{tier}".encode(), digest_size=10).hexdigest()


def _episode(row: tuple[object, ...]) -> Episode:
    names = (
        "episode_id",
        "patient_id",
        "encounter_id",
        "tier",
        "unit",
        "bed",
        "opened_at",
        "state",
        "reason",
        "score_id",
        "clearing_since",
    )
    return msgspec.convert(dict(zip(names, row, strict=True)), Episode)


def _with_clearing(episode: Episode, since: datetime | None) -> Episode:
    return msgspec.structs.replace(episode, clearing_since=since)
