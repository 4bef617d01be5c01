"""A whole run on a made-up hospital chain: the same figures from the same seed, nothing judged by who trained on it, and kinds of input told apart."""

import json
from pathlib import Path

import numpy as np
import pytest

from infra.main.cli import Trouble
from infra.main.train import on_eicu
from scoring.models import eicu_booster, eicu_run
from scoring.models.eicu_booster import Stay, cross_validated
from scoring.models.eicu_inputs import COLUMNS
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
                hospital_id=str(place % 15),
                hours=np.arange(1, HOURS + 1),
                matrix=matrix,
                labels={"death": np.full(HOURS, float(dies), np.float32)},
                news2=news2.astype(np.float32),
            )
        )
    return stays


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(eicu_booster.PARAMETERS, "min_data_in_leaf", 10)
    monkeypatch.setattr(eicu_booster, "MOST_ROUNDS", 30)


def test_what_tells_is_found_and_what_does_not_tell_is_not_needed() -> None:
    judged, _ = eicu_run._judged(chain(), "death", 4, [], lambda _: None, ablate=True)
    assert judged["stays_at_risk"] == 90 and judged["stays_with_event"] == 30
    assert judged["auroc"]["model"] > 0.95
    assert judged["auroc"]["difference_low"] > 0
    assert judged["without labs"]["auroc"]["value"] < 0.7
    assert judged["without labs"]["auroc"]["whole_is_better_by_low"] > 0.2
    assert judged["without notes"]["auroc"]["value"] == judged["auroc"]["model"], "there are none"
    assert 0 <= judged["at_the_alerts_of_news2"]["7"]["news2"] <= judged["at_the_alerts_of_news2"]["7"]["model"] <= 1


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
    made = [eicu_run._stay(one, ended.person_id) for one, ended in eicu_run.eicu.trajectories(folder)]
    assert [one.matrix.shape for one in made] == [(24, len(COLUMNS))] * 2
    for _ in range(2):
        kept = eicu_run.cached(tmp_path / "run", folder, said.append, lambda: made)
        assert [one.patient_id for one in kept] == ["11", "12"]
    assert len(said) == 1
    json.dumps(eicu_run.data_hash(folder))


def test_a_folder_without_eicu_is_told_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="no such data"):
        on_eicu(tmp_path, tmp_path / "out", "aki", 1, None)
