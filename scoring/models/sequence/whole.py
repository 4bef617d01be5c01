"""The network from its weights alone, in double precision: a whole stay at once, for rebuilding what is carried and for explaining; needs numpy only.

No gate depends on the hidden state (`network.Layer`), so a stay of 240 steps is a few products of matrices and one line that runs step by step.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from scoring.models.sequence.carried import KEPT, NEVER_H, Carried, blank
from scoring.models.sequence.step import CODES, HIGH, LOW, VERSION, Step
from scoring.models.sequence.targets import HORIZONS_H, TASKS

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

LONGEST_GAP_H: Final = 240.0
SOON_H: Final = 3.0
DAY_H: Final = 24.0
MEMORY_H: Final = 12.0
CLIP: Final = 6.0
"""As in `network` and `scaling`, which need torch; tested equal."""

LAYERS: Final = ("embed", "first", "between", "second", "mix", "hazards", "worth")
SCALING: Final = ("logged", "centre", "spread")


class NotWeights(ValueError):
    """The file holds no weights, or those of other quantities than a step's today, or of another model than the one beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One step of a stay: when it was opened, its last message, and when the one before it ended (None at the first)."""

    opened_at: datetime
    at: datetime
    before_at: datetime | None
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Passed:
    """A stay's way through the layers, one row a step: what the backward way needs."""

    embedded: Doubles
    keep: tuple[Doubles, Doubles]
    candidate: tuple[Doubles, Doubles]
    hidden: tuple[Doubles, Doubles]
    between: Doubles
    mixed: Doubles


