"""A site's calibration: it finds what bent the probabilities, keeps their order, and is not fitted on too few."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.calibration import Calibration, TooFew, fit_beta, fit_isotonic, recalibrated

FITS = pytest.mark.parametrize("fit", [fit_isotonic, fit_beta])


def bent(number: int = 40_000, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities twice too high in odds and too steep, the labels of the true ones, and those."""
    random = np.random.default_rng(seed)
    logit = random.normal(-2.5, 1.2, number)
    true = 1 / (1 + np.exp(-logit))
    said = 1 / (1 + np.exp(-(1.5 * logit + 0.7)))
    return said, (random.uniform(size=number) < true).astype(float), true


@FITS
def test_calibration_finds_the_true_probabilities(fit) -> None:
    said, labels, true = bent()
    found = recalibrated(fit(said, labels), said)
    assert np.abs(found - true).mean() < 0.01 < np.abs(said - true).mean()
    assert found.mean() == pytest.approx(labels.mean(), rel=0.02)


@FITS
def test_calibration_on_others_holds_for_these(fit) -> None:
    calibration = fit(*bent(seed=2)[:2])
    said, labels, _ = bent()
    found = recalibrated(calibration, said)
    for low, high in ((0.0, 0.05), (0.05, 0.2), (0.2, 1.0)):
        inside = (found >= low) & (found < high)
        assert labels[inside].mean() == pytest.approx(found[inside].mean(), rel=0.15)


@FITS
@given(pair=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_who_was_at_higher_risk_is_at_no_lower_risk_afterwards(fit, pair: tuple[float, float]) -> None:
    calibration = fit(*bent(2_000)[:2])
    low, high = recalibrated(calibration, np.array(sorted(pair)))
    assert 0 <= low <= high + 1e-12 <= 1 + 1e-9


def test_a_score_that_says_the_opposite_is_not_turned_round() -> None:
    said, labels, _ = bent(4_000)
    calibration = fit_beta(1 - said, labels)
    assert calibration.a >= 0
    assert calibration.b >= 0
    assert recalibrated(calibration, np.array([0.1, 0.9])) == pytest.approx(labels.mean(), abs=0.02)


@FITS
def test_too_few_events_are_refused(fit) -> None:
    with pytest.raises(TooFew, match="2 events among 1000"):
        fit(np.linspace(0, 1, 1000), np.array([1.0] * 2 + [0.0] * 998))


def test_without_calibration_nothing_changes_and_constants_survive_their_file() -> None:
    said, labels, _ = bent(2_000)
    np.testing.assert_array_equal(recalibrated(None, said), said)
    for calibration in (fit_isotonic(said, labels), fit_beta(said, labels)):
        assert msgspec.json.decode(msgspec.json.encode(calibration), type=Calibration) == calibration
