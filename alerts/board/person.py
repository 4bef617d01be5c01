"""The page behind a link, as the person who was paged sees it on a phone: what, where, and what can be answered."""

from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from string import Template

from alerts.answers import ACTIONS, OUTCOMES, Seen
from alerts.response_lists import CALLED_FOR
from scoring.words import words

PAGE = Template((files("alerts.board") / "page.html").read_text(encoding="utf-8"))
LABELS: dict[str, str] = {**OUTCOMES, **ACTIONS, **CALLED_FOR}
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
TAKE_OVER = Template(
    f'<form method="post" action="/p/$token/acknowledge">{NAME}<button>I take it over</button>'
    '<button class="quiet" formaction="/p/$token/decline">I cannot take it</button></form>'
)
HAND_OVER = Template(
    f'<details><summary>Hand over</summary><form method="post" action="/p/$token/handover">{NAME}'
    '<label>To<select name="to">$people</select></label><button class="quiet">Page them; it is mine until they answer</button></form></details>'
)
CALL_TEAM = Template(
    f'<details><summary>Call the rapid-response team</summary><form method="post" action="/p/$token/rapid">{NAME}'
    '<label>For<select name="called_for">$called_for</select></label><button class="quiet">Call the team</button></form></details>'
)


def shown(seen: Seen, token: str, names: Mapping[str, str], also: str = "") -> str:
    """The HTML. `names`: of the schedule's people by key; empty where there is no schedule. `also`: one line more of what has just been done."""
    name = names.get(seen.person or "", "")
    return PAGE.substitute(
        tier=escape(seen.tier.replace("_", " ").title()),
        place=escape(" ".join(part for part in (seen.unit, seen.bed) if part) or "unit unknown"),
        reason=escape(seen.reason),
        findings="".join(f"<li>{escape(words(one))}</li>" for one in seen.findings),
        created_at=f"{seen.created_at:%H:%M}" + (", after nobody answered before" if seen.step else ""),
        answer="".join(_said(seen, names, also)) + _asked(seen, escape(token), escape(seen.acknowledged_by or name), names),
    )


def _said(seen: Seen, names: Mapping[str, str], also: str) -> list[str]:
    said = [also] if also else []
    if seen.acknowledged_by:
        said.append(f"Acknowledged by {seen.acknowledged_by}")
    elif seen.closed_at is not None:
        said.append("Over: nothing to acknowledge any more")
    elif seen.declined_by:
        said.append(f"Declined by {seen.declined_by}; the next person is paged")
    elif seen.episode_state in ("acknowledged", "at_bedside"):
        said.append(f"{seen.owner} has it" if seen.owner else "Somebody else has acknowledged it")
    if seen.acknowledged_by and seen.owner not in (None, seen.acknowledged_by):
        said.append(f"{seen.owner} has it now")
    if seen.offered_to and not seen.offered:
        asked = ", ".join(names.get(one, one) for one in seen.offered_to.split(", "))
        said.append(f"{asked} is asked to take it over; until then it is {seen.owner or 'yours'}")
    if seen.bedside_by:
        said.append(f"{seen.bedside_by} is at the bedside")
    if seen.outcome:
        outcome, action = (LABELS.get(value or "", "") for value in (seen.outcome, seen.outcome_action))
        said.append(f"{outcome}, {action.lower()}, says {seen.outcome_by}")
    return [f'<p class="done">{escape(line)}</p>' for line in said]


def _asked(seen: Seen, token: str, name: str, names: Mapping[str, str]) -> str:
    if seen.offered and seen.closed_at is None and not seen.acknowledged_by:
        return TAKE_OVER.substitute(token=token, name=name)
    return _own(seen, token, name) + ("" if seen.closed_at is not None else _further(seen, token, name, names))


def _further(seen: Seen, token: str, name: str, names: Mapping[str, str]) -> str:
    """What else can be done while the episode is open: give it to another, or call the team."""
    others = "".join(f'<option value="{escape(key)}">{escape(one)}</option>' for key, one in names.items() if key != seen.person)
    over = HAND_OVER.substitute(token=token, name=name, people=others) if others else ""
    team = CALL_TEAM.substitute(token=token, name=name, called_for=_options(CALLED_FOR)) if seen.tier != "rapid_response" else ""
    return over + team


def _own(seen: Seen, token: str, name: str) -> str:
    if seen.closed_at is None and seen.episode_state in ("open", "notified") and not seen.acknowledged_by:
        return FORM.substitute(token=token, name=name)
    arrive = Template(ARRIVE).substitute(token=token) if seen.closed_at is None and not seen.bedside_by else ""
    return AFTER.substitute(token=token, name=name, arrive=arrive, outcomes=_options(OUTCOMES), actions=_options(ACTIONS))


def _options(values: Iterable[str]) -> str:
    return "".join(f'<option value="{value}">{escape(LABELS[value])}</option>' for value in values)
