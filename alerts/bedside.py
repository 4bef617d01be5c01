"""The policy handed to the worker: within the batch's transaction it opens and closes episodes and puts the pages they ask for."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b

import msgspec
import psycopg

from alerts import mutes, storms_store, write_back
from alerts.changes import Begun, Change, Marked, Over, Place, consequences, left, settled, transferred
from alerts.episode import Episode, follow, score_of
from alerts.exclusions import circumstances_of, exclusion
from alerts.policy import NO_PAST, Decision, decide, needs_past
from alerts.recollect import recollect
from alerts.roster_file import CurrentRoster, no_roster
from alerts.routing import Route
from alerts.rules import InForce, Rules, Tier
from alerts.steps import Steps
from alerts.storms import storm
from alerts.write_back import NOWHERE, Destination
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
        self, policy: InForce, routes: Sequence[Route], metrics: Metrics, roster: CurrentRoster = no_roster, silent: Collection[str] = (),
        written_to: Sequence[Destination] = NOWHERE,
    ) -> None:  # fmt: skip
        self._policy, self._metrics, self._written_to = policy, metrics, written_to
        self._steps = Steps(roster, routes, metrics, silent=silent)

    def decide(self, cursor: psycopg.Cursor, moments: Sequence[Moment], scores: Sequence[Score], now: datetime) -> None:
        """Episodes and pages for these scores; a visit that ended closes what was open for it."""
        by_source = {str(moment.source): moment for moment in moments}
        made: dict[str, list[Score]] = defaultdict(list)
        for score in scores:
            made[score.score_id.rsplit("/", 1)[0]].append(score)
        opened = self._open(cursor, sorted({moment.patient.patient_id for moment in moments}))
        batch = _Batch(cursor, scores, now)
        for source, moment in by_source.items():
            mine = opened[moment.patient.patient_id]
            if mine:
                self._settle(batch, moment, left(mine) if moment.closed else self._transferred(batch, moment, mine), mine)
            if source in made:
                self._follow(batch, moment, made[source], mine)
        write_back.put(cursor, self._written_to, batch.told)
        if batch.paged:
            cursor.execute(SQL["notify"].encode())

    def merge(self, cursor: psycopg.Cursor, from_id: str, into_id: str, now: datetime) -> None:
        """What was open for the merged-away patient is the survivor's, once a tier."""
        names = {"from_id": from_id, "into_id": into_id, "at": now}
        mutes.adopt(cursor, from_id, into_id)
        cursor.execute(SQL["lock_both"].encode(), names)
        cursor.execute(SQL["adopt_episodes"].encode(), names)
        for (episode_id,) in cursor.execute(SQL["close_merged"].encode(), names).fetchall():
            cursor.execute(SQL["withdraw_pages"].encode(), {"episode_id": episode_id, "because": "merged"})

    def move(self, cursor: psycopg.Cursor, event: Move, into_id: str, from_id: str, now: datetime) -> None:
        """What was open for a visit that was filed under the wrong patient is the right one's, once a tier."""
        names = {
            "from_id": from_id, "from_encounter_id": event.from_encounter_id, "into_id": into_id, "encounter_id": event.encounter_id, "at": now,
        }  # fmt: skip
        cursor.execute(SQL["lock_both"].encode(), names)
        cursor.execute(SQL["adopt_visit"].encode(), names)
        for (episode_id,) in cursor.execute(SQL["close_moved"].encode(), names).fetchall():
            cursor.execute(SQL["withdraw_pages"].encode(), {"episode_id": episode_id, "because": "moved"})

    def _open(self, cursor: psycopg.Cursor, patients: Sequence[str]) -> Open:
        found: Open = defaultdict(dict)
        for row in cursor.execute(SQL["open_episodes"].encode(), {"ids": list(patients)}):
            episode = _episode(row)
            found[episode.patient_id][episode.tier] = episode
        return found

    def _transferred(self, batch: "_Batch", moment: Moment, mine: Mapping[Tier, Episode]) -> tuple[Change, ...]:
        place = _place(moment)
        if place.unit is None or all(episode.unit == place.unit for episode in mine.values()):
            return ()
        rules, patient = self._policy.rules_for(place.unit, batch.now), circumstances_of(moment.patient)

        def spared(episode: Episode) -> str:
            return exclusion(rules.exclude, score_of(episode), patient, batch.now)

        return transferred(mine, place, _namer(moment), spared, rules.version, batch.now)

    def _follow(self, batch: "_Batch", moment: Moment, scores: Sequence[Score], mine: dict[Tier, Episode]) -> None:
        encounter, now = moment.patient.encounter, batch.now
        rules = self._policy.rules_for(encounter.unit if encounter else None, now)
        in_hospital = encounter is None or encounter.status == "open"
        circumstances = circumstances_of(moment.patient)
        for score in scores:
            if self._written_to:
                batch.told.append((score, write_back.band(score, rules)))
            past = recollect(batch.cursor, score, rules, batch.scores, now) if needs_past(score, mine, rules) else NO_PAST
            for decided in decide(score, mine, rules, now, in_hospital=in_hospital, circumstances=circumstances, past=past):
                self._do(batch, moment, score, decided, mine, rules)

    def _do(self, batch: "_Batch", moment: Moment, score: Score, decided: Decision, mine: dict[Tier, Episode], rules: Rules) -> None:
        decision = _unless_muted(batch, moment, decided)
        self._metrics.decisions_total.labels(kind=decision.kind, tier=decision.tier, reason=decision.reason).inc()
        if decision.kind == "suppress":
            mutes.keep(batch.cursor, score, decision, rules.version, batch.now)
            return
        changes = consequences(decision, score, mine, _place(moment), _namer(moment), rules.version, batch.now)
        self._settle(batch, moment, changes, mine, rules, score)

    def _settle(
        self, batch: "_Batch", moment: Moment, changes: Iterable[Change], mine: dict[Tier, Episode], rules: Rules | None = None,
        score: Score | None = None,
    ) -> None:  # fmt: skip
        """Writes the changes and keeps `mine` what the database holds."""
        for change in changes:
            match change:
                case Over():
                    _end(batch, change)
                case Marked(episode=episode):
                    batch.cursor.execute(SQL["mark"].encode(), msgspec.structs.asdict(episode))
                case Begun():
                    self._begin(batch, moment, change, rules or self._policy.rules_for(change.episode.unit, batch.now), score)
            after = settled(mine, (change,))
            mine.clear()
            mine.update(after)

    def _begin(self, batch: "_Batch", moment: Moment, begun: Begun, rules: Rules, score: Score | None) -> None:
        episode, cursor = begun.episode, batch.cursor
        names = msgspec.structs.asdict(episode) | {"received_at": moment.received_at, "expire_after": rules.expire}
        if cursor.execute(SQL["open_episode"].encode(), names).fetchone() is None:
            return
        batch.paged = True
        if score is None or rules.storms is None or episode.follows is not None or not self._grouped(batch, moment, begun, rules, score):
            self._steps.open(cursor, episode, moment.received_at, batch.now, risen=begun.risen)

    def _grouped(self, batch: "_Batch", moment: Moment, begun: Begun, rules: Rules, score: Score) -> bool:
        """Whether the episode waits for its own page because a storm's speaks for it; the storm's goes out with the first."""
        episode, limits = begun.episode, rules.storms
        if limits is None or episode.tier == "rapid_response":
            return False
        raises = storms_store.raises_about(batch.cursor, limits, episode)
        kind = storm(limits, episode.tier, raises)
        if kind is None:
            return False
        group, new = storms_store.gather(
            batch.cursor, limits, kind, raises, episode, _id(moment, f"{episode.tier}/{kind}"), moment.received_at
        )
        held = {
            "episode_id": episode.episode_id,
            "grouped_in": group.episode_id,
            "at": batch.now,
            "until": batch.now + limits.hold,
            "risen": begun.risen,
        }
        batch.cursor.execute(storms_store.SQL["hold"].encode(), held)
        decision = Decision(kind="suppress", tier=episode.tier, reason="grouped", detail=kind)
        self._metrics.decisions_total.labels(kind=decision.kind, tier=decision.tier, reason=decision.reason).inc()
        mutes.keep(batch.cursor, score, decision, rules.version, batch.now)
        if new:
            self._steps.open(batch.cursor, group, moment.received_at, batch.now, risen=False)
        return True


