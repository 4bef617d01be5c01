"""The sections of the report's page: each turns its part of the report into tables and plots. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scoring.evaluate.alert_section import ALERT_HEAD, alert_rows, alerts
from scoring.evaluate.plots import Axis, Estimate, Line, curves, forest
from scoring.evaluate.rows import MODEL
from scoring.evaluate.tables import cell, figure, named, table

Report = Mapping[str, Any]


def _scores(report: Report) -> list[str]:
    return list(report["figures"])


def cohort(report: Report) -> str:
    """Who was judged."""
    found = report["cohort"]
    rows = [
        [name.replace("_", " "), f"{value:g}" if isinstance(value, float) else cell(value)]
        for name, value in found.items()
        if not isinstance(value, Mapping)
    ]
    rows += [[f"hours in which {named(name)} is silent", cell(value)] for name, value in found["silent_rows"].items()]
    return table("The cohort", ("", ""), rows)


def ranking(report: Report) -> str:
    """Discrimination and the challenge's utility, with the curves."""
    scores, found, above = _scores(report), report["figures"], report["model_above"]
    measures = [
        (key, title) for key, title in (("auroc", "AUROC"), ("auprc", "AUPRC"), ("utility", "CinC 2019 utility")) if key in found[scores[0]]
    ]
    rows = [
        [title, *(cell(found[score].get(key)) for score in scores), *(cell(above[score].get(key)) for score in scores[1:])]
        for key, title in measures
    ]
    head = ("", *(named(score) for score in scores), *(f"model above {named(score)}" for score in scores[1:]))
    made = report["curves"]
    roc = [Line(named(score), made[score]["roc"]) for score in scores]
    pr = [Line(named(score), made[score]["pr"]) for score in scores]
    most = max((y for score in scores for x, y in made[score]["pr"] if x > 0.02), default=1.0)
    note = f'<p class="note">Prevalence {report["cohort"]["prevalence"]:.4f}: a score that says nothing has that AUPRC. * the interval leaves out 0.</p>'
    return (
        table("Over all hours, with 95 % intervals", head, rows) + note
        + figure(curves("roc", "ROC curves", "Sensitivity against the false positive rate, by hour.", Axis("false positive rate", 0, 1), Axis("sensitivity", 0, 1), roc, diagonal=True),
                 "ROC: the further to the upper left the better; the dashed diagonal says nothing.", _points("false positive rate", "sensitivity", roc))
        + figure(curves("pr", "Precision and recall", "Precision against recall, by hour.", Axis("recall", 0, 1), Axis("precision", 0, min(1.0, max(0.05, most * 1.1))), pr),
                 "Precision and recall over hours.", _points("recall", "precision", pr))
    )  # fmt: skip


