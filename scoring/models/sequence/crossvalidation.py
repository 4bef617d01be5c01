"""Out-of-fold predictions of the sequence model: each patient judged once, by a network that never saw the patient in any way; resumable by fold."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scoring.models.sequence import scaling
from scoring.models.sequence.encoding import Encoded
from scoring.models.sequence.judging import sepsis_within_6h, worth_of
from scoring.models.sequence.network import Shape, Sight
from scoring.models.sequence.packing import Floats, Material, Places, material
from scoring.models.sequence.training import Plan, answers, train
from scoring.models.splits import fold_of

WATCHED = 12
"""One in so many of the patients that a fold learns from is set aside for early stopping: about 1,000 of CinC 2019's, with 60 septic."""


def one_fold(
    patients: Sequence[Encoded], folds: Mapping[str, int], number: int, shape: Shape, plan: Plan, out: Path, say: Callable[[str], None]
) -> Path:
    """Trains without the fold's patients and writes `fold-K.npz`: patient ids, number of the step, worth and sepsis within 6 h at
    each. Patients that `folds` does not name are learned from in every fold."""
    path = out / f"fold-{number}.npz"
    if path.exists():
        return path
    mine = np.array([folds.get(one.patient_id, -1) == number for one in patients])
    watched = np.array([fold_of(one.group, WATCHED, f"watched {number}") == 0 for one in patients])
    fit, watch, judge = (np.flatnonzero(part) for part in (~mine & ~watched, ~mine & watched, mine))
    held = material(patients, Sight(scaling.fit([patients[place].values for place in fit.tolist()])))
    network, _ = train(held, fit, watch, shape, plan, out / f"fold-{number}.pt", say)
    hazards, worth = answers(network, held, np.concatenate([judge, watch]))
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        np.savez(
            file,
            **_told(patients, held, judge, hazards, worth, ""),
            **_told(patients, held, watch, hazards, worth, "watched_"),
        )
    beside.replace(path)
    return path


def _told(patients: Sequence[Encoded], held: Material, places: Places, hazards: Floats, worth: Floats, prefix: str) -> dict[str, Any]:
    """One row a step of these patients."""
    rows = np.concatenate([np.arange(held.starts[place], held.starts[place] + held.lengths[place]) for place in places])
    return {
        f"{prefix}patient_id": np.repeat([patients[place].patient_id for place in places.tolist()], held.lengths[places]),
        f"{prefix}hour": np.concatenate([np.arange(held.lengths[place]) for place in places]),
        f"{prefix}worth": worth_of(worth[rows]),
        f"{prefix}sepsis_6h": sepsis_within_6h(hazards[rows]),
    }


def joined(parts: Sequence[Path], path: Path) -> None:
    """One file of all folds."""
    held = [np.load(part) for part in parts]
    columns: dict[str, Any] = {name: np.concatenate([one[name] for one in held]) for name in ("patient_id", "hour", "worth", "sepsis_6h")}
    with path.open("wb") as file:
        np.savez(file, **columns)
