"""The challenge's utility against the vectors of its own evaluation code."""

import pytest

from scoring.evaluate.utility import normalised, utility

SEPTIC = [0] * 20 + [1] * 10


@pytest.mark.parametrize(
    ("labels", "alarms", "earned"),
    [
        (SEPTIC, [1] * 30, 6.8),
        (SEPTIC, [0] * 30, -10.0),
        (SEPTIC, SEPTIC, 5.0),
        (SEPTIC, [0] * 14 + [1] * 16, 7.5),
        (SEPTIC, [0] * 20 + [1] + [0] * 9, -9.0),
        ([0] * 24, [1] * 24, -1.2),
    ],
)
def test_known_vectors(labels: list[int], alarms: list[int], earned: float) -> None:
    assert utility(labels, alarms) == pytest.approx(earned)


def test_the_normalised_figure_of_a_small_cohort() -> None:
    cohort = [(SEPTIC, SEPTIC), ([0] * 24, [0] * 24), ([0] * 24, [1] * 24)]
    assert normalised(cohort) == pytest.approx(0.788571, abs=1e-6)