def _points(x: str, y: str, lines: Sequence[Line]) -> str:
    rows = [[line.name, f"{one:.3f}", f"{other:.3f}"] for line in lines for one, other in line.points[:: max(1, len(line.points) // 12)]]
    return table(f"{y} by {x}", ("", x, y), rows)


def calibration(report: Report) -> str:
    """Whether a probability means what it says."""
    found = report["calibration"]
    names = {
        "slope": "slope (1 is perfect)", "intercept": "intercept (0 is perfect)", "in_the_large": "observed over expected", "brier": "Brier score",
        "scaled_brier": "Brier score, scaled", "ece": "expected calibration error", "observed": "observed rate", "predicted": "predicted rate",
    }  # fmt: skip
    if "curve" not in found:
        return "<p>The model never spoke.</p>"
    bins = found["curve"]
    points = [(max(one["predicted"], 1e-4), max(one["observed"]["value"], 1e-4)) for one in bins]
    band = [
        (max(one["predicted"], 1e-4), max(one["observed"]["low"] or 0.0, 1e-4), max(one["observed"]["high"] or 0.0, 1e-4)) for one in bins
    ]
    highest = min(1.0, 1.5 * max([x for x, _ in points] + [high for _, _, high in band]))
    x, y = (Axis(f"{name} rate", 1e-4, highest, log=True, percent=True) for name in ("predicted", "observed"))
    line = Line("model, with 95 % band", points, band, dots=True)
    plot = curves("cal", "Calibration", "Observed against predicted rate, both in powers of ten.", x, y, [line], diagonal=True)
    rows = [[f"{one['predicted']:.4f}", cell(one["observed"], 4), cell(one["rows"])] for one in bins]
    numbers = table("By bins of the prediction", ("predicted", "observed", "hours"), rows)
    return table("Calibration of the model", ("", "model"), [[title, cell(found[key], 4)] for key, title in names.items()]) + figure(
        plot, "On the dashed line a probability means what it says; what is below 0.01 % is drawn there.", numbers
    )


def decisions(report: Report) -> str:
    """Net benefit over threshold probabilities."""
    found = report["decision_curve"]
    names = list(found[0]["net_benefit"])
    lines = [Line(named(name), [(one["threshold"], one["net_benefit"][name]["value"]) for one in found]) for name in names]
    model = [(one["threshold"], one["net_benefit"][names[0]]) for one in found]
    lines[0] = lines[0]._replace(band=[(at, one["low"], one["high"]) for at, one in model if one["low"] is not None])
    highest = max(value for line in lines for _, value in line.points)
    y = Axis("net benefit per hour", -highest / 2, highest * 1.2)
    x = Axis("threshold probability", found[0]["threshold"], found[-1]["threshold"], log=True, percent=True)
    rows = [[f"{one['threshold']:g}", *(cell(one["net_benefit"][name], 5) for name in names)] for one in found]
    return figure(
        curves("dca", "Decision curve", "Net benefit against threshold probability, in powers of ten.", x, y, lines),
        "Where a line is highest its rule does most good at that threshold; doing nothing is 0. What lies below the frame is drawn at its edge.",
        table("Net benefit", ("threshold", *(named(name) for name in names)), rows),
    )


GROUP_FIGURES = (
    ("auroc_above_all", "above all"), ("auroc_above_other", "above NEWS2"), ("observed_over_expected", "observed / expected"),
    ("sensitivity_per_event", "sensitivity"), ("ppv", "PPV"), ("per_100_patient_days", "alerts per 100 patient-days"),
)  # fmt: skip


def groups(report: Report) -> str:
    """Figures by subgroup."""
    everybody = report["figures"][MODEL]["auroc"]
    rows = {"everybody": [Estimate("all", everybody["value"], everybody["low"], everybody["high"], cell(everybody))]}
    rows |= {column: [_estimate(one) for one in found] for column, found in report["subgroups"].items()}
    lowest = min([0.5, *(one.low for found in rows.values() for one in found if one.low is not None)])
    describes = "AUROC of the model in each subgroup with its 95 % interval."
    plot = forest("groups", "AUROC by subgroup", describes, Axis("AUROC", lowest, 1.0), rows, everybody["value"])
    head = ("", "patients", "events", "prevalence", "AUROC", *(title for _, title in GROUP_FIGURES))
    numbers = [_numbers(column, one) for column, found in report["subgroups"].items() for one in found]
    caption = "The dashed line is the figure of all. Groups with fewer than ten events, or of one kind only, have no figure."
    return figure(plot, caption, table("By subgroup", head, numbers))


def _numbers(column: str, one: Mapping[str, Any]) -> list[str]:
    counted = [cell(one["patients"]), cell(one["events"]), cell(one["prevalence"], 4), cell(one.get("auroc", {}).get(MODEL))]
    return [f"{column}: {one['group']}", *counted, *(cell(one.get(key)) for key, _ in GROUP_FIGURES)]


def _estimate(one: Mapping[str, Any]) -> Estimate:
    found = one.get("auroc", {}).get(MODEL)
    if found is None:
        return Estimate(one["group"], None, None, None, "too few events" if one.get("too_few") else "one group only")
    return Estimate(one["group"], found["value"], found["low"], found["high"], cell(found))


def recognition(report: Report) -> str:
    """What is known before the clinicians know."""
    found, scores = report["before_recognition"], _scores(report)
    head = ("", "events", "hours", *(f"AUROC {named(score)}" for score in scores), *(f"model above {named(score)}" for score in scores[1:]))

    def ranked(name: str, one: Mapping[str, Any]) -> list[str]:
        areas = [cell(one["auroc"][score]) for score in scores]
        return [name, cell(one["events"]), cell(one["rows"]), *areas, *(cell(one["auroc_above"][score]) for score in scores[1:])]

    cut = [ranked(f"up to {one['hours_before_onset']:g} hours before the onset", one) for one in found["before_onset"]]
    signs = [ranked(f"before the {sign}", one) for sign, one in found["before_signs"].items()]
    early = [
        [f"{one['hours_before_onset']:g} hours or more before the onset", cell(one["events"]), cell(one["sensitivity_per_event"])]
        for one in found["alerts_in_time"]
    ]
    early += [
        [f"before the {sign}", cell(report["cohort"]["events"]), cell(one["sensitivity_per_event"])]
        for sign, one in found["before_signs"].items()
    ]
    return table("Ranking of hours, with what came later left out", head, [*cut, *signs]) + table(
        "Events met in time at the model's own threshold", ("an alert", "events", "sensitivity per event"), early
    )


def abstention(report: Report) -> str:
    """What silence costs."""
    found = report.get("abstention")
    if found is None:
        return "<p>Not asked for.</p>"
    names = {
        "silent_share": "share of hours in which the guard keeps the model silent", "silent_share_of_positive_rows": "of the hours before the event",
        "auroc": "AUROC as the bedside hears it", "auroc_lost": "AUROC lost by it",
    }  # fmt: skip
    rows = [[says, cell(found[key])] for key, says in names.items()]
    return table("Silence", ("", "model"), rows) + table("Alerts as the bedside hears it", ALERT_HEAD, alert_rows({MODEL: found["alerts"]}))


def stress(report: Report) -> str:
    """What is lost where inputs are."""
    found = report.get("stress")
    if found is None:
        return "<p>Not asked for.</p>"
    head = ("", "AUROC", "lost", "AUROC NEWS2", "sensitivity per event", "lost", "PPV", "alerts per 100 patient-days", "silent")
    rows = [_stressed("as it was", found["whole"])] + [_stressed(one["way"], one) for one in found["ways"]]
    return table(f"On {found['patients']} patients, weighted {found['weighted']}", head, rows)


def _stressed(name: str, one: Mapping[str, Any]) -> list[str]:
    lost = one.get("lost", {"auroc": {}})
    figures = [cell(one["auroc"][MODEL]), cell(lost["auroc"].get(MODEL)), cell(one["auroc"]["news2"]), cell(one["sensitivity_per_event"])]
    return [
        name,
        *figures,
        cell(lost.get("sensitivity_per_event")),
        cell(one["ppv"]),
        cell(one["per_100_patient_days"], 1),
        cell(one["silent_share"]),
    ]


SECTIONS: Sequence[tuple[str, str, Callable[[Report], str]]] = (
    ("cohort", "Who was judged", cohort),
    ("ranking", "How well hours are ranked", ranking),
    ("alerts", "What alerts do", alerts),
    ("calibration", "Whether a probability means what it says", calibration),
    ("decisions", "Whether acting on it does good", decisions),
    ("subgroups", "Whether it serves everybody", groups),
    ("recognition", "Before the clinicians' own recognition", recognition),
    ("abstention", "Where the model keeps silent", abstention),
    ("stress", "With readings lost or late", stress),
)
