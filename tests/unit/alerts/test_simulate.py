"""What a policy would have done to patients of the past: planted courses whose pages, leads and figures are known beforehand."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.exclusions import Circumstances
from alerts.policy import decide
from alerts.rules import Rule
from alerts.simulate import replay
from alerts.simulate.figures import by_hour, counted, difference, drawn, lead, pages_per_35, ppv, sensitivity, summary
from alerts.simulate.page import html
from alerts.simulate.replay import Paged, pages_of
from alerts.simulate.report import Patients, report
from alerts.simulate.thresholds import choose, within_budget
from alerts.simulate.tracks import Seen, Track
from infra.main.policy import command
from infra.main.simulate_policy import half
from scoring.models.walk import fold
from tests.courses import RULE, hour, policy, track


@pytest.mark.parametrize(
    ("values", "at"),
    [
        ([0.1, 0.2, 0.4], []),
        ([0.1, 0.6, 0.7, 0.6], [1]),
        ([0.6, 0.1, 0.1, 0.6], [0]),  # cooling down
        ([0.6, 0.1, 0.1, 0.1, 0.1, 0.1, 0.6], [0, 6]),
        ([0.6, 0.1, 0.4, 0.1, 0.1, 0.6], [0]),  # the dwell began anew
        ([0.5], [0]),
    ],
)
def test_a_page_is_the_beginning_of_an_episode(values: list[float], at: list[int]) -> None:
    assert [page.at for page in pages_of(policy(RULE), track(values))] == [hour(one) for one in at]


RISING = replace(RULE, rearm_rise=0.2, remind_unanswered=timedelta(hours=4))


@pytest.mark.parametrize(
    ("values", "answers", "at"),
    [
        ([0.5, 0.6, 0.7, 0.8, 0.9], True, [(0, "threshold"), (2, "risen"), (4, "risen")]),
        ([0.5, 0.6, 0.7, 0.8, 0.9], False, [(0, "threshold"), (2, "risen"), (4, "risen")]),
        ([0.6] * 10, True, [(0, "threshold")]),  # somebody has it: no reminder
        ([0.6] * 10, False, [(0, "threshold"), (4, "unanswered"), (8, "unanswered")]),
        ([0.6] * 4 + [0.4] * 3 + [0.6], False, [(0, "threshold"), (7, "unanswered")]),
    ],
)
def test_an_episode_is_told_anew_as_at_the_bedside_once_it_is_answered_or_nobody_is_looked_for(
    values: list[float], answers: bool, at: list[tuple[int, str]]
) -> None:
    told = pages_of(policy(RISING), track(values), answers=answers)
    assert [(page.at, page.reason, page.again) for page in told] == [(hour(one), why, why != "threshold") for one, why in at]


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.sampled_from((0.0, 0.2, 0.4, 0.5, 0.9)), max_size=20))
def test_what_is_not_asked_of_the_policy_for_speed_would_have_decided_nothing(values: list[float]) -> None:
    asked: list[float] = []

    def noting(score, mine, rules, now, **more):  # type: ignore[no-untyped-def]
        asked.append(score.value)
        return decide(score, mine, rules, now, **more)

    quick = pages_of(policy(RULE), track(values))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "decide", noting)
        always = Rule(tier="watch", score="risk", raise_at=-1.0, red=False, clear_below=-2.0, dwell=timedelta(0))
        slow = [page for page in pages_of(policy(RULE, always), track(values)) if page.tier == "urgent"]
    assert len(asked) == len(values)
    assert quick == slow


COHORT = [
    track([0.1] * 24, None),
    track([0.1] * 10 + [0.6] * 14, 20),  # met, ten hours before
    track([0.6] * 24, None),  # a false page
    track([0.1] * 20 + [0.6] * 4, 10),  # paged after the onset: right, but met nothing
    track([0.1] * 24, 12),  # missed
]


def test_figures_are_those_that_can_be_counted_by_hand() -> None:
    counts = counted(COHORT, [pages_of(policy(RULE), one) for one in COHORT])
    once = np.ones((1, len(COHORT)))
    assert [float(figure(counts, once)[0]) for figure in (pages_per_35, sensitivity, ppv, lead(0.5))] == pytest.approx(
        [3 * 35 / 5, 1 / 3, 2 / 3, 10.0]
    )


def test_a_page_too_long_before_the_onset_is_wrong_and_meets_nothing() -> None:
    early = track([0.6] + [0.1] * 60, 49)
    counts = counted([early], [pages_of(policy(RULE), early)])
    assert counts.hits.tolist() == [0.0]
    assert (counts.right.tolist(), counts.met.tolist()) == ([0.0], [0.0])


def test_an_interval_holds_the_figure_and_a_policy_over_itself_differs_by_nothing() -> None:
    many = COHORT * 20
    counts = counted(many, [pages_of(policy(RULE), one) for one in many])
    weights = drawn(len(many), 7)
    for name, figure in summary(counts, weights).items():
        value, low, high = figure["value"], figure["low"], figure["high"]
        assert value is not None and low is not None and high is not None, name
        assert low <= value <= high
    assert difference(counts, counts, weights) == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_whole_patients_are_drawn() -> None:
    weights = drawn(50, 3)
    assert weights[0].tolist() == [1.0] * 50
    assert set(weights[1:].sum(axis=1)) == {50.0}
    assert (drawn(50, 3) == weights).all()


def test_pages_by_the_hour_are_per_35_patients_who_were_there_at_that_hour() -> None:
    page = Paged(hour(3), "urgent", "risk")
    hours = by_hour(COHORT, [[page], [], [], [], []], [[], [page], [], [], []])
    assert hours[3] == {"hour": 3, "pages_per_35_patient_days": pytest.approx(35 * 24 / 5), "ppv": 0.0, "pages": 1, "held": 1}
    assert hours[4]["pages"] == 0


def test_where_no_threshold_meets_more_the_fewest_pages_are_chosen_and_they_keep_within_the_budget() -> None:
    ill, well = [track([0.0] * 20 + [0.8] * 4, 23)] * 3, [track([0.0] + [level / 100] * 23) for level in range(1, 78)]
    chosen = within_budget(policy(RULE), "risk", [*ill, *well], 5.0)
    assert chosen is not None
    raise_at = chosen.policy.editions[0].everywhere.rules[0].raise_at
    assert raise_at is not None and 0.7 < raise_at <= 0.8
    assert (chosen.sensitivity, chosen.pages <= 5.0) == (1.0, True)


def test_an_episode_that_is_open_for_good_pages_once_so_the_lowest_threshold_is_not_the_best() -> None:
    always_high = [track([0.3] * 60 + [0.9] * 10, 69)] * 4
    chosen = within_budget(policy(RULE), "risk", always_high, 100.0)
    assert chosen is not None
    assert chosen.sensitivity == 1.0


def test_where_others_page_more_than_the_budget_no_threshold_helps() -> None:
    news2 = Rule(tier="urgent", score="news2", raise_at=5, red=False, clear_below=4, dwell=timedelta(0))
    assert within_budget(policy(RULE, news2), "risk", [track([9.0], name="news2"), track([0.2])], 10.0) is None


def test_where_nothing_but_news2_pages_it_is_asked_for_more_points_until_the_budget_holds() -> None:
    wards = [track([float(points)] * 24, onset=20 if points > 8 else None, name="news2") for points in range(3, 12)]
    ward_policy = policy(Rule(tier="urgent", score="news2", raise_at=5, red=False, clear_below=4, dwell=timedelta(0)))
    chosen = choose(ward_policy, "risk", wards, budget=12.0)
    assert chosen is not None
    assert chosen.policy.editions[0].everywhere.rules[0].raise_at == 9
    assert (chosen.pages, chosen.sensitivity) == (pytest.approx(35 * 3 / 9), 1.0)


def test_the_report_compares_at_as_many_pages_and_its_page_asks_for_nothing_from_anywhere() -> None:
    random = np.random.default_rng(11)
    both = []
    for number in range(120):
        ill = number % 4 == 0
        risk = np.clip(random.normal(0.5 if ill else 0.2, 0.15, 30), 0, 1)
        points = np.clip(np.round(random.normal(6 if ill else 4, 2, 30)), 0, 20)
        scores = [
            (Seen("news2", p, p, False, hour(at)), Seen("risk", r, r, False, hour(at)))
            for at, (r, p) in enumerate(zip(risk.tolist(), points.tolist(), strict=True))
        ]
        both.append(Track(f"p{number}", Circumstances(unit="<4W>"), [hour(at) for at in range(30)], scores, hour(20) if ill else None))
    found = report(policy(RULE), "risk", Patients(both[::2], both[1::2]), 2.0, 1, lambda _: None)
    names = [one["name"] for one in found["policies"]]
    assert names[:2] == ["policy planted", "chosen for 2 a day"]
    assert {"NEWS2 ≥ 5", "NEWS2 ≥ 7", "chosen for 2 a day, if nobody answers"} <= set(names)
    compared = {(one["of"], one["over"]) for one in found["differences"]}
    assert {("chosen for 2 a day", "NEWS2 ≥ 5"), ("model for the pages of NEWS2 ≥ 7", "NEWS2 ≥ 7")} <= compared
    page = html(found)
    assert page.count("<svg") == 2
    assert not re.search(r"(src|href)=|url\(|https?:", page)
    assert "<4W>" not in page and "&lt;4W&gt;" in page


HEAD = "HR|O2Sat|Temp|SBP|MAP|DBP|Resp|Lactate|Age|Gender|Unit1|Unit2|HospAdmTime|ICULOS|SepsisLabel"


def folder(path: Path, patients: int) -> Path:
    """Patients of whom every other worsens from hour 10 on and becomes septic."""
    path.mkdir()
    for number in range(patients):
        septic = number % 2 == 0
        rows = [HEAD]
        for at in range(1, 31):
            worse = max(0, at - 10) if septic else 0
            rows.append(
                f"{80 + 3 * worse}|{97 - worse / 2}|{36.8 + worse / 10:.1f}|{120 - worse}|80|65|{15 + worse}|NaN|64|1|1|0|-5|{at}|{int(septic and at > 18)}"
            )
        (path / f"p{number}.psv").write_text("\n".join(rows) + "\n")
    return path


def simulate(home: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["simulate", "--home", str(home), *arguments])
    return result.exit_code, result.stdout if result.exit_code == 0 else str(result.exception)


def test_the_command_walks_the_held_out_files_and_reports_of_half_of_them(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", 60)
    status, out = simulate(tmp_path, "--data", str(data), "--budget", "5/35/day", "--out", str(tmp_path / "out"), "--json")
    assert status == 0, out
    found: Mapping[str, object] = json.loads(out)
    holdout = [f"p{number}" for number in range(60) if fold(f"p{number}") == "holdout"]
    others = [name for name in holdout if half(name) == "report"]
    assert found["patients"] == {"chosen_on": len(holdout) - len(others), "reported_on": len(others)}
    assert found["events"] == sum(int(name[1:]) % 2 == 0 for name in others)
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == found
    assert (tmp_path / "out" / "report.html").read_text().startswith("<!doctype html>")
    status, text = simulate(tmp_path, "--data", str(data))
    assert status == 0
    assert "NEWS2 ≥ 7" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--budget", "1"], "no budget"),
        (["--budget", "0/35/day"], "no budget"),
        (["--budget", "1/0/day"], "no budget"),
        (["--limit", "1"], "too few patients"),
    ],
)
def test_what_cannot_be_simulated_is_said(tmp_path: Path, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(command, ["simulate", "--home", str(tmp_path), "--data", str(folder(tmp_path / "data", 6)), *arguments])
    assert result.exit_code == 2
    assert said in result.output
