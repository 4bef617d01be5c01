"""The page behind a link, as the person who was paged sees it on a phone: what, where, and what can be answered."""

from collections.abc import Iterable
from html import escape
from importlib.resources import files
from string import Template

from alerts.answers import ACTIONS, OUTCOMES, Seen
from scoring.words import words

PAGE = Template((files("alerts.board") / "page.html").read_text(encoding="utf-8"))
LABELS: dict[str, str] = {**OUTCOMES, **ACTIONS}
NAME = '<label>Your name or bleep<input name="by" required maxlength="60" autocomplete="name" value="$name"></label>'
FORM = Template(
    f'<form method="post" action="/p/$token/acknowledge">{NAME}<button>Acknowledge</button>'
    '<button class="quiet" formaction="/p/$token/decline">I cannot come</button></form>'
)
"""Two taps: the link, and the button; the name is there already where the schedule knows whom the page went to."""
ARRIVE = '<button class="quiet" formaction="/p/$token/bedside">I am at the bedside</button>'
AFTER = Template(
    f'<form method="post" action="/p/$token/outcome">{NAME}$arrive<label>It turned out<select name="outcome">$outcomes</select></label>'
    '<label>Done<select name="action">$actions</select></label><button class="quiet">Record</button></form>'
)


def shown(seen: Seen, token: str, name: str) -> str:
    """The HTML. `name`: of whom the page was sent to, empty where nobody knows."""
    return PAGE.substitute(
        tier=escape(seen.tier.replace("_", " ").title()),
        place=escape(" ".join(part for part in (seen.unit, seen.bed) if part) or "unit unknown"),
        reason=escape(seen.reason),
        findings="".join(f"<li>{escape(words(one))}</li>" for one in seen.findings),
        created_at=f"{seen.created_at:%H:%M}" + (", after nobody answered before" if seen.step else ""),
        answer="".join(_said(seen)) + _asked(seen, escape(token), escape(seen.acknowledged_by or name)),
    )


def _said(seen: Seen) -> list[str]:
    said = []
    if seen.acknowledged_by:
        said.append(f"Acknowledged by {seen.acknowledged_by}")
    elif seen.closed_at is not None:
        said.append("Over: nothing to acknowledge any more")
    elif seen.declined_by:
        said.append(f"Declined by {seen.declined_by}; the next person is paged")
    elif seen.episode_state in ("acknowledged", "at_bedside"):
        said.append("Somebody else has acknowledged it")
    if seen.bedside_by:
        said.append(f"{seen.bedside_by} is at the bedside")
    if seen.outcome:
        outcome, action = (LABELS.get(value or "", "") for value in (seen.outcome, seen.outcome_action))
        said.append(f"{outcome}, {action.lower()}, says {seen.outcome_by}")
    return [f'<p class="done">{escape(line)}</p>' for line in said]


def _asked(seen: Seen, token: str, name: str) -> str:
    if seen.closed_at is None and seen.episode_state in ("open", "notified") and not seen.acknowledged_by:
        return FORM.substitute(token=token, name=name)
    arrive = Template(ARRIVE).substitute(token=token) if seen.closed_at is None and not seen.bedside_by else ""
    return AFTER.substitute(token=token, name=name, arrive=arrive, outcomes=_options(OUTCOMES), actions=_options(ACTIONS))


def _options(values: Iterable[str]) -> str:
    return "".join(f'<option value="{value}">{escape(LABELS[value])}</option>' for value in values)
