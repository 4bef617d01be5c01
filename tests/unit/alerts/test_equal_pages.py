"""Two policies at as many pages: whichever pages more is thinned, and the model and NEWS2 are given the same freedom."""

import numpy as np
import pytest

from alerts.exclusions import Circumstances
from alerts.simulate.equal_pages import BestOfModel, BestOfNews2, usual, words
from alerts.simulate.figures import counted, difference, thinned
from alerts.simulate.replay import Paged
from alerts.simulate.thresholds import judged
from alerts.simulate.tracks import Seen, Track
from tests.courses import hour, track


def test_whichever_pages_more_is_thinned_to_as_many_pages_before_the_two_are_compared() -> None:
    septic = track([0.0] * 24, 20)
    once, twice, never = [Paged(hour(1), "urgent", "risk")], [Paged(hour(one), "urgent", "risk") for one in (1, 2)], list[Paged]()
    often, seldom = counted([septic, septic], [twice, twice]), counted([septic, septic], [once, never])
    weights = np.ones((2, 2))
    assert difference(often, often, weights)["value"] == 0.0
    assert difference(often, seldom, weights)["value"] == pytest.approx(1 - 0.75**2 - 0.5, abs=1e-4)
    assert difference(seldom, often, weights)["value"] == pytest.approx(0.5 - (1 - 0.75**2), abs=1e-4)
    assert thinned(often, weights, np.array([0.0, 0.5])).tolist() == [0.0, 0.75]


def test_at_as_many_pages_the_model_and_news2_have_their_thresholds_and_shapes_chosen_alike() -> None:
    random = np.random.default_rng(3)
    both = []
    for number in range(80):
        ill = number % 4 == 0
        slope = 0.03 if ill else 0.0
        risk = [float(np.clip(random.normal(0.2 + slope * at, 0.1), 0, 1)) for at in range(30)]
        points = [float(np.clip(round(random.normal(5, 2)), 0, 20)) for _ in range(30)]
        scores = [
            (Seen("news2", p, p, False, hour(at)), Seen("risk", r, r, False, hour(at)))
            for at, (r, p) in enumerate(zip(risk, points, strict=True))
        ]
        both.append(Track(f"p{number}", Circumstances(), [hour(at) for at in range(30)], scores, hour(28) if ill else None))
    target = judged(usual(9), both)
    model, news2 = BestOfModel("risk", both).at(target.pages), BestOfNews2(both).at(target.pages)
    assert 0.9 * target.pages <= model.pages <= target.pages
    weights = np.ones((1, len(both)))
    left = np.array([min(1.0, target.pages / news2.pages)])
    assert thinned(news2.counts, weights, left)[0] >= target.sensitivity
    assert model.sensitivity > target.sensitivity
    assert words(usual(6)) == "raised at 6, cleared below 5 for 30 min"
    assert BestOfModel("nobody's", both).at(1.0).pages == 0.0
