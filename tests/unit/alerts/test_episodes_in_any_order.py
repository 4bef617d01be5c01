"""Episodes without a server: scores, answers, clock steps, transfers, mutes, merges and discharges in any order, and what must hold after each of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.changes import Begun, Change, Over, Place, consequences, left, settled, transferred
from alerts.episode import ANSWERED, OVER, UNANSWERED, Episode, follow
from alerts.escalation import Rest, Standing, Take, Tried, next_step
from alerts.exclusions import Circumstances, exclusion
from alerts.plan import plan_for
from alerts.policy import Ended, Past, decide
from alerts.rules import RANK, Policy, Tier
from scoring.score import Score
from tests.episodes import NOON, shipped
from tests.rosters import ROSTER


@dataclass
class Patient:
    """One patient with the open episodes, and what became of their pages."""

    name: str
    unit: str = "4W"
    here: bool = True
    muted_until: datetime | None = None
    mine: dict[Tier, Episode] = field(default_factory=dict)
    ended: dict[Tier, Ended] = field(default_factory=dict)


@dataclass
class Sent:
    """A page as it left: of which episode, in which state it was then, to whom."""

    episode: Episode
    patient: Patient
    who: str
    unit: str
    at: datetime


class World:
    """Two patients, one pager, no database: only the pure functions, tied as `alerts.bedside` and `alerts.steps` tie them."""

    def __init__(self, policy: Policy) -> None:
        self.policy, self.now = policy, NOON
        self.patients = [Patient("a"), Patient("b")]
        self.standings: dict[str, Standing] = {}
        self.rests: dict[str, Rest] = {}
        self.sent: list[Sent] = []
        self.begun: dict[str, str] = {}
        self.answered: dict[tuple[str, str], datetime] = {}
        self.number = 0

    def let(self, what: str, which: int, value: float) -> None:
        patient = self.patients[which % 2]
        match what:
            case "score":
                self._score(patient, value)
            case "acknowledged" | "arrived" | "declined":
                self._answer(patient, what, int(value))
            case "wait":
                self.now += timedelta(minutes=value)
            case "transfer":
                self._transfer(patient, ("4W", "6E", "ICU")[int(value) % 3])
            case "mute":
                self._mute(patient, value)
            case "lift":
                patient.muted_until = None
            case "leave":
                patient.here = False
                self._apply(patient, left(patient.mine))
            case "admit":
                patient.here = True
            case "merge":
                self._merge(patient, self.patients[(which + 1) % 2])
        self._page()

    def _name(self, tier: Tier) -> str:
        self.number += 1
        return f"ep-{self.number}"

    def _score(self, patient: Patient, value: float) -> None:
        score = Score(
            score_id=f"t/0/{self.number}/news2", patient_id=patient.name, encounter_id=None, name="news2", version="1", value=value, at_least=value, red=value in (3, 4),
            as_of=self.now, scored_at=self.now, mode="live", parts={}, missing=(), findings=(),
        )  # fmt: skip
        patient.mine = {tier: self._as_it_stands(one) for tier, one in patient.mine.items()}
        rules = self.policy.rules_for(patient.unit, self.now)
        circumstances, past = Circumstances(unit=patient.unit), Past(ended=patient.ended)
        for decision in decide(score, patient.mine, rules, self.now, in_hospital=patient.here, circumstances=circumstances, past=past):
            if decision.kind == "raise" and self.muted(patient):
                continue
            place = Place(patient_id=patient.name, unit=patient.unit)
            changes = consequences(decision, score, patient.mine, place, self._name, rules.version, self.now)
            self._apply(patient, changes, decision.reason)

    def _as_it_stands(self, episode: Episode) -> Episode:
        """As `open_episodes` reads it."""
        resting = episode.state in UNANSWERED and self.rests[episode.episode_id].until is None
        return replace(episode, told_at=self.standings[episode.episode_id].step_at, resting=resting)

    def _apply(self, patient: Patient, changes: Iterable[Change], why: str = "") -> None:
        for change in changes:
            match change:
                case Begun(episode=episode, risen=risen):
                    self.begun[episode.episode_id] = why
                    self.standings[episode.episode_id] = Standing(state="open", step=-1, step_at=self.now, risen=risen)
                case Over(episode=episode, happening="cleared"):
                    patient.ended[episode.tier] = Ended(score="news2", closed_at=self.now, peak=episode.peak)
            patient.mine = settled(patient.mine, (change,))

    def _answer(self, patient: Patient, what: str, which: int) -> None:
        """One of the patient's episodes, by whoever holds its page: who has none cannot answer."""
        paged = [one for one in patient.mine.values() if self.standings[one.episode_id].tried]
        if not paged:
            return
        episode = paged[which % len(paged)]
        standing = self.standings[episode.episode_id]
        if what == "declined":
            tried = (*standing.tried[:-1], replace(standing.tried[-1], declined=True))
            self.standings[episode.episode_id] = replace(standing, tried=tried)
            return
        state = follow(episode.state, "acknowledged" if what == "acknowledged" else "arrived")
        patient.mine[episode.tier] = replace(episode, state=state, answered_at=self.now)
        self.answered[patient.name, episode.tier] = self.now

    def _transfer(self, patient: Patient, unit: str) -> None:
        patient.unit = unit
        rules = self.policy.rules_for(unit, self.now)
        place = Place(patient_id=patient.name, unit=unit)
        self._apply(
            patient,
            transferred(
                patient.mine,
                place,
                self._name,
                lambda _: exclusion(rules.exclude, "news2", Circumstances(unit=unit), self.now),
                "",
                self.now,
            ),
            "transferred",
        )

    def _mute(self, patient: Patient, minutes: float) -> None:
        patient.muted_until = self.now + timedelta(minutes=minutes)
        patient.mine = {tier: replace(one, state=follow(one.state, "muted")) for tier, one in patient.mine.items()}

    def muted(self, patient: Patient) -> bool:
        return patient.muted_until is not None and patient.muted_until > self.now

    def _merge(self, gone: Patient, stays: Patient) -> None:
        """As `adopt_episodes` and `close_merged`: once a tier."""
        stays.mine = {**gone.mine, **stays.mine}
        stays.here = stays.here or gone.here
        if not stays.here:
            self._apply(stays, left(stays.mine))
        stays.muted_until = max(filter(None, (gone.muted_until, stays.muted_until)), default=None)
        gone.mine, gone.here = {}, False

    def _page(self) -> None:
        """The pager looks: mutes that are over, then every step that is due."""
        for patient in self.patients:
            for tier, episode in patient.mine.items():
                if episode.state == "muted" and not self.muted(patient):
                    patient.mine[tier] = replace(episode, state=follow("muted", "unmuted"))
            for tier, episode in patient.mine.items():
                self._step(patient, tier, episode)

    def _step(self, patient: Patient, tier: Tier, episode: Episode) -> None:
        plan = plan_for(ROSTER, (), (), tier, patient.unit, self.now)
        higher = any(RANK[other] > RANK[tier] for other in patient.mine)
        standing = self.standings[episode.episode_id]
        standing = replace(standing, state=episode.state, higher_open=higher, step_at=min(standing.step_at, self.now))
        verdict = next_step(standing, plan, self.now)
        while isinstance(verdict, Take):
            for target in verdict.targets:
                self.sent.append(Sent(episode, patient, target.person or "line", patient.unit, self.now))
            tried = tuple(
                Tried(step=verdict.step, person=one.person, channel="pager", target=one.contacts[0].target, failing=False)
                for one in verdict.targets
            )
            standing = replace(standing, step=verdict.step, step_at=self.now, tried=(*standing.tried, *tried))
            if episode.state == "open":
                episode = replace(episode, state=follow("open", "accepted"))
                patient.mine[tier] = episode
                standing = replace(standing, state=episode.state)
            verdict = next_step(standing, plan, self.now)
        self.standings[episode.episode_id] = standing
        self.rests[episode.episode_id] = verdict


