"""The deterioration model: gradient-boosted trees over the bedside's features, calibrated on patients it was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import lightgbm
import numpy as np
import numpy.typing as npt

from scoring.evaluate.figures import logistic_line
from scoring.models.walk import Walked, fold
from streams.features import FEATURES

Floats = npt.NDArray[np.float64]

PARAMETERS: Final = {
    "objective": "binary", "metric": "binary_logloss", "learning_rate": 0.02, "num_leaves": 15, "min_data_in_leaf": 200, "feature_fraction": 0.3,
    "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 10.0, "max_bin": 255, "num_threads": 2, "deterministic": True, "force_row_wise": True,
    "verbosity": -1,
}  # fmt: skip
"""Few leaves, many rows a leaf, strong shrinkage: 560 septic patients to learn from ask for it. The best of five
settings by utility on the validation patients (0.43; the worst had 0.41); the hold-out had no say."""
ROUNDS: Final = 1500
PATIENCE: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The trees with their calibration: probability = sigmoid(scale · logit(trees) + shift)."""

    booster: lightgbm.Booster
    scale: float
    shift: float
    rounds: int

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> Floats:
        """(N, F) to (N,)."""
        raw = np.asarray(self.booster.predict(matrix, raw_score=True, num_iteration=self.rounds), dtype=np.float64)
        return calibrated(raw, self.scale, self.shift)


def calibrated(raw: Floats, scale: float, shift: float) -> Floats:
    """Platt's sigmoid over the trees' log odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-(scale * raw + shift))))


def train(patients: Sequence[Walked], seed: int, most_rounds: int = ROUNDS) -> Trained:
    """Trains on the patients whose fold is `train`, stops early and calibrates on `valid`; `holdout` is never looked at."""
    rows = {name: [patient for patient in patients if fold(patient.patient_id) == name] for name in ("train", "valid")}
    sets = {name: (np.concatenate([p.matrix for p in group]), np.concatenate([p.labels for p in group])) for name, group in rows.items()}
    learn = lightgbm.Dataset(*sets["train"], feature_name=list(FEATURES), free_raw_data=False)
    check = lightgbm.Dataset(*sets["valid"], reference=learn, free_raw_data=False)
    booster = lightgbm.train(
        PARAMETERS | {"seed": seed},
        learn,
        num_boost_round=most_rounds,
        valid_sets=[check],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False), lightgbm.log_evaluation(50)],
    )
    rounds = int(booster.best_iteration or most_rounds)
    matrix, labels = sets["valid"]
    raw = np.asarray(booster.predict(matrix, raw_score=True, num_iteration=rounds), dtype=np.float64)
    scale, shift = platt(raw, labels.astype(np.float64))
    return Trained(booster=booster, scale=scale, shift=shift, rounds=rounds)


def platt(raw: Floats, labels: Floats) -> tuple[float, float]:
    """Scale and shift that fit the labels best. Source: Platt, Advances in Large Margin Classifiers, 1999, with his smoothed targets.

    Raises ValueError where nothing fits, which smoothed targets do not let happen while both labels are there.
    """
    positive, negative = labels.sum(), (1 - labels).sum()
    line = logistic_line(raw, np.where(labels > 0, (positive + 1) / (positive + 2), 1 / (negative + 2)))
    if line is None:
        raise ValueError("these scores cannot be calibrated")
    return line
