"""Answers that come as text messages or keys: which page is meant, taken once however often the provider tells of it."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

import psycopg
from msgspec import Struct

from alerts import answers
from alerts.answers import Answer
from alerts.channels.words import Said, letters, understood
from infra.database.sql import statements

SQL = statements("alerts", "receipts.sql")

Understood = Literal["taken", "already", "over", "unknown", "nothing waits", "which", "not understood", "heard before"]
TOLD: Final[dict[str, str]] = {
    "taken acknowledge": "Acknowledged, thank you.", "taken decline": "Noted: the next person is paged.", "already": "It was answered already.",
    "over": "It is answered or over already.", "nothing waits": "", "unknown": "", "heard before": "",
    "not understood": "Not understood. Reply 1 to acknowledge, 2 if you cannot come, or use the page's link.",
}  # fmt: skip
"""What goes back: no word of the patient, and nothing at all to a number that was sent no page."""


class Heard(Struct, frozen=True, kw_only=True):
    """What became of a reply; `reply` is the answer it held, `told` what to say back."""

    result: Understood
    told: str
    reply: str | None = None


class _Sent(Struct, frozen=True, kw_only=True):
    """A page that went to a number. `waits`: nobody has answered for its episode, and it is not over."""

    page_id: str
    episode_id: str
    person: str | None
    target: str
    declined: bool = False
    waits: bool = True


def text(connection: psycopg.Connection, channel: str, sender: str, message_id: str, body: str, now: datetime) -> Heard:
    """Takes a text from a number. One that came before, by its id, changes nothing, whoever sends it again.

    It answers the one page that waits for that number; of several it must name the letters, unless they are about the same episode.
    """
    names = {"channel": channel, "message_id": message_id, "digits": re.sub("[^0-9]", "", sender).lstrip("0"), "at": now}
    with connection.transaction():
        if connection.execute(SQL["put_reply"].encode(), names).fetchone() is None:
            return Heard(result="heard before", told="")
        sent = [_sent(row) for row in connection.execute(SQL["sent_to"].encode(), names)]
        said = understood(body)
        waiting = _waiting(sent, said)
        page = _meant(waiting, said) if said.reply is not None else None
        if not waiting:
            heard = Heard(result="nothing waits", told=TOLD["over"] if sent else "")
        elif said.reply is None:
            heard = Heard(result="not understood", told=TOLD["not understood"])
        elif page is None:
            heard = Heard(result="which", told=f"Several pages wait: reply 1 or 2 and the letters, {' or '.join(_letters(waiting))}.")
        else:
            heard = _give(connection, page, Answer(kind=said.reply, by=_name(page, channel), via="sms"), now)
        kept = names | {"page_id": page.page_id if page else None, "kind": heard.reply, "result": heard.result}
        connection.execute(SQL["understood"].encode(), kept)
        return heard


def key(connection: psycopg.Connection, channel: str, page_id: str, digits: str, now: datetime) -> Heard:
    """Takes a key that was pressed during the call about a page; pressed again it is the same answer."""
    row = connection.execute(SQL["of_channel"].encode(), {"page_id": page_id, "channel": channel}).fetchone()
    if row is None:
        return Heard(result="unknown", told="")
    reply = understood(digits).reply
    if reply is None:
        return Heard(result="not understood", told="")
    page = _Sent(page_id=page_id, episode_id="", person=row[0], target=row[1])
    return _give(connection, page, Answer(kind=reply, by=_name(page, channel), via="voice"), now)


def _give(connection: psycopg.Connection, page: _Sent, answer: Answer, now: datetime) -> Heard:
    result, _ = answers.give(connection, page.page_id, answer, now)
    return Heard(result=result, told=TOLD[f"taken {answer.kind}" if result == "taken" else result], reply=answer.kind)


def _waiting(sent: Sequence[_Sent], said: Said) -> Sequence[_Sent]:
    """What can be answered; whoever declined may still think better of it, as by the link."""
    fresh = [one for one in sent if one.waits and not one.declined]
    return fresh or ([one for one in sent if one.waits] if said.reply == "acknowledge" else [])


def _meant(waiting: Sequence[_Sent], said: Said) -> _Sent | None:
    named = [one for one in waiting if letters(one.page_id) in said.words]
    one_episode = len({one.episode_id for one in waiting}) == 1
    return named[0] if len(named) == 1 else waiting[0] if one_episode else None


def _letters(waiting: Sequence[_Sent]) -> list[str]:
    return sorted(letters(one.page_id) for one in waiting)


def _name(page: _Sent, channel: str) -> str:
    return page.person or f"{channel} {page.target}"


def _sent(row: tuple[Any, ...]) -> _Sent:
    return _Sent(page_id=row[0], episode_id=row[1], person=row[2], target=row[3], declined=row[4], waits=row[5])
