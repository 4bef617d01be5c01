"""The published scores there are: every module beside this one that names some in SCORES; a new score is a new file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from msgspec import Struct

from scoring import published
from scoring.published.inputs import Inputs


class Outcome(Struct, frozen=True, kw_only=True):
    """What a score answers. `total` is None where the publication does not allow what is missing; `told`: what this score says besides."""

    total: float | None
    parts: Mapping[str, float]
    missing: tuple[str, ...]
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One score, as its publication prints it.

    `version` names the publication in short, `source` in full; `lowest` and `highest`: the range of `total`, None where it has no such end;
    `needs`: the inputs without which there is no total (or a lower one, see the score); `uses`: those it reads besides.
    `inputs` is the record that `outcome` takes. Raises inputs.CannotScore.
    """

    name: str
    version: str
    source: str
    population: str
    lowest: float | None
    highest: float | None
    needs: tuple[str, ...]
    uses: tuple[str, ...] = ()
    outcome: Callable[[Any], Outcome]
    inputs: type[Struct] = Inputs

    def described(self) -> dict[str, Any]:
        """As `vigil score --list --json` prints it."""
        return {
            "score": self.name,
            "version": self.version,
            "source": self.source,
            "population": self.population,
            "range": [self.lowest, self.highest],
            "inputs": [*self.needs, *self.uses],
            "needed": list(self.needs),
        }


def add_up(points: Mapping[str, int | None], missing: tuple[str, ...] | None = None, **told: Any) -> Outcome:
    """The sum of the points; None of them unknown, else no total but what the known ones make at least.

    >>> add_up({"rr_per_min": 3, "sbp_mmhg": None}).told, add_up({"rr_per_min": 3, "sbp_mmhg": None}).missing
    ({'at_least': 3}, ('sbp_mmhg',))
    """
    parts = {name: scored for name, scored in points.items() if scored is not None}
    unknown = tuple(name for name in points if name not in parts) if missing is None else missing
    at_least = sum(parts.values())
    return Outcome(total=None if unknown else at_least, parts=parts, missing=unknown, told={"at_least": at_least, **told})


@cache
def scores() -> Mapping[str, Published]:
    """Every score by name."""
    modules = [import_module(f"{published.__name__}.{found.name}") for found in iter_modules(published.__path__)]
    named = (score for module in modules for score in getattr(module, "SCORES", ()))
    return {score.name: score for score in named if isinstance(score, Published)}
