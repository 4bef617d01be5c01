"""The policy as stories on a clock: what one score after the other means."""

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from alerts.episode import Episode
from alerts.exclusions import Circumstances
from alerts.policy import Decision, decide
from alerts.policy_file import load
from alerts.policy_text import described, differences
from alerts.rules import Exclusion, PolicyError, Tier
from scoring.score import Mode, Score

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
        (score(0.21, name="deterioration"), [("raise", "urgent", "threshold")]),
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


def test_what_is_open_is_still_cleared_for_who_is_excluded_by_now() -> None:
    over: dict[Tier, Episode] = {"rapid_response": episode("rapid_response", clearing=NOON - timedelta(minutes=30))}
    assert kinds(decide(score(2), over, RULES, NOON, circumstances=MOTHER)) == [("clear", "rapid_response", "below_clear")]


def test_what_differs_between_two_policies_is_said_entry_by_entry() -> None:
    changed = replace(RULES, rules=(replace(RULES.rules[0], raise_at=8), *RULES.rules[1:]), exclude=(UNIT,))
    assert list(differences(described(RULES), described(changed))) == [
        "~ rapid_response by news2: raised at 7, cleared below 5 for 30 min -> raised at 8, cleared below 5 for 30 min",
        "- excluded as paediatric: below 16 years",
        "- excluded as obstetric: of class B",
        "+ excluded as own_watch: on ICU and for deterioration",
    ]
    assert list(differences(described(RULES), described(RULES))) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = '1'\n", "max_age_minutes"),
        ("version = '1'\nmax_age_minutes = 60\n[tiers.urgent]\nscore = 'news2'\nclear_below = 3\n", "never raises"),
        ("version = '1'\nmax_age_minutes = 60\n[tiers.urgent]\nscore = 'news2'\nraise_at = 5\nclear_below = 6\n", "clears above"),
        ("version = '1'\nmax_age_minutes = 60\n[tiers.loud]\nscore = 'news2'\nraise_at = 5\nclear_below = 3\n", "no tier"),
        ("version = '1'\nmax_age_minutes = 60\n[tiers.urgent]\nscor = 'news2'\n", "scor"),
        ("version = '1'\nmax_age_minutes = 60\ntiers = {}\n[[exclude]]\nreason = 'all'\n", "names everybody"),
        ("version = '1'\nmax_age_minutes = 60\ntiers = {}\n[[exclude]]\nreason = 'Mrs X'\nunits = ['4W']\n", "reason"),
    ],
)
def test_a_wrong_policy_is_refused_with_a_remedy(tmp_path_factory: pytest.TempPathFactory, text: str, said: str) -> None:
    file = tmp_path_factory.mktemp("policy") / "policy.toml"
    file.write_text(text)
    with pytest.raises(PolicyError) as error:
        load(file, 0.2)
    wrong, remedy = str(error.value).split("\n", 1)
    assert said in wrong
    assert remedy