happenings = st.lists(
    st.one_of(
        st.tuples(st.just("score"), st.integers(0, 1), st.sampled_from((0, 2, 3, 5, 6, 7, 8, 10, 11, 14))),
        st.tuples(st.sampled_from(("acknowledged", "arrived", "declined")), st.integers(0, 1), st.integers(0, 2)),
        st.tuples(st.just("wait"), st.just(0), st.sampled_from((-2, 1, 5, 11, 31, 45, 130))),
        st.tuples(st.just("transfer"), st.integers(0, 1), st.integers(0, 2)),
        st.tuples(st.just("mute"), st.integers(0, 1), st.sampled_from((10, 60))),
        st.tuples(st.sampled_from(("lift", "leave", "admit", "merge")), st.integers(0, 1), st.just(0)),
    ),
    max_size=40,
)  # fmt: skip
REMIND = timedelta(hours=2)
POLICIES = (
    shipped(),
    shipped(cool_down=timedelta(minutes=30), rearm_rise=2.0),
    shipped(remind_unanswered=timedelta(hours=1)),
    shipped(remind_unanswered=timedelta(hours=1), remind_answered=REMIND),
)


@settings(max_examples=400, deadline=None)
@given(happenings=happenings, policy=st.sampled_from(POLICIES))
def test_no_episode_without_an_owner_no_page_after_an_answer_but_by_a_rise_and_none_to_the_team_of_who_left(
    happenings: list[tuple[str, int, float]], policy: Policy
) -> None:
    world = World(policy)
    for happening in happenings:
        answered = {one.episode_id for patient in world.patients for one in patient.mine.values() if one.state in ANSWERED}
        tiers = {(patient.name, tier) for patient in world.patients for tier, one in patient.mine.items() if one.state in ANSWERED}
        before = len(world.sent)
        world.let(*happening)
        for sent in world.sent[before:]:
            assert sent.patient.here
            assert sent.unit == sent.patient.unit
            assert sent.episode.episode_id not in answered
            if (sent.patient.name, sent.episode.tier) in tiers:
                why = world.begun[sent.episode.episode_id]
                reminding = policy.editions[0].everywhere.rules[0].remind_answered is not None
                assert why == "risen" or (reminding and why == "still_high")
                assert why == "risen" or world.now - world.answered[sent.patient.name, sent.episode.tier] >= REMIND
        for patient in world.patients:
            assert patient.here or not patient.mine
            for tier, one in patient.mine.items():
                assert one.tier == tier and one.state not in OVER
                assert owned(world, patient, one), one


