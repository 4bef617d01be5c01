"""The network's card: what it is for, what it was made from, and what it did on patients it did not learn from; every figure from the run. Pure."""

from collections.abc import Mapping
from typing import Any


def card(metadata: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """Markdown."""
    sets = ", ".join(f"{name} ({digest[:8]})" for name, digest in metadata["data_sha256"].items())
    people = metrics["patients"]
    lines = [
        f"# Model card: {metadata['name']} {metadata['version']}\n",
        f"**For:** adult inpatients; whether an alarm for {', '.join(metadata['learned'])} is worth its cost now, and the chance within {_hours(metadata)} hours. A network that",
        "carries each patient from step to step, beside the trees and not in their place. **Not for:** children, obstetrics, palliative care, or any decision by itself.",
        "**State:** not validated in any hospital; learned from intensive care, and ward patients are healthier.\n",
        f"**Made from:** {sets}; {people['train']} patients learned from, {people['valid']} watched for when to stop, {people['holdout']} held out; split by patient.",
        f"Seed {metadata['seed']}, {metrics['epochs']} epochs. Make it again: `vigil train --model sequence --data DIR --out DIR`.\n",
        "## Figures on the held-out patients, 95 % intervals by patient\n",
        "| | figure |\n|---|---|",
        *(f"| {name} | {figure} |" for name, figure in _figures(metrics)),
        "\n## What it does not know\n",
        "Text, medication, and every quantity that is not in `parsers.codes`. Heads of tasks that its data had no labels for are not told. A value outside its",
        "plausible range counts as not measured. More, and how it compares with the trees: infra/docs/sequence.md.",
    ]
    return "\n".join(lines) + "\n"


def _hours(metadata: Mapping[str, Any]) -> str:
    return ", ".join(f"{hours:g}" for hours in metadata["horizons_h"])


def _figures(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for head in ("worth", "sepsis_6h"):
        for name, one in (metrics.get("sepsis", {}).get(head) or {}).items():
            if isinstance(one, Mapping) and one.get("value") is not None:
                found.append((f"{head} {name}", f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"))
    found += [(name, f"{metrics[name]:.1e}") for name in ("parity_onnx", "parity_weights")]
    return found
