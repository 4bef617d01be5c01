"""The network in torch over one whole stay at once: what the exported step, carried from each step to the next, must equal."""

import torch

from scoring.models.sequence.encoding import Encoded
from scoring.models.sequence.network import Network, Sight, nothing_yet
from scoring.models.sequence.packing import Floats
from scoring.models.sequence.targets import HORIZONS_H, TASKS


def probabilities(network: Network, sight: Sight, patient: Encoded) -> tuple[Floats, Floats]:
    """Risks (T, tasks·horizons) and worth (T,) in single precision throughout."""
    carried, seen = nothing_yet(1), []
    network.eval()
    with torch.no_grad():
        for values, context in zip(torch.from_numpy(patient.values), torch.from_numpy(patient.context), strict=True):
            carried, shown = sight(carried, values[None], context[None])
            seen.append(shown)
        hazards, worth, _ = network(torch.cat(seen), (1,) * len(seen))
        survived = torch.nn.functional.softplus(hazards).reshape(-1, len(TASKS), len(HORIZONS_H)).cumsum(-1)
        return (1.0 - torch.exp(-survived)).flatten(1).numpy(), torch.sigmoid(worth).numpy()
