"""What training minimises: hazards of every interval that may be judged, the cost of wrong alarms, and, without labels, the next step."""

import numpy as np
import torch
import torch.nn.functional as losses
from torch import Tensor

from scoring.models.sequence.network import SEEN
from scoring.models.sequence.packing import following
from scoring.models.sequence.step import CODES

GAP_PLACE = SEEN * len(CODES)
"""Where `Sight` puts the logarithm of the gap."""


def hazard_loss(hazards: Tensor, came: Tensor, judged: Tensor) -> Tensor:
    """Negative log likelihood of the discrete-time survival model, a step; what is not judged says nothing.

    Every step and interval weighs what the likelihood gives it: rare events are neither copied nor weighted, and the hazards stay calibrated.
    """
    each = losses.binary_cross_entropy_with_logits(hazards, came, reduction="none")
    return (each * judged).sum() / len(hazards)


def worth_loss(worth: Tensor, gain: Tensor, scale: float) -> Tensor:
    """Cross-entropy of "an alarm is worth it" with what a wrong answer costs as the weight; `scale`: the mean cost of a training step.

    Its minimum is above one half exactly where the expected gain is above 0, whatever the share of septic patients.
    Source: Zadrozny, Langford, Abe, Cost-sensitive learning by cost-proportionate example weighting, ICDM 2003.
    """
    labelled = ~torch.isnan(gain)
    cost = torch.nan_to_num(gain)
    each = losses.binary_cross_entropy_with_logits(worth, (cost > 0).to(worth.dtype), reduction="none")
    return (each * cost.abs() * labelled).sum() / len(worth) / scale


def ahead_loss(ahead: Tensor, seen: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """How well the next step was foretold: the values measured in it, which are measured, and after what gap."""
    if len(sizes) < 2:
        return ahead.sum() * 0.0
    before = torch.from_numpy(following(sizes).astype(np.int64))
    after, count = seen[sizes[0] :], len(CODES)
    known = after[:, count : 2 * count]
    foretold = ahead[before]
    values, measured, gap = foretold[:, :count], foretold[:, count : 2 * count], foretold[:, 2 * count :]
    off = (losses.smooth_l1_loss(values, after[:, :count], reduction="none") * known).sum() / known.sum().clamp(min=1.0)
    whether = losses.binary_cross_entropy_with_logits(measured, known)
    when = losses.smooth_l1_loss(gap[:, 0], after[:, GAP_PLACE])
    return off + whether + when
