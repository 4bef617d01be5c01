"""The deterioration model: a bag of gradient-boosted trees over the bedside's features, each grown without a fifth of the patients, calibrated on what they say of those."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import product
from os import getpid
from pathlib import Path
from typing import Final, Literal

import lightgbm
import numpy as np
import numpy.typing as npt

from scoring.evaluate.figures import logistic_line
from scoring.evaluate.utility import gains
from scoring.models.bag import bagged
from scoring.models.walk import Walked
from streams.features import FEATURES

Floats = npt.NDArray[np.float64]
Aim = Literal["label", "worth"]
Way = Literal["sought", "drawn"]

PARAMETERS: Final = {
    "objective": "binary", "metric": "None", "learning_rate": 0.08, "num_leaves": 15, "min_data_in_leaf": 200, "feature_fraction": 0.2,
    "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 20.0, "path_smooth": 10.0, "max_bin": 127, "num_threads": 1, "deterministic": True, "force_col_wise": True,
    "verbosity": -1,
}  # fmt: skip
"""Few leaves, many rows a leaf, strong shrinkage: some hundred septic patients to learn from ask for it. Chosen in cross-validation of the
patients that are not held out; the hold-out had no say."""
ROUNDS: Final[Mapping[Way, int]] = {"sought": 140, "drawn": 180}
"""How a tree finds its thresholds, and so many trees: the best one of each feature is sought, or one is drawn at random (Geurts, Mach Learn 2006;63:3), which
errs less by luck and learns more slowly. Out of fold: utility 0.439 and 0.446, both together 0.449, of which a part is that they are twice as many members."""
FOLDS: Final = 5
AIMS: Final[tuple[Aim, ...]] = ("label", "worth")
"""What a member learns: whether sepsis comes within six hours, or whether an alarm in this hour is worth more than silence by the challenge's
utility, each hour weighing what it is worth. Together they are better than either (out of fold, thresholds sought: utility 0.439 against 0.437 and 0.428)."""
SHARE: Final = 0.4
"""Of the patients who never get septic, as many does a member see: they are 94 of 100, and members that saw others err differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The trees of all members, their mean, with its calibration: probability = sigmoid(scale · mean + shift).

    `unseen`: (T,) by patient id, what the members that were grown without that patient say: honest, and not calibrated.
    """

    booster: lightgbm.Booster
    scale: float
    shift: float
    rounds: int
    unseen: Mapping[str, Floats]

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> Floats:
        """(N, F) to (N,)."""
        raw = np.asarray(self.booster.predict(matrix, raw_score=True), dtype=np.float64)
        return calibrated(raw, self.scale, self.shift)

    def unseen_probabilities(self, patient_id: str) -> Floats:
        """(T,) for a patient of the training, as for one that nobody trained on."""
        return calibrated(self.unseen[patient_id], self.scale, self.shift)


def calibrated(raw: Floats, scale: float, shift: float) -> Floats:
    """Platt's sigmoid over the trees' log odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-(scale * raw + shift))))


def train(
    patients: Sequence[Walked],
    seed: int,
    rounds: Mapping[Way, int] = ROUNDS,
    on_member: Callable[[int, int], None] | None = None,
    kept: Path | None = None,
) -> Trained:
    """A bag of FOLDS × AIMS × ROUNDS members over these patients, all of whom are trained on. Raises ValueError where no patient has the event.

    `kept`: the folder where each member is kept under what it was made from, so that a training that was cut off goes on where it was.
    """
    parts = [part(patient.patient_id, seed) for patient in patients]
    members: list[lightgbm.Booster] = []
    unseen: dict[str, Floats] = {}
    kinds = list(product(AIMS, rounds))
    for number in range(FOLDS):
        rest = [patient for patient, own in zip(patients, parts, strict=True) if own != number]
        grown = [_grow(rest, aim, way, seed + FOLDS * place + number, rounds[way], kept) for place, (aim, way) in enumerate(kinds)]
        left_out = [patient for patient, own in zip(patients, parts, strict=True) if own == number and len(patient.matrix)]
        unseen |= _said(grown, left_out)
        members += grown
        if on_member is not None:
            on_member(len(members), FOLDS * len(kinds))
    raw = np.concatenate([unseen[patient.patient_id] for patient in patients if len(patient.matrix)])
    labels = np.concatenate([patient.labels for patient in patients]).astype(np.float64)
    scale, shift = platt(raw, labels)
    return Trained(booster=bagged(members), scale=scale, shift=shift, rounds=sum(one.num_trees() for one in members), unseen=unseen)


