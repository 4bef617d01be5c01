"""Cohorts for the tests of an evaluation: a few patients by hand, and many by a seed."""

from collections.abc import Mapping, Sequence

import numpy as np

from scoring.evaluate.rows import Floats, Rows


def rows(
    hours: Sequence[Sequence[float]],
    scores: Mapping[str, Sequence[Sequence[float]]],
    onset: Sequence[float],
    labels: Sequence[Sequence[float]] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    recognised: Mapping[str, Sequence[float]] | None = None,
) -> Rows:
    """Patient by patient. Without labels a row is 1 in the 6 hours before the onset and from then on; `groups`: one name a patient."""
    lengths = [len(one) for one in hours]
    hour = flat(hours)
    patient = np.repeat(np.arange(len(hours)), lengths)
    begun = np.array(onset, np.float64)
    label = (hour >= begun[patient] - 6).astype(np.float64) if labels is None else flat(labels)
    return Rows(
        patients=len(hours),
        patient=patient,
        hour=hour,
        label=label,
        onset=begun,
        watched_h=np.array(lengths, np.float64),
        scores={name: flat(values) for name, values in scores.items()},
        groups={name: np.repeat(np.array(values), lengths) for name, values in (groups or {}).items()},
        recognised={name: np.array(values, np.float64) for name, values in (recognised or {}).items()},
    )


def flat(values: Sequence[Sequence[float]]) -> Floats:
    """One after the other."""
    return np.concatenate([np.asarray(one, np.float64) for one in values])


def many(patients: int, seed: int, hours: int = 30) -> Rows:
    """A third have the event in their last hours; `model` is a calibrated probability that knows of it, `news2` a score of few values, `qsofa` says little."""
    random = np.random.default_rng(seed)
    onset = np.where(random.uniform(size=patients) < 1 / 3, random.integers(12, hours, patients).astype(np.float64), np.nan)
    hour = [np.arange(1.0, hours + 1)] * patients
    near = [
        np.clip(1 - (begun - one - 6) / 12, 0, 1) if np.isfinite(begun) else np.zeros(hours) for begun, one in zip(onset, hour, strict=True)
    ]
    model = [np.clip(0.05 + 0.5 * one + random.normal(scale=0.1, size=hours), 0.001, 0.95) for one in near]
    news2 = [np.floor(np.clip(3 + 4 * one + random.normal(scale=2, size=hours), 0, 20)) for one in near]
    qsofa = [random.integers(0, 4, hours).astype(np.float64) for _ in near]
    sex = ["female" if number % 2 else "male" for number in range(patients)]
    sign = np.where(np.isnan(onset), np.nan, onset - 3)
    return rows(
        hour, {"model": model, "news2": news2, "qsofa": qsofa}, list(onset), groups={"sex": sex, "ethnicity": [""] * patients},
        recognised={"first lactate": list(sign)},
    )  # fmt: skip