class Whole:
    """A `Cell` too, for where Triton is away or many steps are taken at once. Raises NotWeights."""

    def __init__(self, path: Path) -> None:
        try:
            with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as held:
                self._weights: dict[str, Doubles] = {
                    name: held[name].astype(np.float64) for name in held.files if name not in ("version", "step")
                }
                self.version, step = str(held["version"]), str(held["step"])
        except (OSError, EOFError, BadZipFile, zlib.error, ValueError, KeyError) as error:
            raise NotWeights(f"{path.name} cannot be read") from error
        missing = [name for name in SCALING if name not in self._weights] + [
            name for name in LAYERS if f"{name}_weight" not in self._weights
        ]
        if missing or step != VERSION:
            raise NotWeights(f"{path.name} was not trained on the steps of this version ({VERSION})")
        self.width = len(self._weights["embed_bias"])
        self.hidden = 2 * self.width

    def step(self, state: Floats, values: Floats, context: Floats) -> tuple[Floats, Floats, Floats]:
        """One step of N patients, as Triton takes it."""
        carried, seen = self._seen(state[:, self.hidden :].astype(np.float64), values, context, typical=False)
        embedded, after = self._embedded(seen), []
        below = embedded
        for number, (layer, onward) in enumerate((("first", "between"), ("second", "mix"))):
            keep, new = self._gates(layer, below)
            hidden = keep * state[:, number * self.width : (number + 1) * self.width] + (1.0 - keep) * new
            after.append(hidden)
            below = np.maximum(self._linear(onward, np.concatenate([hidden, below], axis=1)), 0.0)
        risks, worth = self._answers(below)
        return np.concatenate([*after, carried], axis=1).astype(np.float32), risks, worth

    def carried(self, hours: Sequence[Hour]) -> Carried:
        """What is carried after these steps of one stay, from nothing; some milliseconds for ten days."""
        start = blank(1, self.hidden)[0]
        if not hours:
            return Carried(version=self.version, before=start, numbers=start)
        states = self._states(hours)
        last = hours[-1]
        before = start if len(hours) == 1 else states[-2]
        return Carried(
            version=self.version, before=before, before_at=last.before_at, opened_at=last.opened_at, at=last.at, step=last.step, numbers=states[-1],
        )  # fmt: skip

    def closed(self, carried: Carried) -> Floats:
        """`numbers`, made again from what the open step began with and what it holds."""
        if carried.step is None:
            return carried.before
        state, _, _ = self.step(carried.before[None], carried.step.values[None], carried.step.context[None])
        return np.asarray(state[0], np.float32)

    def answer(self, hours: Sequence[Hour]) -> tuple[Floats, float]:
        """Risks (tasks, horizons) and worth after these steps."""
        risks, worth = self._answers(self._passed(self.stay(hours, typical=False)[0]).mixed[-1:])
        return risks.reshape(len(TASKS), len(HORIZONS_H)), float(worth[0, 0])

    def log_odds(self, seen: Doubles) -> float:
        """Of the worth after these steps, of which (T, seen) is what the network sees."""
        return float(self._linear("worth", self._passed(seen).mixed[-1:])[0, 0])

    def _states(self, hours: Sequence[Hour]) -> Floats:
        seen, carried = self.stay(hours, typical=False)
        passed = self._passed(seen)
        return np.concatenate([*passed.hidden, carried], axis=1).astype(np.float32)

    def stay(self, hours: Sequence[Hour], *, typical: bool) -> tuple[Doubles, Doubles]:
        """What is seen at each step (T, seen), and what is carried of it after each. `typical`: as if every value measured were the training patients' centre."""
        carried = blank(1, 0).astype(np.float64)
        seen, after = [], []
        for hour in hours:
            carried, shown = self._seen(carried, hour.step.values[None], hour.step.context[None], typical=typical)
            seen.append(shown)
            after.append(carried)
        return np.concatenate(seen), np.concatenate(after)

    def _seen(self, kept: Doubles, values: Floats, context: Floats, *, typical: bool) -> tuple[Doubles, Doubles]:
        """`network.Sight.forward`."""
        elapsed, last, age, change, mean, often = np.split(kept, [1, *(1 + part * len(CODES) for part in range(1, KEPT))], axis=1)
        gap = np.clip(np.nan_to_num(context[:, :1].astype(np.float64), nan=0.0, posinf=LONGEST_GAP_H, neginf=0.0), 0.0, LONGEST_GAP_H)
        x, known = self._scaled(values)
        x = np.zeros_like(x) if typical else x
        aged = np.minimum(age + gap, NEVER_H)
        ever = (aged < NEVER_H).astype(np.float64)
        elapsed = elapsed + gap
        change = change + known * (ever * (x - last) - change)
        mean = mean + known * (1.0 - np.exp(-aged / MEMORY_H)) * (x - mean)
        often = often * np.exp(-gap / MEMORY_H) + known
        last = last + known * (x - last)
        age = aged * (1.0 - known)
        parts = [last, known, np.exp(-age / SOON_H), np.exp(-age / DAY_H), change, last - mean, 0.3 * often, _plain(gap, elapsed, context)]
        return np.concatenate([elapsed, last, age, change, mean, often], axis=1), np.concatenate(parts, axis=1)

    def _scaled(self, values: Floats) -> tuple[Doubles, Doubles]:
        with np.errstate(invalid="ignore"):
            known = (values >= LOW) & (values <= HIGH)
        safe = np.where(known, values, LOW).astype(np.float64)
        shown = np.where(self._weights["logged"] > 0, np.log1p(np.maximum(safe, 0.0)), safe)
        scaled = np.clip((shown - self._weights["centre"]) / self._weights["spread"], -CLIP, CLIP)
        return np.where(known, scaled, 0.0), known.astype(np.float64)

    def _linear(self, name: str, value: Doubles) -> Doubles:
        return np.asarray(value @ self._weights[f"{name}_weight"].T + self._weights[f"{name}_bias"])

    def _embedded(self, seen: Doubles) -> Doubles:
        return np.maximum(self._linear("embed", seen), 0.0)

    def _gates(self, layer: str, below: Doubles) -> tuple[Doubles, Doubles]:
        keep, new = np.split(self._linear(layer, below), 2, axis=1)
        return 1.0 / (1.0 + np.exp(-keep)), np.tanh(new)

    def _passed(self, seen: Doubles) -> Passed:
        embedded = self._embedded(seen)
        below, kept, news, hiddens, belows = embedded, [], [], [], []
        for layer, onward in (("first", "between"), ("second", "mix")):
            keep, new = self._gates(layer, below)
            hidden, before = (1.0 - keep) * new, np.zeros(self.width)
            for row in range(len(hidden)):
                before = hidden[row] = hidden[row] + keep[row] * before
            below = np.maximum(self._linear(onward, np.concatenate([hidden, below], axis=1)), 0.0)
            kept.append(keep)
            news.append(new)
            hiddens.append(hidden)
            belows.append(below)
        return Passed(
            embedded=embedded, keep=(kept[0], kept[1]), candidate=(news[0], news[1]), hidden=(hiddens[0], hiddens[1]), between=belows[0], mixed=belows[1],
        )  # fmt: skip

    def gradient(self, seen: Doubles) -> Doubles:
        """Of `log_odds` by what was seen at every step: (T, seen)."""
        passed = self._passed(seen)
        upward = np.zeros_like(passed.mixed)
        upward[-1] = self._weights["worth_weight"][0] * (passed.mixed[-1] > 0)
        for number, layer, onward, below in ((1, "second", "mix", passed.between), (0, "first", "between", passed.embedded)):
            to_hidden, to_below = np.split(upward @ self._weights[f"{onward}_weight"], 2, axis=1)
            to_below = to_below + self._through_gates(passed, number, layer, to_hidden)
            upward = to_below * (below > 0)
        return np.asarray(upward @ self._weights["embed_weight"])

    def _through_gates(self, passed: Passed, number: int, layer: str, to_hidden: Doubles) -> Doubles:
        keep, new, hidden = passed.keep[number], passed.candidate[number], passed.hidden[number]
        flowing, after = to_hidden.copy(), np.zeros(self.width)
        for row in range(len(flowing) - 1, -1, -1):
            flowing[row] += after
            after = flowing[row] * keep[row]
        before = np.concatenate([np.zeros((1, self.width)), hidden[:-1]])
        to_keep = flowing * (before - new) * keep * (1.0 - keep)
        to_new = flowing * (1.0 - keep) * (1.0 - new**2)
        return np.asarray(np.concatenate([to_keep, to_new], axis=1) @ self._weights[f"{layer}_weight"])

    def _answers(self, mixed: Doubles) -> tuple[Floats, Floats]:
        hazards = self._linear("hazards", mixed)
        softplus = np.logaddexp(0.0, hazards).reshape(len(mixed), len(TASKS), len(HORIZONS_H)).cumsum(axis=2)
        risks = (1.0 - np.exp(-softplus)).reshape(len(mixed), -1)
        return risks.astype(np.float32), (1.0 / (1.0 + np.exp(-self._linear("worth", mixed)))).astype(np.float32)