class _Batch:
    """What one call of `decide` works on. `paged`: whether the pager has something to do; `told`: the scores with their bands, for whoever files them."""

    def __init__(self, cursor: psycopg.Cursor, scores: Sequence[Score], now: datetime) -> None:
        self.cursor, self.scores, self.now, self.paged = cursor, scores, now, False
        self.told: list[tuple[Score, str]] = []


def _unless_muted(batch: _Batch, moment: Moment, decision: Decision) -> Decision:
    """Asked only where somebody would be paged."""
    why = mutes.muted(batch.cursor, moment.patient.patient_id, batch.now) if decision.kind == "raise" else ""
    return msgspec.structs.replace(decision, kind="suppress", reason="muted", detail=why) if why else decision


def _end(batch: _Batch, over: Over) -> None:
    names: Mapping[str, object] = {
        "episode_id": over.episode.episode_id, "state": follow(over.episode.state, over.happening), "at": batch.now, "because": over.because,
        "version": over.version,
    }  # fmt: skip
    batch.cursor.execute(SQL["close_episode"].encode(), names)
    batch.cursor.execute(SQL["withdraw_pages"].encode(), names)


def _place(moment: Moment) -> Place:
    encounter = moment.patient.encounter
    return Place(
        patient_id=moment.patient.patient_id, encounter_id=encounter.encounter_id if encounter else None, unit=encounter.unit if encounter else None,
        bed=encounter.bed if encounter else None,
    )  # fmt: skip


def _namer(moment: Moment) -> Callable[[Tier], str]:
    return lambda tier: _id(moment, tier)


def _id(moment: Moment, what: str) -> str:
    """The same message always opens the same episode, however often it is processed."""
    return "ep-" + blake2b(f"{moment.source}/{what}".encode(), digest_size=10).hexdigest()


def _episode(row: tuple[object, ...]) -> Episode:
    return msgspec.convert(dict(zip(Episode.__struct_fields__, row, strict=True)), Episode)
