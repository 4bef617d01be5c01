"""Whom a run learned from and was judged on, in sentences. Pure."""

from scoring.models.evidence import Evidence, told

FOLDS = {
    "train": "to train, and, each by the members grown without them, to calibrate and choose thresholds",
    "twin": "of them to make the twin, which is judged, in the same way",
    "holdout": "held out from the twin",
}


def folds(evidence: Evidence) -> str:
    """How many patients each part has, and how many of them had the event."""
    counts = evidence.at("metrics.patients") or {}
    return ", ".join(f"{one['patients']} patients {FOLDS.get(name, name)} ({one['septic']} septic)" for name, one in counts.items())


def characteristics(evidence: Evidence) -> str | None:
    """The make-up of the judged patients by subgroup; None where nothing was evaluated."""
    groups = evidence.at("evaluation.subgroups")
    if not groups:
        return None
    parts = (
        f"{column}: " + ", ".join(f"{one['group']} {one['patients']} ({one['events']} with the event)" for one in found)
        for column, found in groups.items()
    )
    return "; ".join(parts)


def unequal(evidence: Evidence) -> str | None:
    """The model's AUROC and alerts in each subgroup, with every group that surely differs from all named; None where nothing was evaluated."""
    groups = evidence.at("evaluation.subgroups")
    if not groups:
        return None
    said, differing = [], []
    for column, found in groups.items():
        for one in found:
            if "auroc" not in one:
                said.append(f"{column} {one['group']}: {'too few events for a figure' if one.get('too_few') else 'the only group'}")
                continue
            said.append(
                f"{column} {one['group']}: AUROC {told(one['auroc']['model'])}, sensitivity per event {told(one['sensitivity_per_event'])}, "
                f"PPV {told(one['ppv'])}, observed over expected {told(one['observed_over_expected'])}"
            )
            if one["auroc_above_all"]["excludes_zero"]:
                differing.append(f"{column} {one['group']} ({told(one['auroc_above_all'])})")
    sure = (
        f"AUROC surely other than that of all: {', '.join(differing)}" if differing else "no group's AUROC surely differs from that of all"
    )
    return f"{sure}. " + "; ".join(said)


def stress(evidence: Evidence) -> str | None:
    """What is lost where inputs are; None where it was not tried."""
    ways = evidence.at("evaluation.stress.ways")
    return "; ".join(f"{one['way']}: AUROC lower by {told(one['lost']['auroc']['model'])}" for one in ways) if ways else None
