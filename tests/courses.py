"""Planted courses of patients of the past, an hour a value, and policies of one rule to try on them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from alerts.exclusions import Circumstances
from alerts.rules import Edition, Policy, Rule, Rules, Storms
from alerts.simulate.tracks import Seen, Track

START = datetime(2019, 1, 1, tzinfo=UTC)


RULE = Rule(tier="urgent", score="risk", raise_at=0.5, red=False, clear_below=0.3, dwell=timedelta(hours=1), cool_down=timedelta(hours=3))


def hour(number: int) -> datetime:
    return START + timedelta(hours=number)


def track(values: Sequence[float], onset: int | None = None, *, name: str = "risk", patient: str = "p", unit: str = "MICU") -> Track:
    scores = [(Seen(name, value, value, False, hour(number)),) for number, value in enumerate(values)]
    return Track(
        patient, Circumstances(unit=unit), [hour(number) for number in range(len(values))], scores, None if onset is None else hour(onset)
    )


def policy(*rules: Rule, storms: Storms | None = None) -> Policy:
    everywhere = Rules(version="planted", max_age=timedelta(hours=1), rules=rules, storms=storms)
    return Policy(editions=(Edition(effective_from=None, everywhere=everywhere, units={}),))
