"""Figures as the cells and tables of a page. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

NAMES = {"news2": "NEWS2", "qsofa": "qSOFA", "act_on_all": "act on every hour", "deterioration": "model"}


def named(score: str) -> str:
    """A score as people call it."""
    return NAMES.get(score, score)


def cell(figure: Any, digits: int = 3) -> str:
    """A figure with its interval, a plain number, or a dash where there is none.

    >>> cell({"value": 0.81234, "low": 0.8, "high": 0.82}), cell({"value": 0.5, "low": None, "high": None}), cell(None), cell(7)
    ('0.812 (0.800 to 0.820)', '0.500 (too few for an interval)', '–', '7')
    """
    if isinstance(figure, Mapping):
        if figure.get("value") is None:
            return "–"
        if figure.get("low") is None:
            return f"{figure['value']:.{digits}f} (too few for an interval)"
        sure = " *" if figure.get("excludes_zero") else ""
        return f"{figure['value']:.{digits}f} ({figure['low']:.{digits}f} to {figure['high']:.{digits}f}){sure}"
    if figure is None:
        return "–"
    if isinstance(figure, bool):
        return "yes" if figure else "no"
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:.{digits}f}" if isinstance(figure, float) else str(figure)


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column names its rows."""
    top = "".join(f'<th scope="col">{escape(one)}</th>' for one in head)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(one)}</td>" for one in rest)}</tr>' for first, *rest in rows
    )
    return f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}"><table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def figure(plot: str, caption: str, numbers: str) -> str:
    """A plot with what it says in words, and its numbers for whoever cannot see it."""
    return f"<figure>{plot}<figcaption>{escape(caption)}</figcaption><details><summary>The numbers</summary>{numbers}</details></figure>"


def listed(items: Iterable[str]) -> str:
    """A plain list."""
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
