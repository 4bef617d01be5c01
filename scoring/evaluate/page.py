"""The report of an evaluation as one HTML page."""

from collections.abc import Mapping
from html import escape
from typing import Any

STYLE = "body{font:16px/1.5 system-ui;max-width:48rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}td,th{padding:.3rem .8rem;text-align:left;border-bottom:1px solid #8884}"


def html(report: Mapping[str, Any]) -> str:
    """A table of the model beside NEWS2, with intervals."""
    head = f"{report['patients']} patients, {report['hours']} hours; model {report['model']} {report['version']}"
    found = report.get("figures")
    rows = (
        ""
        if found is None
        else "".join(_row(name, found["model"].get(name), found["news2"].get(name)) for name in ("auroc", "auprc", "utility", "alerts"))
    )
    table = (
        f"<table><tr><th></th><th>model</th><th>NEWS2 (lower bound)</th></tr>{rows}</table>"
        if rows
        else "<p>The files carry no labels, so there is nothing to judge.</p>"
    )
    warning = f"<p>{escape(str(report['warning']))}</p>" if "warning" in report else ""
    return f"<!doctype html><meta charset=utf-8><title>{escape(str(report['task']))}</title><style>{STYLE}</style><h1>{escape(str(report['task']))}</h1><p>{escape(head)}</p>{table}{warning}"


def _row(name: str, model: Any, news2: Any) -> str:
    return f"<tr><th>{escape(name)}</th><td>{_cell(model)}</td><td>{_cell(news2)}</td></tr>"


def _cell(value: Any) -> str:
    if isinstance(value, Mapping) and "low" in value:
        if None in value.values():
            return "not to be told from so few"
        return f"{value['value']:.3f} ({value['low']:.3f}–{value['high']:.3f})"
    if isinstance(value, Mapping):
        return "<br>".join(
            f"{escape(name.replace('_', ' '))}: {'–' if number is None else f'{number:g}'}" for name, number in value.items()
        )
    return "–"
