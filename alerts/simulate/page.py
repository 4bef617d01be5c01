"""The report of a simulation as one HTML page that asks for nothing from anywhere: tables, and plots drawn in SVG."""

from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from typing import Any, Final

Report = Mapping[str, Any]
STYLE: Final = (
    "body{font:15px/1.5 system-ui;max-width:64rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}td,th{padding:.25rem .7rem;text-align:left;"
    "border-bottom:1px solid #8884}svg{width:100%;height:auto;font:12px system-ui}svg text{fill:currentColor}.line{fill:none;stroke-width:2}.axis{stroke:#8888}"
)
COLOURS: Final = ("#1b6ca8", "#c0392b", "#27864a", "#8e5ab5", "#b9770e", "#566573", "#117a65")
WIDTH, HEIGHT, EDGE = 720, 340, 56
COLUMNS: Final = (
    ("pages_per_35_patient_days", "pages a day per 35 patients"), ("sensitivity_per_event", "sensitivity per event"), ("ppv", "PPV"),
    ("lead_median_h", "median lead, h"),
)  # fmt: skip


def html(report: Report) -> str:
    """The whole page."""
    head = (
        f"{report['patients']['reported_on']} patients, {report['patient_days']:g} patient-days, {report['events']} events;"
        f" thresholds chosen on {report['patients']['chosen_on']} others"
    )
    parts = [
        f"<h1>What the policy would have done</h1><p>{escape(head)}</p>", _table(report["policies"]), _chosen(report),
        "<h2>At as many pages</h2>", _differences(report["differences"]), _shapes(report["shapes"]), "<h2>Sensitivity for pages</h2>", _scatter(report),
        "<h2>By hour of the day</h2>", _hours(report["policies"][0], report["policies"][1:3]), "<h2>By unit</h2>", _units(report["policies"]),
        "<h2>Read this first</h2><ul>", *(f"<li>{escape(note)}</li>" for note in report["notes"]), "</ul>",
    ]  # fmt: skip
    return f"<!doctype html><html lang=en><meta charset=utf-8><title>Policy simulation</title><style>{STYLE}</style>{''.join(parts)}</html>"


def cell(figure: Mapping[str, float | None], digits: int = 3) -> str:
    """A figure with its interval.

    >>> cell({"value": 0.5, "low": 0.25, "high": 0.75}, 2), cell({"value": None, "low": None, "high": None})
    ('0.50 (0.25–0.75)', '–')
    """
    value, low, high = figure["value"], figure["low"], figure["high"]
    if value is None:
        return "–"
    return f"{value:.{digits}f}" + ("" if low is None or high is None else f" ({low:.{digits}f}–{high:.{digits}f})")


def _table(policies: Sequence[Report]) -> str:
    head = "".join(f"<th>{escape(says)}</th>" for _, says in COLUMNS)
    rows = "".join(
        f"<tr><th>{escape(one['name'])}</th>{''.join(f'<td>{cell(one[name])}</td>' for name, _ in COLUMNS)}"
        f"<td>{cell(one['lead_q1_h'], 1)} to {cell(one['lead_q3_h'], 1)}</td></tr>"
        for one in policies
    )
    return f"<table><tr><th></th>{head}<th>quartiles of lead, h</th></tr>{rows}</table>"


def _chosen(report: Report) -> str:
    if report["budget_pages_per_35_patient_days"] is None:
        return ""
    if report["chosen"] is None:
        return "<h2>Chosen for the budget</h2><p>No threshold keeps within it: what does not depend on the model pages more by itself.</p>"
    changed = report["chosen"]["changed"] or {"nothing": "the policy keeps within the budget as it is"}
    return f"<h2>Chosen for the budget</h2><ul>{''.join(f'<li>{escape(name)}: {escape(says)}</li>' for name, says in changed.items())}</ul>"


def _differences(found: Sequence[Report]) -> str:
    return "".join(
        f"<p>{escape(one['of'])} meets {cell(one['sensitivity_per_event'])} more of all events than {escape(one['over'])}.</p>"
        for one in found
    )