def owned(world: World, patient: Patient, episode: Episode) -> bool:
    """Somebody has it, has muted it, has a page of it that is not declined, or will be paged by a timer."""
    if episode.state in ANSWERED:
        return True
    if episode.state == "muted":
        return world.muted(patient)
    assert episode.state in UNANSWERED
    tried = world.standings[episode.episode_id].tried
    return any(not one.declined and not one.failing for one in tried) or world.rests[episode.episode_id].until is not None


def test_the_same_score_after_an_answer_pages_nobody_and_a_further_rise_pages_once_more() -> None:
    world = World(shipped())
    world.let("score", 0, 8)
    world.let("acknowledged", 0, 0)
    for value in (8, 9, 10, 10):
        world.let("score", 0, value)
    assert [one.who for one in world.sent] == ["line"]
    world.let("score", 0, 11)
    assert [one.who for one in world.sent] == ["line", "line"]
    world.let("score", 0, 13)
    assert len(world.sent) == 2


def test_what_nobody_ever_answers_is_told_again_each_time_the_hours_are_over_and_only_once_its_escalation_is() -> None:
    world = World(shipped(remind_unanswered=timedelta(hours=6)))
    world.let("score", 0, 8)
    told = []
    for minutes in (5, 10, 359, 1, 5, 10, 359):
        world.let("wait", 0, minutes)
        world.let("score", 0, 8)
        told.append(len(world.sent))
    assert told == [2, 3, 3, 4, 5, 6, 6]
    assert [world.begun[one] for one in dict.fromkeys(sent.episode.episode_id for sent in world.sent)] == ["threshold", "unanswered"]


def test_what_nobody_had_answered_begins_anew_on_the_new_unit_and_what_somebody_had_stays_theirs() -> None:
    world = World(shipped())
    world.let("score", 0, 5)
    world.let("score", 1, 5)
    world.let("acknowledged", 1, 0)
    for which in (0, 1):
        world.let("transfer", which, 1)
    assert [(one.patient.name, one.who) for one in world.sent] == [("a", "ann"), ("b", "ann"), ("a", "east")]
    assert world.patients[1].mine["urgent"].unit == "6E"


def test_a_transfer_to_where_the_score_does_not_page_ends_it_and_says_why() -> None:
    world = World(shipped())
    world.let("score", 0, 5)
    mine = world.patients[0].mine
    [over] = transferred(mine, Place(patient_id="a", unit="ICU"), str, lambda _: "intensive_care", "v", NOON)
    assert isinstance(over, Over)
    assert (over.happening, over.because) == ("transferred", "excluded as intensive_care")
