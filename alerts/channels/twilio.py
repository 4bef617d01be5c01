"""Twilio: a text message or a telephone call a page, answered by a reply or a key. Source: Twilio's REST API of 2010-04-01, Messages, Calls, and TwiML."""

import re
from typing import Final
from urllib.parse import quote

import msgspec
from lxml import etree
from msgspec import Struct

from alerts.channels.channel import Accepted, Ending, Page, Refused, brief, plain
from alerts.channels.egress import Answered, Egress
from alerts.channels.signatures import basic
from alerts.channels.words import OFFER, letters

URL: Final = "https://api.twilio.com"
NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")
"""E.164: what Twilio takes, and what replies come from."""
RING_S: Final = 30
"""Shorter than most voice mails wait: a machine that picks up would count as a person."""
SAID_TIMES: Final = 3
"""Whoever is woken by it misses the first."""


class Taken(Struct):
    """What Twilio answers to a message or a call that it has taken."""

    sid: str


class Fault(Struct):
    """What it answers otherwise; its own text is left where it is, for it repeats the number."""

    code: int | None = None


class Account:
    """One account's REST API. Neither Messages nor Calls knows an idempotency key: an attempt whose outcome is unknown may repeat, and the text says so."""

    def __init__(self, sid: str, token: str, timeout_s: float, *, url: str = URL, allow_private: bool = False) -> None:
        self._headers, self._root = {"Authorization": basic(sid, token)}, f"{url or URL}/2010-04-01/Accounts/{quote(sid, safe='')}"
        self._egress = Egress("twilio", timeout_s, allow_private=allow_private)

    async def post(self, resource: str, form: dict[str, str]) -> Accepted | Refused:
        """2xx accepts, with the resource's SID; a number that cannot be reached (400) and a wrong token (401) are permanent."""
        answer = await self._egress.post(f"{self._root}/{resource}.json", form, headers=self._headers)
        if not isinstance(answer, Answered):
            return answer
        refused = answer.refusal("twilio", _fault(answer.body))
        return refused or Accepted(provider_ref=_sid(answer.body))


class TwilioSms:
    """One message a page. `callbacks`: where receipts and replies are to come, the board's `/provider/NAME`; None for none."""

    def __init__(self, account: Account, sender: str, callbacks: str | None) -> None:
        self._account, self._sender, self._callbacks = account, sender, callbacks

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        """A target that is no telephone number is refused here, for good."""
        number = number_of(target)
        if number is None:
            return Refused(permanent=True, detail="twilio: the target is no number like +441632960001")
        form = {"To": number, "Body": brief(page)}
        form |= {"MessagingServiceSid": self._sender} if self._sender.startswith("MG") else {"From": self._sender}
        if self._callbacks is not None:
            form["Body"] += f" {OFFER} ({letters(page.page_id)})"
            form["StatusCallback"] = f"{self._callbacks}/status/{page.page_id}"
        return await self._account.post("Messages", form)


class TwilioVoice:
    """One call a page: said three times over, with a key to press where `callbacks` is set."""

    def __init__(self, account: Account, sender: str, callbacks: str | None) -> None:
        self._account, self._sender, self._callbacks = account, sender, callbacks

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        """Accepted means that Twilio will dial; nobody picking up is told by the status callback, and passes the page on."""
        number = number_of(target)
        if number is None:
            return Refused(permanent=True, detail="twilio: the target is no number like +441632960001")
        form = {"To": number, "From": self._sender, "Timeout": str(RING_S), "Twiml": spoken(page, self._digits(page.page_id))}
        if self._callbacks is not None:
            form["StatusCallback"] = f"{self._callbacks}/status/{page.page_id}"
        return await self._account.post("Calls", form)

    async def follow(self, page_id: str, provider_ref: str | None, ending: Ending) -> bool:
        """Stops a call that still rings: `canceled` leaves one that is being listened to alone."""
        if provider_ref is None:
            return True
        told = await self._account.post(f"Calls/{quote(provider_ref, safe='')}", {"Status": "canceled"})
        return isinstance(told, Accepted) or told.permanent

    def _digits(self, page_id: str) -> str | None:
        return f"{self._callbacks}/digits/{page_id}" if self._callbacks is not None else None


def spoken(page: Page, action: str | None) -> str:
    """The TwiML of a page: what is said, and where the key that is pressed is told. The elements are built, not pasted: a unit's name stays a name."""
    unit = " ".join(re.findall(r"[A-Za-z]+|\d", plain(page.unit or "unknown")))
    again = " This page may repeat an earlier one." if page.may_repeat else ""
    text = f"Vigil. {page.tier.replace('_', ' ')}. Unit {unit}. {page.created_at:%H %M}.{again}"
    return said(text, action=action)


def said(text: str, *, action: str | None = None) -> str:
    """TwiML that says a text, three times with the keys offered where `action` is given, once and hangs up otherwise."""
    response = etree.Element("Response")
    if action is None:
        etree.SubElement(response, "Say").text = text
    for _ in range(SAID_TIMES if action is not None else 0):
        gather = etree.SubElement(response, "Gather", numDigits="1", action=action, method="POST", timeout="5")
        etree.SubElement(gather, "Say").text = f"{text} Press 1 to acknowledge, 2 if you cannot come."
    return _written(response)


def texted(text: str) -> str:
    """TwiML that answers a text message; an empty text answers nothing."""
    response = etree.Element("Response")
    if text:
        etree.SubElement(response, "Message").text = text
    return _written(response)


def number_of(target: str) -> str | None:
    """A telephone number as people write it, in E.164.

    >>> number_of("+44 1632 960-001"), number_of("2222"), number_of("+1\\r\\nX: 1")
    ('+441632960001', None, None)
    """
    bare = re.sub(r"[ ()./-]", "", target)
    return bare if NUMBER.fullmatch(bare) else None


def _written(response: etree._Element) -> str:
    return str(etree.tostring(response, xml_declaration=True, encoding="UTF-8"), "utf-8")


def _sid(body: bytes) -> str | None:
    try:
        return msgspec.json.decode(body, type=Taken).sid[:64]
    except msgspec.DecodeError:
        return None


def _fault(body: bytes) -> str:
    try:
        code = msgspec.json.decode(body, type=Fault).code
    except msgspec.DecodeError:
        return ""
    return f", code {code}" if code is not None else ""