def _plain(gap: Doubles, elapsed: Doubles, context: Floats) -> Doubles:
    """`network.Sight._plain`."""
    rest = context[:, 1:].astype(np.float64)
    told = (~np.isnan(rest)).astype(np.float64)
    years, male, surgical, hospital, unit = np.split(np.nan_to_num(rest, nan=0.0, posinf=0.0, neginf=0.0), 5, axis=1)
    parts = [
        np.log1p(gap),
        np.log1p(elapsed) / 3.0,
        np.clip(elapsed, 0.0, LONGEST_GAP_H) / 60.0,
        np.exp(-elapsed / 6.0),
        (np.clip(years, 0.0, 120.0) - 60.0 * told[:, :1]) / 20.0,
        (np.clip(male, 0.0, 1.0) - 0.5) * told[:, 1:2],
        (np.clip(surgical, 0.0, 1.0) - 0.5) * told[:, 2:3],
        np.log1p(np.clip(hospital, 0.0, NEVER_H)) / 4.0,
        np.log1p(np.clip(unit, 0.0, NEVER_H)) / 4.0,
        np.clip(unit, 0.0, LONGEST_GAP_H) / 60.0,
        told[:, 3:],
    ]
    return np.concatenate(parts, axis=1)


def version_of(content: bytes) -> str:
    """The step's lists and the model's own content: the same training gives the same version, another model never does."""
    return f"{VERSION}-{blake2b(content, digest_size=4).hexdigest()}"