def _said(members: Sequence[lightgbm.Booster], patients: Sequence[Walked]) -> dict[str, Floats]:
    """The members' mean raw score in every row of each patient."""
    if not patients:
        return {}
    rows = np.concatenate([patient.matrix for patient in patients])
    mean = np.mean([one.predict(rows, raw_score=True) for one in members], axis=0)
    ends = np.cumsum([len(patient.matrix) for patient in patients])[:-1]
    return {patient.patient_id: said for patient, said in zip(patients, np.split(mean, ends), strict=True)}


def part(patient_id: str, seed: int) -> int:
    """Which fifth of the training patients a patient belongs to: by the id and the seed alone.

    >>> [part(f"p{number}", 1) for number in range(6)]
    [2, 0, 2, 0, 0, 3]
    """
    return int.from_bytes(blake2b(f"{seed}/{patient_id}".encode(), digest_size=2).digest()) % FOLDS


def _grow(patients: Sequence[Walked], aim: Aim, way: Way, seed: int, rounds: int, kept: Path | None) -> lightgbm.Booster:
    """One member, from the folder of those kept where it lies there."""
    random = np.random.default_rng(seed)
    drawn = [
        (patient, 1.0 if patient.labels.any() else 1.0 / SHARE)
        for patient in patients
        if len(patient.matrix) and (patient.labels.any() or random.uniform() < SHARE)
    ]
    targets, weights = (np.concatenate(column) for column in zip(*_aims(drawn, aim), strict=True))
    if not targets.any():
        raise ValueError("none of these patients has the event: there is nothing to learn")
    matrix = np.concatenate([patient.matrix for patient, _ in drawn])
    counts = weights > 0
    matrix, targets, weights = matrix[counts], targets[counts], weights[counts] / weights[counts].mean()
    parameters = PARAMETERS | {"extra_trees": way == "drawn", "seed": seed}
    place = kept / f"{_made_from(matrix, targets, weights, parameters, rounds)}.txt" if kept is not None else None
    if place is not None and place.exists():
        return lightgbm.Booster(model_file=str(place))
    rows = lightgbm.Dataset(matrix, targets, weight=weights, feature_name=list(FEATURES), free_raw_data=True)
    member = lightgbm.train(parameters, rows, num_boost_round=rounds)
    if place is not None:
        text = member.model_to_string()
        part_of_it = place.with_suffix(f".{getpid()}")
        part_of_it.write_text(text)
        part_of_it.rename(place)
    return member


def _made_from(matrix: npt.NDArray[np.float32], targets: Floats, weights: Floats, parameters: Mapping[str, object], rounds: int) -> str:
    """One number for a member's rows and recipe: what is kept under it is the same member."""
    digest = blake2b(repr((sorted(parameters.items()), FEATURES, rounds)).encode(), digest_size=16)
    for array in (matrix, targets, weights):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _aims(drawn: Sequence[tuple[Walked, float]], aim: Aim) -> Iterator[tuple[Floats, Floats]]:
    """Targets and weights, (T,) each, of every patient."""
    for patient, stands_for in drawn:
        if aim == "label":
            yield (patient.labels > 0).astype(np.float64), np.full(len(patient.labels), stands_for)
        else:
            alarm, silence = gains(patient.labels.tolist(), len(patient.labels))
            yield (alarm > silence).astype(np.float64), np.abs(alarm - silence) * stands_for


def platt(raw: Floats, labels: Floats) -> tuple[float, float]:
    """Scale and shift that fit the labels best. Source: Platt, Advances in Large Margin Classifiers, 1999, with his smoothed targets.

    Raises ValueError where nothing fits, which smoothed targets do not let happen while both labels are there.
    """
    positive, negative = labels.sum(), (1 - labels).sum()
    line = logistic_line(raw, np.where(labels > 0, (positive + 1) / (positive + 2), 1 / (negative + 2)))
    if line is None:
        raise ValueError("these scores cannot be calibrated")
    return line
