"""A whole run on a made-up hospital chain: the same figures from the same seed, nothing judged by who trained on it, and kinds of input told apart."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from infra.main import evaluate
from infra.main.cli import Trouble
from infra.main.train import on_eicu
from scoring.models import eicu_booster, eicu_run
from scoring.models.eicu_booster import cross_validated
from scoring.models.eicu_inputs import COLUMNS
from scoring.models.eicu_stays import Stay, cached
from scoring.models.splits import nested
from tests.eicu_tables import hospital

HOURS = 24
LACTATE = COLUMNS.index("lactate_last")
PULSE = COLUMNS.index("heart_rate_6h_last")


def chain(number: int = 90) -> list[Stay]:
    """Stays of fifteen hospitals: lactate tells who will die, the pulse nothing, NEWS2 a little."""
    random = np.random.default_rng(3)
    stays = []
    for place in range(number):
        dies = place % 3 == 0
        matrix = np.full((HOURS, len(COLUMNS)), np.nan, np.float32)
        matrix[:, LACTATE] = random.normal(4 if dies else 1, 0.8, HOURS)
        matrix[:, PULSE] = random.normal(90, 10, HOURS)
        news2 = np.clip(random.normal(6 if dies else 5, 2, HOURS).round(), 0, 20)
        stays.append(
            Stay(
                patient_id=str(place),
                person_id=str(place // 2),
                hospital_id=str(place // 6),
                hours=np.arange(1, HOURS + 1),
                matrix=matrix,
                labels={"death": np.full(HOURS, float(dies), np.float32)},
                news2=news2.astype(np.float32),
                qsofa=np.zeros(HOURS, np.float32),
                onset_h={"death": 40.0} if dies else {},
                groups={"sex": "F" if place % 2 else "M", "hospital": "big" if place < 36 else str(place // 6)},
            )
        )
    return stays


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(eicu_booster.PARAMETERS, "min_data_in_leaf", 10)
    monkeypatch.setattr(eicu_booster, "MOST_ROUNDS", 30)


def test_what_tells_is_found_and_what_does_not_tell_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eicu_run, "TURNS", 2)
    judged = eicu_run.judged(chain(), "death", 4, [], lambda _: None, tmp_path, ablate=True)
    assert judged["stays_at_risk"] == 90 and judged["stays_with_event"] == 30
    assert judged["auroc"]["model"]["value"] > 0.95
    assert judged["auroc"]["model_above"]["low"] > 0
    left_out = judged["left_out"]
    assert left_out["without labs"]["auroc"]["value"]["value"] < 0.7
    assert left_out["without labs"]["auroc"]["whole_is_better_by"]["low"] > 0.2
    assert left_out["without notes"]["auroc"]["whole_is_better_by"]["value"] == 0, "there are none"
    met = judged["at_the_alerts_of_news2"]["7"]["sensitivity_per_event"]
    assert 0 <= met["news2"]["value"] <= met["model"]["value"] <= 1


def test_the_same_seed_gives_the_same_scores_to_the_last_bit() -> None:
    one, rounds = cross_validated(chain(), "death", 4)
    two, again = cross_validated(chain(), "death", 4)
    assert rounds == again
    for mine, theirs in zip(one, two, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_label_of_a_judged_hospital_changes_none_of_its_scores() -> None:
    stays = chain()
    fold = next(nested([one.hospital_id for one in stays]))
    turned = [
        Stay(
            patient_id=one.patient_id,
            person_id=one.person_id,
            hospital_id=one.hospital_id,
            hours=one.hours,
            matrix=one.matrix,
            news2=one.news2,
            qsofa=one.qsofa,
            labels={"death": 1 - one.labels["death"]} if place in fold.outer.judge else one.labels,
        )
        for place, one in enumerate(stays)
    ]
    before, after = (cross_validated(each, "death", 4)[0] for each in (stays, turned))
    for place in fold.outer.judge:
        np.testing.assert_array_equal(before[place], after[place])


def test_masked_rows_are_neither_learnt_nor_scored() -> None:
    stays = chain()
    stays[0].labels["death"][:5] = np.nan
    scores, _ = cross_validated(stays, "death", 4)
    assert np.isnan(scores[0][:5]).all()
    assert not np.isnan(scores[0][5:]).any()


def test_a_run_is_kept_and_taken_up_again(tmp_path: Path) -> None:
    folder = hospital(tmp_path)
    said: list[str] = []
    made = list(eicu_run.walked(folder))
    assert [one.matrix.shape for one in made] == [(24, len(COLUMNS))] * 2
    for _ in range(2):
        kept = cached(tmp_path / "run", folder, said.append, lambda: made)
        assert [one.patient_id for one in kept] == ["11", "12"]
    assert len(said) == 1
    json.dumps(eicu_run.data_hash(folder))


def test_a_folder_without_eicu_is_told_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="no such data"):
        on_eicu(tmp_path, tmp_path / "out", "aki", 1, None)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over the chain, as `vigil train --task death` leaves it, without the ablations."""
    here = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(eicu_booster.PARAMETERS, "min_data_in_leaf", 10)
        patch.setattr(eicu_booster, "MOST_ROUNDS", 30)
        eicu_run.judged(chain(), "death", 4, [], lambda _: None, here, ablate=False)
    (here / "config.json").write_text(json.dumps({"seed": 4, "data_sha256": "0" * 64}))
    return here