def _shapes(found: Mapping[str, str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(name)}: {escape(says)}</li>' for name, says in found.items())}</ul>"


def _units(policies: Sequence[Report]) -> str:
    rows = "".join(
        f"<tr><th>{escape(one['name'])}</th><td>{escape(unit)}</td><td>{here['patients']}</td><td>{here['held']}</td>"
        f"{''.join(f'<td>{cell(here[name])}</td>' for name, _ in COLUMNS)}</tr>"
        for one in policies
        for unit, here in one["units"].items()
    )
    head = "".join(f"<th>{escape(says)}</th>" for _, says in COLUMNS)
    return f"<table><tr><th></th><th>unit</th><th>patients</th><th>told with a storm</th>{head}</tr>{rows}</table>"


def _x(pages: float) -> float:
    """Pages on a scale of tens, from 0.1 to 100."""
    return EDGE + (log10(min(100.0, max(0.1, pages))) + 1) / 3 * (WIDTH - 2 * EDGE)


def _y(share: float, most: float = 1.0) -> float:
    return HEIGHT - EDGE + 0 - share / most * (HEIGHT - 2 * EDGE + 20)


def _axes(across: Sequence[tuple[float, str]], up: Sequence[tuple[float, str]], names: tuple[str, str]) -> str:
    bottom, right = HEIGHT - EDGE, WIDTH - EDGE
    marks = [f"<text x={x:.0f} y={bottom + 18} text-anchor=middle>{escape(says)}</text>" for x, says in across]
    marks += [f"<text x={EDGE - 8} y={y + 4:.0f} text-anchor=end>{escape(says)}</text>" for y, says in up]
    marks += [f"<line class=axis x1={EDGE} x2={right} y1={y:.0f} y2={y:.0f} stroke-opacity=.3 />" for y, _ in up]
    return (
        f"<line class=axis x1={EDGE} x2={right} y1={bottom} y2={bottom} />{''.join(marks)}<text x={WIDTH / 2:.0f} y={HEIGHT - 8} text-anchor=middle>"
        f"{escape(names[0])}</text><text x=14 y={HEIGHT / 2:.0f} text-anchor=middle transform='rotate(-90 14 {HEIGHT / 2:.0f})'>{escape(names[1])}</text>"
    )


def _scatter(report: Report) -> str:
    axes = _axes(
        [(_x(one), f"{one:g}") for one in (0.1, 0.3, 1, 3, 10, 30, 100)], [(_y(one / 5), f"{one / 5:g}") for one in range(6)],
        ("pages a day per 35 patients", "sensitivity per event"),
    )  # fmt: skip
    drawn = []
    for colour, (name, points) in zip(COLOURS, report["curves"].items(), strict=False):
        places = " ".join(f"{_x(one['pages_per_35_patient_days']):.1f},{_y(one['sensitivity_per_event']):.1f}" for one in points)
        drawn.append(f"<polyline class=line stroke='{colour}' points='{places}' />")
        if points:
            first = points[0]
            x, y = _x(first["pages_per_35_patient_days"]), _y(first["sensitivity_per_event"])
            drawn.append(f"<text x={x:.0f} y={y - 8:.0f} text-anchor=end style='fill:{colour}'>{escape(name)} over its thresholds</text>")
    for number, one in enumerate(report["policies"]):
        drawn.append(_dot(one, COLOURS[(number + 2) % len(COLOURS)]))
    return f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role=img aria-label='Sensitivity per event against pages'>{axes}{''.join(drawn)}</svg>"


def _dot(one: Report, colour: str) -> str:
    """A policy with the intervals of both its figures."""
    pages, met = one["pages_per_35_patient_days"], one["sensitivity_per_event"]
    if pages["value"] is None or met["value"] is None:
        return ""
    x, y = _x(pages["value"]), _y(met["value"])
    bars = ""
    if met["low"] is not None:
        bars += f"<line stroke='{colour}' x1={x:.1f} x2={x:.1f} y1={_y(met['low']):.1f} y2={_y(met['high']):.1f} />"
    if pages["low"] is not None:
        bars += f"<line stroke='{colour}' x1={_x(pages['low']):.1f} x2={_x(pages['high']):.1f} y1={y:.1f} y2={y:.1f} />"
    label = f"<text x={x + 8:.0f} y={y + 4:.0f}>{escape(one['name'])}</text>"
    return f"{bars}<circle cx={x:.1f} cy={y:.1f} r=5 fill='{colour}' />{label}"


def _hours(first: Report, others: Sequence[Report]) -> str:
    policies = (first, *others)
    most = max((hour["pages_per_35_patient_days"] or 0.0 for one in policies for hour in one["hours"]), default=0.0) or 1.0
    step = (WIDTH - 2 * EDGE) / 24
    axes = _axes(
        [(EDGE + (hour + 0.5) * step, str(hour)) for hour in range(0, 24, 3)], [(_y(one / 4), f"{most * one / 4:.2g}") for one in range(5)],
        ("hour", "pages a day per 35 patients"),
    )  # fmt: skip
    lines = []
    for number, (colour, one) in enumerate(zip(COLOURS, policies, strict=False)):
        places = " ".join(
            f"{EDGE + (hour['hour'] + 0.5) * step:.1f},{_y(hour['pages_per_35_patient_days'] or 0.0, most):.1f}" for hour in one["hours"]
        )
        lines.append(f"<polyline class=line stroke='{colour}' points='{places}' />")
        lines.append(f"<text x={WIDTH - EDGE} y={20 + 16 * number} text-anchor=end style='fill:{colour}'>{escape(one['name'])}</text>")
    return f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role=img aria-label='Pages by hour of the day'>{axes}{''.join(lines)}</svg>"
