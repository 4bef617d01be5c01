"""Boosted trees for one task by nested cross-validation over hospitals: how many trees is found in the inner folds, nothing in the outer."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import lightgbm
import numpy as np
import numpy.typing as npt

from scoring.models.eicu_inputs import COLUMNS, KINDS, Kind, columns_of
from scoring.models.eicu_stays import Stay
from scoring.models.splits import Nested, Places, nested
from scoring.models.tasks import TASKS

Floats = npt.NDArray[np.float64]

PARAMETERS: Final = {
    "objective": "binary", "metric": "binary_logloss", "learning_rate": 0.08, "num_leaves": 6, "min_data_in_leaf": 60, "feature_fraction": 0.3,
    "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 10.0, "max_bin": 63, "num_threads": 1, "deterministic": True, "force_row_wise": True,
    "verbosity": -1,
}  # fmt: skip
"""Small trees and strong shrinkage: some hundred events to learn from. The number of rounds is what the inner folds find best; the rest was set by
hand and changed once for speed after outer folds had been seen."""
MOST_ROUNDS: Final = 500
PATIENCE: Final = 20
EVERY_H: Final = 4
"""Of each stay every fourth hour is trained on: those between say the same. All are judged."""
MEMBERS: Final = 5
"""Boosters of a bag, which differ in the columns and rows they draw: their mean wavers less from hour to hour, and an alert is a highest hour."""


def cross_validated(
    stays: Sequence[Stay],
    task: str,
    seed: int,
    kinds: Sequence[Kind] = KINDS,
    helping: Sequence[Stay] = (),
    rounds: Sequence[int] | None = None,
    members: int = MEMBERS,
    turn: int = 0,
) -> tuple[list[Floats], list[int]]:
    """A score for each row of each stay (nan where masked), each from hospitals not trained on; and the rounds of each outer fold.

    `helping`: stays of other data sets, trained on in every fold and never judged. `rounds`: of each outer fold, where they were found before.
    `turn`: another parts the hospitals anew.
    """
    columns = columns_of(kinds)
    scores = [np.full(len(one.hours), np.nan) for one in stays]
    used: list[int] = []
    for fold in nested([one.hospital_id for one in stays], turn=turn):
        told = None if rounds is None else rounds[len(used)]
        number, bag = _fitted(stays, task, seed, columns, fold, helping, told, members)
        used.append(number)
        for place in fold.outer.judge:
            at_risk = ~np.isnan(stays[place].labels[task])
            if at_risk.any():
                rows = stays[place].matrix[at_risk][:, columns]
                raw = np.mean([one.predict(rows, raw_score=True) for one in bag], axis=0)
                scores[place][at_risk] = 1.0 / (1.0 + np.exp(-raw))
    return scores, used


def _fitted(
    stays: Sequence[Stay], task: str, seed: int, columns: Places, fold: Nested, helping: Sequence[Stay], rounds: int | None, members: int
) -> tuple[int, list[lightgbm.Booster]]:
    fit = fold.outer.fit
    matrix, labels, place = _rows([*(stays[one] for one in fit), *helping], task, columns)
    weights = _weights(place, task)
    owner = np.concatenate([fit, np.full(len(helping), -1)])[place]
    names = [COLUMNS[column] for column in columns]
    rows = lightgbm.Dataset(
        matrix, labels, weight=weights, feature_name=names, free_raw_data=False, params={"max_bin": PARAMETERS["max_bin"]}
    )
    if rounds is None:
        turns = [(np.flatnonzero(~np.isin(owner, one.judge)), np.flatnonzero(np.isin(owner, one.judge))) for one in fold.inner]
        found: Mapping[str, Any] = lightgbm.cv(
            PARAMETERS | {"seed": seed}, rows, num_boost_round=MOST_ROUNDS,
            folds=[(learn, check) for learn, check in turns if labels[check].any() and labels[learn].any()],
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
        )  # fmt: skip
        rounds = len(found["valid binary_logloss-mean"])
    return rounds, [lightgbm.train(PARAMETERS | {"seed": seed + member}, rows, num_boost_round=rounds) for member in range(members)]


def _weights(owners: Places, task: str) -> Floats:
    """A label of the whole stay counts once a stay, however long that is; any other once a row. The mean is 1."""
    if TASKS[task].horizon is not None:
        return np.ones(len(owners))
    each = 1.0 / np.bincount(owners)[owners]
    return np.asarray(each / each.mean())


def _rows(stays: Sequence[Stay], task: str, columns: Places) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], Places]:
    """Rows at risk of every fourth hour, their labels, and which stay each is of."""
    matrices, labels, owners = [], [], []
    for place, one in enumerate(stays):
        label = one.labels.get(task)
        if label is None:
            continue
        chosen = ~np.isnan(label) & (one.hours % EVERY_H == 0)
        matrices.append(one.matrix[chosen][:, columns])
        labels.append(label[chosen])
        owners.append(np.full(int(chosen.sum()), place))
    return np.concatenate(matrices), np.concatenate(labels), np.concatenate(owners)