def evaluated(*more: str) -> Result:
    return CliRunner().invoke(evaluate.command, [*more, "--json"])


def test_a_run_is_judged_as_a_safety_board_asks(run_folder: Path, tmp_path: Path) -> None:
    result = evaluated("--task", "death", "--data", str(run_folder), "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report == json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["patients"], report["cohort"]["events"], report["cohort"]["rows"]) == (90, 30, 90 * HOURS)
    assert set(report["figures"]) == {"model", "news2", "qsofa"}
    assert report["model_above"]["news2"]["auroc"]["excludes_zero"]
    assert set(report["subgroups"]) == {"age", "sex", "ethnicity", "unit", "hospital", "region", "beds", "hours in unit"}
    assert {one["group"] for one in report["subgroups"]["sex"]} == {"F", "M"}
    assert [(one["group"], one["events"]) for one in report["subgroups"]["hospital"]] == [
        ("all with fewer than 10 events", 18),
        ("big", 12),
    ]
    assert set(report["at_one_alert_a_day"]) == {"alerts_a_day_per_35_beds", "silenced", "repeated", "once_a_stay"}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "at no more alerts than that threshold of NEWS2" in page and "each alert silences for its hours" in page


def test_the_reports_figures_are_the_runs(run_folder: Path, tmp_path: Path) -> None:
    again = eicu_run.judged(chain(), "death", 4, [], lambda _: None, tmp_path, ablate=False)
    report = json.loads(evaluated("--task", "death", "--data", str(run_folder), "--out", str(tmp_path / "out")).stdout)
    assert report["figures"]["model"]["auroc"] == again["auroc"]["model"]
    assert report["model_above"]["news2"] == {name: again[name]["model_above"] for name in ("auroc", "auprc")}
    assert report["at_equal_alerts"] == again["at_the_alerts_of_news2"]


@pytest.mark.parametrize("more", [["--task", "aki"], ["--task", "death", "--held-out"], ["--task", "death", "--card"]])
def test_what_a_run_does_not_hold_and_what_is_not_for_it_is_told_in_two_lines(run_folder: Path, tmp_path: Path, more: list[str]) -> None:
    result = evaluated(*more, "--data", str(run_folder), "--out", str(tmp_path / "out"))
    assert (result.exit_code, len(result.stderr.strip().splitlines())) == (2, 2)


def test_predictions_of_another_version_are_refused(run_folder: Path, tmp_path: Path) -> None:
    with np.load(run_folder / "death.npz") as columns:
        np.savez(tmp_path / "death.npz", **{name: column for name, column in columns.items() if name != "qsofa"})
    (tmp_path / "config.json").write_text((run_folder / "config.json").read_text())
    result = evaluated("--task", "death", "--data", str(tmp_path), "--out", str(tmp_path / "out"))
    assert result.exit_code == 2 and "qsofa" in result.stderr
