"""The items of TRIPOD+AI that a run fills, by number. Source: Collins et al., BMJ 2024;385:e078378; all of them stand in `card_items.toml`."""

from collections.abc import Callable, Mapping
from typing import Final

from scoring.models.cohorts import characteristics, folds, stress, unequal
from scoring.models.evidence import Evidence, Value, known_or, told
from scoring.models.source_attributes import NO_FUNDING, NOT_EVALUATED, validity

NO_DATES: Final = "not known: the data set gives hours since admission to the unit and no dates"
NO_TREATMENTS: Final = "not known: the files hold no treatment"
NOT_BLIND: Final = "not known: the orders that make the label were given by clinicians who saw the same values"
NO_CONFLICTS: Final = "not known: the run's config names no `conflicts_of_interest`"


def _title(evidence: Evidence) -> Value:
    return (
        f"Development and internal validation of {evidence.name}, which predicts sepsis within about six hours in adult inpatients",
        "run",
    )


def _abstract(evidence: Evidence) -> Value:
    return f"{folds(evidence)}. {validity(evidence)}", "run"


def _sources(evidence: Evidence) -> Value:
    data = "PhysioNet/CinC Challenge 2019, hospital system B (CC BY 4.0; Reyna et al., Crit Care Med 2020;48:210)"
    return f"{data}; SHA-256 {evidence.metadata['data_sha256']}", "run"


def _predictors(evidence: Evidence) -> Value:
    number = len(evidence.metadata["feature_names"])
    return f"{number} features, list {evidence.metadata['features']}: vital signs, labs, age, sex and hours in hospital", "run"


def _size(evidence: Evidence) -> Value:
    septic = evidence.at("metrics.patients.train.septic")
    share = None if septic is None else septic / max(1, len(evidence.metadata["feature_names"]))
    return f"all there is: {folds(evidence)}; {told(share)} septic patients a feature, hence strong shrinkage", "run"


def _missing(evidence: Evidence) -> Value:
    lost = stress(evidence)
    return f"nothing is filled in: not known is an input of its own. Lost on purpose: {lost or NOT_EVALUATED}", "run" if lost else "design"


def _split(evidence: Evidence) -> Value:
    return f"split by a hash of the patient's number: {folds(evidence)}", "run"


def _built(evidence: Evidence) -> Value:
    parameters = evidence.at("config.parameters")
    listed = "not told" if parameters is None else ", ".join(f"{name} {value}" for name, value in parameters.items())
    return (
        f"gradient-boosted trees, rounds: {told(evidence.at('metrics.rounds'))}; seed {evidence.metadata['seed']}; parameters: {listed}",
        "run",
    )


def _hospitals(evidence: Evidence) -> Value:
    groups = evidence.at("evaluation.subgroups.hospital")
    if not groups:
        return NOT_EVALUATED, "unknown"
    return (
        "one hospital system alone, so none can be told" if len(groups) == 1 else f"see the figures by hospital, of {len(groups)}"
    ), "run"


def _calculated(evidence: Evidence) -> Value:
    return f"by the exported model, which differs from the trained one by at most {evidence.at('metrics.parity_onnx')}", "run"


def _output(evidence: Evidence) -> Value:
    metadata = evidence.metadata
    return f"a probability; pages from {metadata['threshold']}, the challenge's alarm from {metadata['utility_threshold']}", "run"


def _flow(evidence: Evidence) -> Value:
    cohort = evidence.at("evaluation.cohort")
    judged = f"; judged: {cohort['judged_rows']} hours of {cohort['patient_days']} patient-days" if cohort else ""
    return f"{folds(evidence)}{judged}", "run"


def _rates(evidence: Evidence) -> Value:
    counts = evidence.at("metrics.patients") or {}
    return "septic patients: " + ", ".join(f"{name} {one['septic']} of {one['patients']}" for name, one in counts.items()), "run"


def _specification(evidence: Evidence) -> Value:
    return f"the whole model is the ONNX file of version {evidence.metadata['version']}, with its features in `metadata.json`", "run"


def _performance(evidence: Evidence) -> Value:
    return validity(evidence) + _beyond(evidence), "run"


def _beyond(evidence: Evidence) -> str:
    """What only the evaluation tells."""
    above, policy = evidence.at("evaluation.model_above.news2"), evidence.at("evaluation.deployed_policy.all")
    if above is None:
        return ""
    alone = evidence.at("evaluation.figures.model.alerts")
    said = f". Above NEWS2 on the same draws: AUROC {told(above['auroc'])}, AUPRC {told(above['auprc'])}"
    for name, found in (("Alone at its threshold", alone), ("Whole deployed policy", policy)):
        if found is not None:
            burden, ppv, met = (told(found[key]) for key in ("per_100_patient_days", "ppv", "sensitivity_per_event"))
            said += f". {name}: {burden} alerts per 100 patient-days, PPV {ppv}, sensitivity per event {met}"
    return said


def _interpretation(evidence: Evidence) -> Value:
    model, news2 = evidence.metrics["model"]["auroc"], evidence.metrics["news2"]["auroc"]
    apart = None not in (model["low"], news2["high"]) and model["low"] > news2["high"]
    verdict = "better than by NEWS2, with intervals apart" if apart else "not surely better than by NEWS2"
    return f"hours are ranked {verdict} (AUROC {told(model)} and {told(news2)}); whether patients fare better is not known", "run"


FILLED: Final[Mapping[str, Callable[[Evidence], Value]]] = {
    "1": _title,
    "2": _abstract,
    "5a": _sources,
    "5b": lambda _: (NO_DATES, "unknown"),
    "6c": lambda _: (NO_TREATMENTS, "unknown"),
    "8c": lambda _: (NOT_BLIND, "unknown"),
    "9a": _predictors,
    "10": _size,
    "11": _missing,
    "12a": _split,
    "12c": _built,
    "12d": _hospitals,
    "12g": _calculated,
    "15": _output,
    "18a": lambda evidence: known_or(evidence.at("config.funding"), NO_FUNDING),
    "18b": lambda evidence: known_or(evidence.at("config.conflicts_of_interest"), NO_CONFLICTS),
    "20a": _flow,
    "20b": lambda evidence: known_or(characteristics(evidence), NOT_EVALUATED),
    "20c": _rates,
    "21": _split,
    "22": _specification,
    "23a": _performance,
    "23b": lambda evidence: known_or(unequal(evidence), NOT_EVALUATED),
    "25": _interpretation,
}
"""Without a run's answer an item says why there is none."""
