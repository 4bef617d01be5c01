"""The section of the report's page on alerts: at each score's own threshold, as deployed, and at equal numbers. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.evaluate.plots import Axis, Bar, bars
from scoring.evaluate.rows import MODEL
from scoring.evaluate.tables import cell, figure, named, table

Report = Mapping[str, Any]

ALERTS = (
    ("alerts", "alerts", 0), ("events_met", "events met", 0), ("sensitivity_per_event", "sensitivity per event", 3), ("ppv", "PPV", 3),
    ("per_100_patient_days", "alerts per 100 patient-days", 1), ("a_day_per_35_beds", "alerts a day per 35 beds", 2),
)  # fmt: skip


def alert_rows(found: Mapping[str, Mapping[str, Any]]) -> Iterator[list[str]]:
    """A row for each set of alerts, under ALERT_HEAD."""
    for name, one in found.items():
        lead = one["lead_h"]
        quartiles = (
            "–" if lead["median"]["value"] is None else f"{lead['median']['value']:g} ({lead['q1']['value']:g} to {lead['q3']['value']:g})"
        )
        yield [named(name), *(cell(one[key], digits) for key, _, digits in ALERTS), quartiles]


ALERT_HEAD = ("", *(title for _, title, _ in ALERTS), "lead in hours: median (quartiles)")


MANNERS = {
    "silenced": "each alert silences for its hours",
    "repeated": "alerts repeated after a quiet",
    "once_a_stay": "each patient alerted at most once",
}


def alerts(report: Report) -> str:
    """What alerts do at each score's own threshold, as deployed, and at equal numbers."""
    found = report["figures"]
    own = {f"{named(score)} at {found[score]['threshold']:g}": found[score]["alerts"] for score in found}
    parts = [table("Each score alone at its own threshold", ALERT_HEAD, alert_rows(own))]
    policy = report.get("deployed_policy")
    if policy is not None:
        kinds = {"all pages": policy["all"]}
        kinds |= {f"tier {tier.replace('_', ' ')}": one for tier, one in policy["by_tier"].items()}
        kinds |= {f"raised by {named(score)}": one for score, one in policy["by_score"].items()}
        parts.append(table(f"The deployed alert policy, version {policy['version']}", ALERT_HEAD, alert_rows(kinds)))
        parts.append(f'<p class="note">{"; ".join(policy["says"])}</p>')
    budget = report["at_one_alert_a_day"]
    for manner, says in MANNERS.items():
        if manner in budget:
            parts.append(_beside(f"At one alert a day per 35 beds; {says}", budget[manner]))
            parts.extend(
                _beside(f"At the number of alerts of {rule}; {says}", one[manner]) for rule, one in report["at_the_alerts_of"].items()
            )
    if "at_equal_alerts" in report:
        parts.append(_equal(report["at_equal_alerts"]))
    return "".join(parts) + _lead(report)


EQUAL_HEAD = (
    "",
    "events",
    "alerts a day per 35 beds: NEWS2",
    "model",
    "sensitivity per event: NEWS2",
    "model",
    "model above",
    "PPV: NEWS2",
    "model",
    "model above",
)


def _equal(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Every event of a stay, the burden equal on each draw."""
    rows = []
    for cut, one in found.items():
        measures = ("sensitivity_per_event", "ppv")
        compared = [cell(value) for key in measures for value in (one[key]["news2"], one[key][MODEL], one["model_above"][key])]
        rates = [cell(one["a_day_per_35_beds"][score], 2) for score in ("news2", MODEL)]
        rows.append([f"NEWS2 ≥ {cut}", cell(one["events"]), *rates, *compared])
    return table("Every event, at no more alerts than that threshold of NEWS2 raises on the same draw", EQUAL_HEAD, rows)


def _beside(caption: str, found: Mapping[str, Any]) -> str:
    shown = {
        f"{named(score)}" + ("" if one["threshold"] is None else f" at {one['threshold']:g}"): one for score, one in found["scores"].items()
    }
    rows = list(alert_rows(shown))
    for score, above in found["model_above"].items():
        rows.append([f"model above {named(score)}", "", "", cell(above["sensitivity_per_event"]), cell(above["ppv"]), "", "", ""])
    return table(caption, ALERT_HEAD, rows)


def _lead(report: Report) -> str:
    hours = report["figures"][MODEL]["alerts"]["lead_h"]["by_hour"]
    if not hours:
        return "<p>No event was met, so there is no lead to show.</p>"
    plot = bars("lead", "Lead time", "Events met by whole hours between the first alert and the onset.", Axis("hours before the onset", 0, len(hours)),
                Axis("events", 0, max(hours) * 1.1 or 1.0), [Bar(float(hour), float(count)) for hour, count in enumerate(hours)])  # fmt: skip
    rows = [[str(hour), str(count)] for hour, count in enumerate(hours) if count]
    return figure(
        plot,
        "How early the model's first alert met the event, at its own threshold.",
        table("Events by hours of lead", ("hours", "events"), rows),
    )
