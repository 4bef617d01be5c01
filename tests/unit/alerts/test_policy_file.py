"""A hospital's policy as a file: units' own entries, editions that take force at an instant, and files that change while the worker runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.policy_file import load
from alerts.policy_in_force import LOOK_S, PolicyFiles
from alerts.policy_text import told
from alerts.rules import PolicyError, Rule

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSPITAL = """
version = "2026-03"
max_age_minutes = 60
[tiers.rapid_response]
score = "news2"
raise_at = 7
clear_below = 5
[tiers.urgent]
score = "news2"
raise_at = 5
clear_below = 4
dwell_minutes = 30
[tiers.model]
tier = "urgent"
score = "deterioration"
raise_at_model_threshold = true
clear_share = 0.5
[[exclude]]
reason = "paediatric"
below_age_years = 16
[units."4W".tiers.urgent]
raise_at = 6
[units."4W".tiers.model]
raise_at = 0.3
[units."4W".tiers.kidneys]
tier = "watch"
score = "kdigo_aki"
raise_at = 2
clear_below = 2
[units.ICU]
max_age_minutes = 15
[units.ICU.tiers.urgent]
off = true
[[units.ICU.exclude]]
reason = "intensive_care"
scores = ["news2"]
"""


def policy_file(folder: Path, text: str, name: str = "policy.toml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def rule(rules: tuple[Rule, ...], tier: str, score: str) -> Rule | None:
    return next((one for one in rules if (one.tier, one.score) == (tier, score)), None)


def test_a_unit_has_its_own_values_over_the_hospitals_and_entries_of_its_own(tmp_path: Path) -> None:
    policy = load(policy_file(tmp_path, HOSPITAL), 0.2)
    here, there, icu = (policy.rules_for(unit, NOON) for unit in ("4W", "6E", "ICU"))
    urgent, usual = rule(here.rules, "urgent", "news2"), rule(there.rules, "urgent", "news2")
    assert urgent is not None and usual is not None
    assert (urgent.raise_at, urgent.clear_below, urgent.dwell) == (6, 4, timedelta(minutes=30))
    assert usual.raise_at == 5
    model = rule(here.rules, "urgent", "deterioration")
    assert model is not None and (model.raise_at, model.clear_below) == (0.3, 0.15)
    assert rule(here.rules, "watch", "kdigo_aki") is not None and rule(there.rules, "watch", "kdigo_aki") is None
    assert rule(icu.rules, "urgent", "news2") is None and rule(icu.rules, "rapid_response", "news2") is not None
    assert (icu.max_age, there.max_age) == (timedelta(minutes=15), timedelta(minutes=60))
    assert [(one.reason, one.units) for one in icu.exclude] == [("intensive_care", ("ICU",)), ("paediatric", ())]
    assert policy.rules_for(None, NOON) == there
    assert policy.scores == {"news2", "deterioration", "kdigo_aki"}


def test_rises_are_a_share_of_the_threshold_and_reminders_hours_each_unit_with_its_own(tmp_path: Path) -> None:
    text = HOSPITAL.replace("clear_share = 0.5", "clear_share = 0.5\nrearm_share = 0.5\nremind_unanswered_hours = 12")
    text += '[units."6E".tiers.model]\nrearm_rise = 0.25\nremind_answered_hours = 8\n'
    policy = load(policy_file(tmp_path, text), 0.2)
    found = [rule(policy.rules_for(unit, NOON).rules, "urgent", "deterioration") for unit in ("5N", "4W", "6E")]
    half_a_day, eight = timedelta(hours=12), timedelta(hours=8)
    assert [(one.rearm_rise, one.remind_unanswered, one.remind_answered) for one in found if one is not None] == [
        (0.1, half_a_day, None), (0.15, half_a_day, None), (0.25, half_a_day, eight),
    ]  # fmt: skip
    assert told(policy)["on 6E, urgent by deterioration"].endswith(
        "anew at 0.25 above the highest, told again after 720 min where nobody has answered, told again 480 min after an answer"
    )


def test_what_a_unit_has_otherwise_is_said(tmp_path: Path) -> None:
    said = told(load(policy_file(tmp_path, HOSPITAL), 0.2))
    assert said["on 4W, urgent by news2"] == "raised at 6, cleared below 4 for 30 min"
    assert said["on ICU, urgent by news2"] == "never"
    assert "on 4W, rapid_response by news2" not in said


def test_editions_take_force_at_their_instant_and_name_themselves(tmp_path: Path) -> None:
    policy_file(tmp_path, HOSPITAL, "a.toml")
    policy_file(
        tmp_path,
        "effective_from = 2026-03-02T08:00:00+01:00\n" + HOSPITAL.replace('"2026-03"', '"2026-04"').replace("raise_at = 7", "raise_at = 8"),
        "b.toml",
    )
    policy = load(tmp_path, 0.2)
    takes_force = datetime(2026, 3, 2, 7, tzinfo=UTC)
    before, after = policy.rules_for("6E", takes_force - timedelta(microseconds=1)), policy.rules_for("6E", takes_force)
    assert [before.rules[0].raise_at, after.rules[0].raise_at] == [7, 8]
    assert [one.version.partition("+")[0] for one in (before, after)] == ["2026-03", "2026-04"]


def test_until_the_hospitals_first_edition_takes_force_vigils_own_policy_holds(tmp_path: Path) -> None:
    policy = load(policy_file(tmp_path, "effective_from = 2026-03-02T08:00:00Z\n" + HOSPITAL), 0.2)
    assert policy.rules_for("4W", NOON) == load(None, 0.2).rules_for("4W", NOON)


def test_two_texts_never_have_the_same_version(tmp_path: Path) -> None:
    one = load(policy_file(tmp_path, HOSPITAL), 0.2).edition(NOON).version
    other = load(policy_file(tmp_path, HOSPITAL.replace("raise_at = 7", "raise_at = 8")), 0.2).edition(NOON).version
    assert one != other and one.startswith("2026-03+") and other.startswith("2026-03+")


def test_a_changed_file_takes_force_and_a_wrong_one_leaves_the_last_in_force(tmp_path: Path) -> None:
    file, seconds = policy_file(tmp_path, HOSPITAL), [0.0]
    policy = PolicyFiles(file, 0.2, "deterioration", lambda: seconds[0])
    policy_file(tmp_path, HOSPITAL.replace("raise_at = 7", "raise_at = 8.5"))
    assert policy.rules_for("6E", NOON).rules[0].raise_at == 7
    seconds[0] += LOOK_S
    assert policy.rules_for("6E", NOON).rules[0].raise_at == 8.5
    policy_file(tmp_path, "version = ")
    seconds[0] += LOOK_S
    assert policy.rules_for("6E", NOON).rules[0].raise_at == 8.5
    file.unlink()
    seconds[0] += LOOK_S
    assert policy.rules_for("6E", NOON).rules[0].raise_at == 8.5
    policy_file(tmp_path, HOSPITAL)
    seconds[0] += LOOK_S
    assert policy.rules_for("6E", NOON).rules[0].raise_at == 7


def test_two_editions_that_take_force_together_are_refused(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        policy_file(tmp_path, HOSPITAL, name)
    with pytest.raises(PolicyError, match="same time"):
        load(tmp_path, 0.2)


def test_a_folder_without_an_edition_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"no \.toml"):
        load(tmp_path, 0.2)


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
        (HOSPITAL.replace('"kdigo_aki"', '"apache"'), "nobody computes apache"),
        (HOSPITAL.replace("off = true", "raise_at = 3"), 'units."ICU".tiers.urgent clears above'),
        (HOSPITAL.replace("off = true", "rais_at = 3"), 'units."ICU".tiers.urgent'),
        (HOSPITAL.replace('reason = "intensive_care"', 'reason = "intensive_care"\nunits = ["4W"]'), "names units"),
        (HOSPITAL.replace("dwell_minutes = 30", "times = 3\nof_last = 2"), "can never see 3 of 2"),
        (HOSPITAL.replace("dwell_minutes = 30", "times = 2\nof_last = 2"), "can never see 2 of 2"),
        (HOSPITAL.replace('tier = "watch"\nscore = "kdigo_aki"', 'tier = "urgent"\nscore = "news2"'), "two entries raise one tier"),
        ("effective_from = 2026-03-02T08:00:00\n" + HOSPITAL, "no offset"),
        (HOSPITAL.replace("dwell_minutes = 30", "remind_unanswered_hours = 0.5"), "remind_unanswered_hours"),
        (HOSPITAL + "[storms]\nunit_raises = 1\n", "storms"),
        ("\x00", "policy.toml"),
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
