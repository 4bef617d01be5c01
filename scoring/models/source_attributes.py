"""The source attributes of ONC HTI-1 that a run fills, by number. Source: 45 CFR 170.315(b)(11)(iv)(B), 2024; all 31 stand in `card_items.toml`."""

from collections.abc import Callable, Mapping
from typing import Final

from scoring.models.cohorts import characteristics, folds, stress, unequal
from scoring.models.evidence import Evidence, Value, known_or, told

NOT_EVALUATED: Final = "not known: nobody ran `vigil evaluate --held-out --card` for this model yet"
NO_OTHER_SITE: Final = "not known: the model was judged on held-out patients of the hospitals it learned from, and by nobody outside; no other site's data was there"
EVERY_SITE: Final = "not known before a site runs it in shadow: nothing of a site's patients leaves the site"
NOT_USED: Final = "none: it has not been used in the care of patients, so nothing is published of its outcomes"
NAMELESS: Final = "not known: the run names nobody; whoever deploys it answers for it and puts a name into the run's config as `developer`"
NO_FUNDING: Final = "not known: the run's config names no `funding`"
LIMITS: Final = "labels depend on when clinicians ordered cultures and antibiotics; hourly medians hide short events; more pages than a ward bears tire it"


def _output(evidence: Evidence) -> Value:
    return (
        f"prediction: the chance of sepsis (Sepsis-3) within about six hours; pages are asked for from {evidence.metadata['threshold']} on",
        "run",
    )


def _risks(evidence: Evidence) -> Value:
    lost = stress(evidence)
    return f"{LIMITS}. With inputs lost or late: {lost or NOT_EVALUATED}", "run" if lost else "design"


def _included(evidence: Evidence) -> Value:
    return f"every patient file of the training data, none excluded: {folds(evidence)}; split by patient", "run"


def _demographics(evidence: Evidence) -> Value:
    names = evidence.metadata["feature_names"]
    used = [says for feature, says in (("age_years", "age from the birth date"), ("is_male", "sex as registered")) if feature in names]
    others = "race, ethnicity, language, sexual orientation, gender identity, social determinants"
    return f"inputs: {', '.join(used) or 'none of them'}. Not inputs: {others}", "run"


def _representative(evidence: Evidence) -> Value:
    made_up = characteristics(evidence)
    said = f"of the held-out patients, drawn as those it learned from: {made_up}. Race, language and social status are in no file"
    return known_or(made_up and said, NOT_EVALUATED)


def _bias(evidence: Evidence) -> Value:
    found = unequal(evidence)
    method = "by measuring it before anything is served; no weights or thresholds by group, which would treat like patients unlike"
    return f"{method}. Found: {found or NOT_EVALUATED}", "run" if found else "design"


def _validity(evidence: Evidence) -> Value:
    return validity(evidence), "run"


def validity(evidence: Evidence) -> str:
    """The hold-out's figures in a sentence."""
    model, news2 = evidence.metrics["model"], evidence.metrics["news2"]
    calibration, alerts = model["calibration"], model["alerts_at_budget"]
    twin = evidence.metadata.get("twin")
    whose = f"held-out patients, by the twin {twin} that never saw them" if twin else "held-out patients"
    return (
        f"{whose}: AUROC {told(model['auroc'])} (NEWS2 {told(news2['auroc'])}), AUPRC {told(model['auprc'])} (NEWS2 {told(news2['auprc'])}), "
        f"CinC 2019 utility {told(model['utility'])}; calibration slope {told(calibration['slope'])}, intercept {told(calibration['intercept'])}; "
        f"at {told(alerts['alerts_per_35_patient_days'])} first alerts per 35 patient-days: sensitivity per event {told(alerts['sensitivity_per_event'])}, "
        f"PPV {told(alerts['ppv'])}, median lead {told(alerts['median_lead_h'])} hours"
    )


def _external(key: str) -> Callable[[Evidence], Value]:
    return lambda evidence: known_or(evidence.at(f"metrics.external.{key}"), NO_OTHER_SITE)


def _updated(evidence: Evidence) -> Value:
    metadata = evidence.metadata
    made = f"this one is {metadata['version']}, of seed {metadata['seed']} and data {metadata['data_sha256'][:16]}…"
    return f"never by itself: `vigil train` makes another version, and {made}", "run"


FILLED: Final[Mapping[str, Callable[[Evidence], Value]]] = {
    "1": lambda evidence: known_or(evidence.at("config.developer"), NAMELESS),
    "2": lambda evidence: known_or(evidence.at("config.funding"), NO_FUNDING),
    "4": _output,
    "10": _risks,
    "11": _included,
    "12": _demographics,
    "13": _representative,
    "16": _bias,
    "17": _external("source"),
    "18": _external("party"),
    "19": _external("representativeness"),
    "20": _external("process"),
    "21": _validity,
    "22": lambda evidence: known_or(unequal(evidence), NOT_EVALUATED),
    "23": _external("validity"),
    "24": _external("fairness"),
    "25": lambda evidence: known_or(evidence.at("metrics.outcome_references"), NOT_USED),
    "27": lambda _: (EVERY_SITE, "unknown"),
    "29": lambda _: (EVERY_SITE, "unknown"),
    "30": _updated,
}
"""Without a run's answer an attribute says why there is none."""
