"""The network in torch: what is carried and what is seen at a step, a gated recurrent cell over it, and heads for every task and interval."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import torch
from torch import Tensor, nn

from scoring.models.sequence.carried import KEPT, NEVER_H, blank
from scoring.models.sequence.scaling import CLIP, Scaling
from scoring.models.sequence.step import CODES, HIGH, LOW
from scoring.models.sequence.targets import HORIZONS_H, TASKS

LONGEST_GAP_H: Final = 240.0

SOON_H: Final = 3.0
DAY_H: Final = 24.0
MEMORY_H: Final = 12.0
"""Time constants of the decays that tell an age, and of the running mean and count of measurements: a nursing shift, as in NEWS2's charts."""

SEEN: Final = 7
PLAIN: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of the network: what is read from a run's configuration to build the same network again.

    Strong dropout: 900 septic patients to learn from ask for it (the best of five settings on inner patients of one fold's training part).
    """

    hidden: int = 128
    dropout: float = 0.4
    codes_dropout: float = 0.2

    @property
    def state(self) -> int:
        """Length of the carried state."""
        return 2 * self.hidden + KEPT * len(CODES) + 1


class Sight(nn.Module):
    """What the network sees at a step, and what is carried of it. No weights: constants from training patients only."""

    low: Tensor
    high: Tensor
    logged: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(self, scaling: Scaling) -> None:
        super().__init__()
        for name in ("logged", "centre", "spread"):
            self.register_buffer(name, torch.from_numpy(getattr(scaling, name).copy()))
        self.register_buffer("low", torch.from_numpy(LOW.copy()))
        self.register_buffer("high", torch.from_numpy(HIGH.copy()))

    def scaled(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Values in robust standard deviations (0 where not measured), and 1 where measured and plausible."""
        known = (values >= self.low) & (values <= self.high)
        safe = torch.where(known, values, self.low.expand_as(values))
        shown = torch.where(self.logged > 0, torch.log1p(safe.clamp(min=0.0)), safe)
        scaled = ((shown - self.centre) / self.spread).clamp(-CLIP, CLIP)
        return torch.where(known, scaled, torch.zeros_like(scaled)), known.to(values.dtype)

    def forward(self, carried: Tensor, values: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """carried (N, 1 + KEPT·C), values (N, C), context (N, 6) → carried after the step, and what is seen (N, SEEN·C + PLAIN)."""
        elapsed, kept = carried[:, :1], carried[:, 1:]
        last, age, change, mean, count = kept.chunk(KEPT, dim=1)
        gap = torch.nan_to_num(context[:, :1], nan=0.0, posinf=LONGEST_GAP_H, neginf=0.0).clamp(0.0, LONGEST_GAP_H)
        x, known = self.scaled(values)
        aged = (age + gap).clamp(max=NEVER_H)
        ever = (aged < NEVER_H).to(x.dtype)
        elapsed = elapsed + gap
        change = change + known * (ever * (x - last) - change)
        mean = mean + known * (1.0 - torch.exp(-aged / MEMORY_H)) * (x - mean)
        count = count * torch.exp(-gap / MEMORY_H) + known
        last = last + known * (x - last)
        age = aged * (1.0 - known)
        after = torch.cat([elapsed, last, age, change, mean, count], dim=1)
        soon, day = torch.exp(-age / SOON_H), torch.exp(-age / DAY_H)
        return after, torch.cat([last, known, soon, day, change, last - mean, 0.3 * count, self._plain(gap, elapsed, context)], dim=1)

    @staticmethod
    def _plain(gap: Tensor, elapsed: Tensor, context: Tensor) -> Tensor:
        told = (~torch.isnan(context[:, 1:])).to(gap.dtype)
        years, male, surgical, hospital, unit = torch.nan_to_num(context[:, 1:], nan=0.0, posinf=0.0, neginf=0.0).chunk(5, dim=1)
        parts = [
            torch.log1p(gap),
            torch.log1p(elapsed) / 3.0,
            elapsed.clamp(0.0, LONGEST_GAP_H) / 60.0,
            torch.exp(-elapsed / 6.0),
            (years.clamp(0.0, 120.0) - 60.0 * told[:, :1]) / 20.0,
            (male.clamp(0.0, 1.0) - 0.5) * told[:, 1:2],
            (surgical.clamp(0.0, 1.0) - 0.5) * told[:, 2:3],
            torch.log1p(hospital.clamp(0.0, NEVER_H)) / 4.0,
            torch.log1p(unit.clamp(0.0, NEVER_H)) / 4.0,
            unit.clamp(0.0, LONGEST_GAP_H) / 60.0,
            told[:, 3:],
        ]
        return torch.cat(parts, dim=1)


def nothing_yet(rows: int) -> Tensor:
    """What is carried before the first step: (rows, 1 + KEPT·C)."""
    return torch.from_numpy(blank(rows, 0))


class Recurrence(torch.autograd.Function):
    """h[t] = keep[t] · h[t-1] + new[t] over packed rows: all first steps, then all second steps, the longest stays first.

    The gates depend on the input alone, so that every product of matrices runs over all steps at once and only this line is sequential.
    """

    @staticmethod
    def forward(ctx: Any, keep: Tensor, new: Tensor, sizes: tuple[int, ...]) -> Tensor:
        hidden = new.clone()
        start = 0
        for before, size in pairwise(sizes):
            now = start + before
            hidden[now : now + size].addcmul_(keep[now : now + size], hidden[start : start + size])
            start = now
        ctx.save_for_backward(keep, hidden)
        ctx.sizes = sizes
        return hidden

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        keep, hidden = ctx.saved_tensors
        to_new, to_keep = grads[0].clone(), torch.zeros_like(keep)
        now = len(keep)
        for before, size in reversed(list(pairwise(ctx.sizes))):
            now -= size
            start = now - before
            torch.mul(to_new[now : now + size], hidden[start : start + size], out=to_keep[now : now + size])
            to_new[start : start + size].addcmul_(to_new[now : now + size], keep[now : now + size])
        return to_keep, to_new, None


class Layer(nn.Module):
    """A gated recurrent layer without the hidden state in its gates. Source: Feng et al., arXiv:2410.01201 (minGRU)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gates = nn.Linear(width, 2 * width)
        with torch.no_grad():
            self.gates.bias[:width].uniform_(-1.0, 3.0)

    def split(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """What is kept of the state, and what is added to it."""
        keep, candidate = self.gates(inputs).chunk(2, dim=-1)
        keep = torch.sigmoid(keep)
        return keep, (1.0 - keep) * torch.tanh(candidate)


class Network(nn.Module):
    """Embeds what is seen, runs two gated recurrent layers, and answers: log odds of each hazard and of an alarm's being worth it,
    and for training what the next step will hold."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.hidden
        self.shape = shape
        self.embed = nn.Linear(SEEN * len(CODES) + PLAIN, width)
        self.first, self.second = Layer(width), Layer(width)
        self.between, self.mix = nn.Linear(2 * width, width), nn.Linear(2 * width, width)
        self.hazards = nn.Linear(width, len(TASKS) * len(HORIZONS_H))
        self.worth = nn.Linear(width, 1)
        self.ahead = nn.Linear(width, 2 * len(CODES) + 1)
        self.drop = nn.Dropout(shape.dropout)

    def forward(self, seen: Tensor, sizes: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """seen (R, SEEN·C + PLAIN) packed, sizes: patients at each step → hazards (R, tasks·horizons), worth (R,), next step (R, 2·C + 1)."""
        if self.training and self.shape.codes_dropout:
            seen = seen * self._some_codes_missing(sizes)
        embedded = self.drop(torch.relu(self.embed(seen)))
        hidden = Recurrence.apply(*self.first.split(embedded), sizes)
        between = self.drop(torch.relu(self.between(torch.cat([hidden, embedded], dim=-1))))
        hidden = Recurrence.apply(*self.second.split(between), sizes)
        mixed = self.drop(torch.relu(self.mix(torch.cat([hidden, between], dim=-1))))
        return self.hazards(mixed), self.worth(mixed).squeeze(-1), self.ahead(mixed)

    def _some_codes_missing(self, sizes: tuple[int, ...]) -> Tensor:
        """Whole quantities hidden from a patient, so that the network does not lean on one."""
        kept = (torch.rand(sizes[0], len(CODES)) >= self.shape.codes_dropout).float()
        mask = torch.cat([kept.repeat(1, SEEN), torch.ones(sizes[0], PLAIN)], dim=-1)
        return mask[torch.cat([torch.arange(size) for size in sizes])]
