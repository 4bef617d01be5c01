"""The rapid-response team's report as text and as one HTML page."""

from collections.abc import Collection, Sequence
from html import escape

from alerts.response_figures import EVERY_MONTH, UNKNOWN, Figures, Spread

STYLE = (
    "body{font:15px/1.5 system-ui;max-width:76rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}table{border-collapse:collapse}"
    "td,th{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #8884}td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}"
    "tr.all td{font-weight:650}p{max-width:60rem}"
)
HEAD = (
    "month", "unit", "admissions", "calls", "per 1,000 admissions", "cancelled", "call to page, s", "page to acknowledgement, s", "page to arrival, s",
    "arrests outside intensive care", "per 1,000 admissions",
)  # fmt: skip
NOTES = (
    "Times are median (quartiles; 90th percentile) in seconds. Calls that were cancelled count beside the others and in no time. An admission of a unit is"
    " an inpatient visit that came to it for the first time. Arrests are what people wrote down and what orders or procedures of the codes in"
    " vigil_store.arrest_code said, told twice within an hour counted once."
)
NO_ICU = "rrt.icu_units names no unit, so every arrest counts as outside intensive care."


def text(found: Sequence[Figures], icu_units: Collection[str]) -> str:
    """A line a month and unit."""
    lines = ["  ".join(HEAD)]
    lines += ["  ".join(_cells(one)) for one in found]
    return "\n".join([*lines, NOTES, *([] if icu_units else [NO_ICU])])


def html(found: Sequence[Figures], icu_units: Collection[str]) -> str:
    """One page without anything from elsewhere."""
    head = "".join(f"<th>{escape(one)}</th>" for one in HEAD)
    rows = "".join(
        f"<tr{' class=all' if not one.unit else ''}>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(one)) + "</tr>"
        for one in found
    )
    whole = next((one for one in found if one.month == EVERY_MONTH and not one.unit), None)
    lists = "" if whole is None else _list("Called for", whole.called_for) + _list("Disposition", whole.dispositions)
    notes = "".join(f"<p>{escape(one)}</p>" for one in (NOTES, *([] if icu_units else [NO_ICU])))
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Rapid-response team</title><style>{STYLE}</style><h1>Rapid-response team</h1>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{lists}{notes}</html>"
    )


def _cells(one: Figures) -> list[str]:
    return [
        "every month" if one.month == EVERY_MONTH else one.month, UNKNOWN.get(one.unit, one.unit), str(one.admissions), str(one.calls),
        _rate(one.calls_per_1000_admissions), str(one.cancelled), _spread(one.call_to_page), _spread(one.page_to_acknowledgement),
        _spread(one.page_to_arrival), str(one.arrests_outside_icu), _rate(one.arrests_outside_icu_per_1000_admissions),
    ]  # fmt: skip


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _spread(one: Spread) -> str:
    return "–" if one.median_s is None else f"{one.median_s:.0f} ({one.p25_s:.0f}–{one.p75_s:.0f}; {one.p90_s:.0f})"


def _list(title: str, counted: dict[str, int]) -> str:
    rows = "".join(f"<tr><td>{escape(name.replace('_', ' '))}</td><td>{count}</td></tr>" for name, count in counted.items())
    return f"<h2>{escape(title)}</h2><table><tbody>{rows}</tbody></table>"
