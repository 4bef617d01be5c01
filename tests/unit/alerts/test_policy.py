"""The policy as stories on a clock: what one score after the other means."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from alerts.episode import Episode, State
from alerts.exclusions import Circumstances, circumstances_of
from alerts.policy import Decision, Earlier, Ended, Past, decide, needs_past
from alerts.policy_file import load
from alerts.policy_text import described, differences
from alerts.rules import Exclusion, Rule, Tier
from parsers.events import CodeStatus
from scoring.score import Mode, Score
from streams.patient import PatientState, advance

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = load(None, model_threshold=0.2).rules_for(None, NOON)


def score(
    value: float | None, *, name: str = "news2", at_least: float | None = None, red: bool = False, minutes: float = 0, mode: Mode = "live"
) -> Score:
    return Score(
        score_id="t/0/1/x", patient_id="HOSP:1", encounter_id="V1", name=name, version="1", value=value, at_least=value if at_least is None else at_least,
        red=red, as_of=NOON + timedelta(minutes=minutes), scored_at=NOON, mode=mode, parts={}, missing=(), findings=(),
    )  # fmt: skip


def episode(tier: Tier, reason: str = "news2 8 threshold", clearing: datetime | None = None) -> Episode:
    return Episode(
        episode_id="ep-1", patient_id="HOSP:1", encounter_id="V1", tier=tier, unit="4W", bed="1", opened_at=NOON, state="notified", reason=reason,
        score_id="t/0/0/news2", clearing_since=clearing,
    )  # fmt: skip


def kinds(decisions: tuple[Decision, ...]) -> list[tuple[str, str, str]]:
    return [(one.kind, one.tier, one.reason) for one in decisions]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (score(0), []),
        (score(4), []),
        (score(4, red=True), [("raise", "watch", "red")]),
        (score(5), [("raise", "urgent", "threshold")]),
        (score(6, red=True), [("raise", "urgent", "threshold")]),
        (score(7), [("raise", "rapid_response", "threshold")]),
        (score(None, at_least=9), [("raise", "rapid_response", "threshold")]),
        (score(0.19, name="deterioration"), []),
        (score(0.21, name="deterioration"), []),
        (score(0.23, name="deterioration"), [("raise", "urgent", "threshold")]),
        (score(9, mode="fallback"), [("raise", "rapid_response", "threshold")]),
        (score(9, mode="shadow"), [("suppress", "rapid_response", "shadow")]),
        (score(9, minutes=-61), [("suppress", "rapid_response", "stale")]),
        (score(9, minutes=-59), [("raise", "rapid_response", "threshold")]),
    ],
)
def test_what_a_score_raises_when_nothing_is_open(given: Score, expected: list[tuple[str, str, str]]) -> None:
    assert kinds(decide(given, {}, RULES, NOON)) == expected


def test_a_patient_who_left_raises_nothing() -> None:
    assert kinds(decide(score(9), {}, RULES, NOON, in_hospital=False)) == [("suppress", "rapid_response", "left")]


def test_an_open_episode_is_not_raised_again() -> None:
    assert decide(score(12), {"rapid_response": episode("rapid_response")}, RULES, NOON) == ()


def test_a_rise_raises_the_higher_tier_beside_the_lower() -> None:
    assert kinds(decide(score(8), {"urgent": episode("urgent", "news2 5 threshold")}, RULES, NOON)) == [
        ("raise", "rapid_response", "threshold")
    ]


def test_a_shadow_neither_clears_nor_holds_what_is_open() -> None:
    opened: dict[Tier, Episode] = {"rapid_response": episode("rapid_response", clearing=NOON - timedelta(hours=3))}
    assert kinds(decide(score(0), opened, RULES, NOON)) == [("clear", "rapid_response", "below_clear")]
    assert decide(score(0, mode="shadow"), opened, RULES, NOON) == ()
    assert decide(score(12, mode="shadow"), opened, RULES, NOON) == ()


def test_a_higher_tier_silences_a_lower_one() -> None:
    opened: dict[Tier, Episode] = {"rapid_response": episode("rapid_response")}
    assert ("suppress", "urgent", "higher_tier_open") in kinds(decide(score(6), opened, RULES, NOON))
    assert kinds(decide(score(0.5, name="deterioration"), opened, RULES, NOON)) == [("suppress", "urgent", "higher_tier_open")]


def test_an_episode_clears_only_after_its_dwell() -> None:
    opened: dict[Tier, Episode] = {"rapid_response": episode("rapid_response")}
    assert kinds(decide(score(2), opened, RULES, NOON)) == [("clearing", "rapid_response", "dwelling")]
    waiting: dict[Tier, Episode] = {"rapid_response": episode("rapid_response", clearing=NOON - timedelta(minutes=29))}
    assert decide(score(2), waiting, RULES, NOON) == ()
    over: dict[Tier, Episode] = {"rapid_response": episode("rapid_response", clearing=NOON - timedelta(minutes=30))}
    assert kinds(decide(score(2), over, RULES, NOON)) == [("clear", "rapid_response", "below_clear")]


def test_a_score_that_rises_again_ends_the_clearing() -> None:
    opened: dict[Tier, Episode] = {"rapid_response": episode("rapid_response", clearing=NOON - timedelta(minutes=20))}
    assert kinds(decide(score(6), opened, RULES, NOON))[0] == ("hold", "rapid_response", "above_clear")


def test_an_incomplete_score_clears_nothing() -> None:
    opened: dict[Tier, Episode] = {"rapid_response": episode("rapid_response", clearing=NOON - timedelta(hours=2))}
    assert decide(score(None, at_least=0), opened, RULES, NOON) == ()


def test_one_score_does_not_clear_what_another_raised() -> None:
    opened: dict[Tier, Episode] = {"urgent": episode("urgent", "deterioration 0.31 threshold", clearing=NOON - timedelta(hours=3))}
    assert decide(score(0), opened, RULES, NOON) == ()


CHILD, MOTHER = Circumstances(birth_date=date(2015, 6, 1)), Circumstances(patient_class="B")
UNIT = Exclusion(reason="own_watch", units=("ICU",), scores=("deterioration",))


@pytest.mark.parametrize(
    ("circumstances", "name", "expected"),
    [
        (CHILD, "news2", ("suppress", "excluded", "paediatric")),
        (MOTHER, "news2", ("suppress", "excluded", "obstetric")),
        (Circumstances(), "news2", ("raise", "threshold", "")),
        (Circumstances(birth_date=date(2010, 3, 1), patient_class="I"), "news2", ("raise", "threshold", "")),
        (Circumstances(birth_date=date(2010, 3, 2)), "news2", ("suppress", "excluded", "paediatric")),
        (Circumstances(unit="6E"), "news2", ("raise", "threshold", "")),
        (Circumstances(unit="ICU"), "news2", ("suppress", "excluded", "intensive_care")),
        (Circumstances(unit="ICU"), "deterioration", ("suppress", "excluded", "own_watch")),
        (None, "news2", ("raise", "threshold", "")),
    ],
)
def test_who_is_excluded_is_not_paged_about_and_the_reason_is_said(
    circumstances: Circumstances | None, name: str, expected: tuple[str, str, str]
) -> None:
    rules = replace(RULES, exclude=(*RULES.exclude, UNIT))
    [decision] = decide(score(9, name=name), {}, rules, NOON, circumstances=circumstances)
    assert (decision.kind, decision.reason, decision.detail) == expected


@pytest.mark.parametrize(
    ("circumstances", "excluded"),
    [
        (Circumstances(comfort_care=True, resuscitate="none"), "comfort_care"),
        (Circumstances(comfort_care=True, resuscitate="unknown"), "comfort_care"),
        (Circumstances(resuscitate="none"), ""),
        (Circumstances(resuscitate="limited"), "limited_here"),
    ],
)
def test_comfort_care_excludes_and_not_to_be_resuscitated_alone_does_not(circumstances: Circumstances, excluded: str) -> None:
    rules = replace(RULES, exclude=(*RULES.exclude, Exclusion(reason="limited_here", resuscitate=("limited",))))
    [decision] = decide(score(9), {}, rules, NOON, circumstances=circumstances)
    assert decision.detail == excluded


@pytest.mark.parametrize(
    ("words", "comfort_care", "withdrawn"),
    [("DNR", False, False), ("Comfort Care", True, False), ("CMO", True, False), ("Hospice", True, False), ("Comfort care", False, True)],
)
def test_circumstances_take_the_newest_code_status_that_was_not_withdrawn(words: str, comfort_care: bool, withdrawn: bool) -> None:
    stated = CodeStatus(
        code=words,
        code_system=None,
        display=None,
        resuscitate=None if withdrawn else "none",
        withdrawn=withdrawn,
        stated_in="PV2-45",
        stated_at=NOON,
    )
    state = advance(PatientState(patient_id="HOSP:1"), stated, received_at=NOON)
    assert circumstances_of(state).comfort_care is comfort_care
    later = msgspec.structs.replace(stated, code="FULL", resuscitate="full", withdrawn=False, stated_at=NOON + timedelta(hours=1))
    assert circumstances_of(advance(state, later, received_at=NOON + timedelta(hours=1))) == Circumstances(resuscitate="full")


TWICE = replace(RULES, rules=(Rule(tier="urgent", score="news2", raise_at=5, red=True, clear_below=4, dwell=timedelta(0), times=2, of_last=3, within=timedelta(hours=1)),))  # fmt: skip


def earlier(minutes: float, at_least: float, *, red: bool = False) -> Earlier:
    return Earlier(as_of=NOON - timedelta(minutes=minutes), at_least=at_least, red=red)


@pytest.mark.parametrize(
    ("before", "kind"),
    [
        ((), "suppress"),
        ((earlier(10, 6),), "raise"),
        ((earlier(10, 2), earlier(20, 6)), "raise"),
        ((earlier(10, 2), earlier(20, 2), earlier(30, 6)), "suppress"),
        ((earlier(61, 6),), "suppress"),
        ((earlier(0, 6), earlier(0, 7)), "suppress"),
        ((earlier(0, 1), earlier(10, 1), earlier(20, 5)), "raise"),
        ((earlier(10, 3, red=True),), "raise"),
    ],
)
def test_two_of_the_last_three_scores_within_an_hour_raise_and_those_of_one_instant_count_once(
    before: tuple[Earlier, ...], kind: str
) -> None:
    assert needs_past(score(6), {}, TWICE)
    [decision] = decide(score(6), {}, TWICE, NOON, past=Past(earlier=before))
    assert (decision.kind, decision.reason) == (kind, "threshold" if kind == "raise" else "not_repeated")


COOLING = replace(RULES, rules=(replace(RULES.rules[1], cool_down=timedelta(hours=2), rearm_rise=2.0),))


@pytest.mark.parametrize(
    ("minutes_ago", "peak", "by", "value", "reason"),
    [
        (1, 6, "news2", 5, "cooling_down"),
        (119, 6, "news2", 5, "cooling_down"),
        (120, 6, "news2", 5, "threshold"),
        (1, 6, "news2", 7, "cooling_down"),
        (1, 6, "news2", 8, "threshold"),
        (1, 6, "deterioration", 5, "threshold"),
        (1, None, "news2", 12, "cooling_down"),
    ],
)
def test_after_an_episode_has_cleared_the_same_score_is_quiet_for_a_while_unless_it_rises_further(
    minutes_ago: float, peak: float | None, by: str, value: float, reason: str
) -> None:
    ended = Ended(score=by, closed_at=NOON - timedelta(minutes=minutes_ago), peak=peak)
    [decision] = decide(score(value), {}, COOLING, NOON, past=Past(ended={"urgent": ended}))
    assert decision.reason == reason


@pytest.mark.parametrize(
    ("state", "value", "expected"),
    [
        ("acknowledged", 10, []),
        ("acknowledged", 11, [("raise", "rapid_response", "risen")]),
        ("at_bedside", 12, [("raise", "rapid_response", "risen")]),
        ("notified", 12, [("peak", "rapid_response", "higher")]),
        ("notified", 8, []),
        ("muted", 12, [("peak", "rapid_response", "higher")]),
    ],
)
def test_what_was_answered_is_raised_anew_by_a_further_rise_and_what_was_not_is_still_being_escalated(
    state: State, value: float, expected: list[tuple[str, str, str]]
) -> None:
    opened: dict[Tier, Episode] = {"rapid_response": replace(episode("rapid_response"), state=state, peak=8.0)}
    assert kinds(decide(score(value), opened, RULES, NOON)) == expected


@pytest.mark.parametrize(
    ("parts", "value", "raised_by"),
    [
        ({"spo2_pct": 3, "hr_per_min": 1, "temp_c": 1}, 5, "spo2_pct"),
        ({"spo2_pct": 3, "hr_per_min": 3, "temp_c": 0}, 6, ""),
        ({"spo2_pct": 3, "hr_per_min": 3, "temp_c": 2}, 8, ""),
        ({"spo2_pct": 3, "hr_per_min": 2, "temp_c": 2, "sbp_mmhg": 1}, 8, ""),
        ({"spo2_pct": 3, "hr_per_min": 0}, 3, "spo2_pct"),
        ({}, 8, ""),
    ],
)
def test_a_raise_names_the_one_input_that_weighed_most_where_there_would_have_been_none_without_it(
    parts: dict[str, float], value: float, raised_by: str
) -> None:
    given = msgspec.structs.replace(score(value, red=True), parts=parts)
    quiet = replace(RULES, rules=RULES.rules[1:])
    assert decide(given, {}, quiet, NOON)[0].input == raised_by


def test_what_is_open_is_still_cleared_for_who_is_excluded_by_now() -> None:
    over: dict[Tier, Episode] = {"rapid_response": episode("rapid_response", clearing=NOON - timedelta(minutes=30))}
    assert kinds(decide(score(2), over, RULES, NOON, circumstances=MOTHER)) == [("clear", "rapid_response", "below_clear")]


def test_what_differs_between_two_policies_is_said_entry_by_entry() -> None:
    changed = replace(RULES, rules=(replace(RULES.rules[0], raise_at=8), *RULES.rules[1:]), exclude=(UNIT,))
    otherwise = "cleared below 5 for 30 min, anew at 3 above the highest, told again after 720 min where nobody has answered"
    assert list(differences(described(RULES), described(changed))) == [
        f"~ rapid_response by news2: raised at 7, {otherwise} -> raised at 8, {otherwise}",
        "- excluded as paediatric: below 16 years",
        "- excluded as obstetric: of class B",
        "- excluded as comfort_care: for comfort care alone",
        "- excluded as intensive_care: on ICU, MICU, SICU, CCU, CVICU, NICU, PICU, NSICU, TSICU and for news2",
        "+ excluded as own_watch: on ICU and for deterioration",
    ]
    assert list(differences(described(RULES), described(RULES))) == []
