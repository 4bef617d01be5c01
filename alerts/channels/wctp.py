"""WCTP, the Wireless Communications Transfer Protocol of paging carriers: XML over HTTP. Source: PCIA, WCTP 1.1, 2000, and its DTD wctp-dtd-v1r1."""

import time
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from alerts.channels.channel import Accepted, Page, Refused, Reply, brief, plain
from alerts.channels.egress import Egress
from alerts.channels.words import understood

VERSION: Final = "WCTP-DTD-V1R1"
DOCTYPE: Final = '<!DOCTYPE wctp-Operation SYSTEM "http://dtd.wctp.org/wctp-dtd-v1r1.dtd">'
SUCCESS: Final = "2"
"""200, acknowledged: received, and a first level of validation performed; the carrier's network has it, its pager may not."""
FOR_GOOD: Final = ("3", "4")
"""3xx are violations of the protocol (300 operation not supported, 301 cannot be parsed, 302 not valid, 303 version), 4xx are about the content (401 senderID,
402 security code, 403 recipientID, 411 too long): the same again is refused again. 5xx (processing of the message) and 6xx (604 internal error, 606 service
unavailable) speak of the carrier's moment and are tried again. Sources: PCIA, WCTP 1.1, error codes, as listed on wctp.info, "WCTP Technical Specifications";
411, 604 and 606 as NotifiUs/wctp-gateway answers them."""
OF_THE_MOMENT: Final = frozenset({"304"})
"""304: cannot be accepted until waiting messages are polled; the only 3xx that passes (wctp.info, as above)."""
CHOICES: Final = ("Acknowledge", "Decline")
LONGEST_WAIT_S: Final = 300.0
"""A carrier may say how long to leave it in peace between queries; nobody's answer waits longer than that for it."""


class Wctp:
    """One way: an enterprise's SubmitRequest, with the page's id as messageID. Two way: a client's SubmitClientMessage with choices, and queries.

    Accepted means that the carrier answered with a success code. Neither promises that an id seen before is not sent again: it may repeat.
    """

    def __init__(self, url: str, sender: str, code: str, timeout_s: float, *, two_way: bool = False, allow_private: bool = False) -> None:
        self._url, self._sender, self._code, self._two_way = url, sender, code, two_way
        self._egress = Egress("wctp", timeout_s, allow_private=allow_private)
        self._quiet_until = 0.0

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        """Accepted by a success code; a failure is for good as FOR_GOOD and OF_THE_MOMENT say."""
        found = await self._ask(_client_message(page, target, self._sender) if self._two_way else self._request(page, target))
        if isinstance(found, Refused):
            return found
        success = found.find(".//wctp-ClientSuccess" if self._two_way else ".//wctp-Success")
        if success is not None and success.get("successCode", "").startswith(SUCCESS):
            tracking = success.get("trackingNumber")
            return Accepted(provider_ref=f"{plain(tracking)} {plain(target)}"[:200] if tracking else None)
        failure = found.find(".//wctp-Failure")
        code = plain(failure.get("errorCode", "")) if failure is not None else ""
        if not code:
            return Refused(permanent=False, detail="wctp: answered with neither success nor failure", unknown=True)
        return Refused(permanent=code.startswith(FOR_GOOD) and code not in OF_THE_MOMENT, detail=f"wctp: answered {code[:3]}")

    async def reply(self, provider_ref: str) -> Reply | None:
        """What was answered to the page of that tracking number and recipient; None where nothing was, or nobody knows."""
        if not self._two_way or time.monotonic() < self._quiet_until:
            return None
        tracking, _, recipient = provider_ref.partition(" ")
        query = etree.Element("wctp-ClientQuery", senderID=self._sender, recipientID=recipient, trackingNumber=tracking)
        found = await self._ask(query)
        if isinstance(found, Refused):
            return None
        self._heed(found)
        for text in found.iterfind(".//wctp-ClientMessageReply/wctp-Payload/wctp-Alphanumeric"):
            meant = understood(text.text or "").reply
            if meant is not None:
                return meant
        return None

    def _heed(self, found: etree._Element) -> None:
        asked = next((one.get("minNextPollInterval", "") for one in found.iter("wctp-ClientQueryResponse")), "")
        self._quiet_until = time.monotonic() + min(LONGEST_WAIT_S, float(asked)) if asked.isdigit() else 0.0

    def _request(self, page: Page, target: str) -> etree._Element:
        request = etree.Element("wctp-SubmitRequest")
        header = etree.SubElement(request, "wctp-SubmitHeader", submitTimestamp=_stamp())
        code = {"securityCode": self._code} if self._code else {}
        etree.SubElement(header, "wctp-Originator", {"senderID": self._sender} | code)
        etree.SubElement(header, "wctp-MessageControl", messageID=page.page_id, allowResponse="false", deliveryPriority="HIGH")
        etree.SubElement(header, "wctp-Recipient", recipientID=plain(target))
        etree.SubElement(etree.SubElement(request, "wctp-Payload"), "wctp-Alphanumeric").text = brief(page)
        return request

    async def _ask(self, operation: etree._Element) -> etree._Element | Refused:
        answer = await self._egress.post(self._url, _document(operation), headers={"content-type": "text/xml; charset=UTF-8"})
        if isinstance(answer, Refused):
            return answer
        refused = answer.refusal("wctp")
        if refused is not None:
            return refused
        try:
            return etree.fromstring(answer.body, _careful())
        except (etree.XMLSyntaxError, ValueError):
            return Refused(permanent=False, detail="wctp: answered with what is no XML", unknown=True)


def _client_message(page: Page, target: str, sender: str) -> etree._Element:
    message = etree.Element("wctp-SubmitClientMessage")
    header = etree.SubElement(message, "wctp-SubmitClientHeader", submitTimestamp=_stamp())
    etree.SubElement(header, "wctp-ClientOriginator", senderID=sender)
    etree.SubElement(header, "wctp-ClientMessageControl", allowResponse="true", deliveryPriority="HIGH")
    etree.SubElement(header, "wctp-Recipient", recipientID=plain(target))
    choice = etree.SubElement(etree.SubElement(message, "wctp-Payload"), "wctp-MCR")
    etree.SubElement(choice, "wctp-MessageText").text = brief(page)
    for one in CHOICES:
        etree.SubElement(choice, "wctp-Choice").text = one
    return message


def _document(operation: etree._Element) -> bytes:
    root = etree.Element("wctp-Operation", wctpVersion=VERSION)
    root.append(operation)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", doctype=DOCTYPE)
    return written


def _careful() -> etree.XMLParser:
    """No entity is expanded, no DTD or network read, whatever a carrier, or somebody in between, answers."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False)


def _stamp() -> str:
    """The provider's time is the real one, as it is for everything that travels (WCTP 1.1: yyyy-mm-ddThh:mm:ss, UTC)."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
