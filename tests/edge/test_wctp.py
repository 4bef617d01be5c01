"""WCTP against a carrier that checks every operation by the DTD: what is submitted, what is asked after, and what hostile names and answers do."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from aiohttp import web
from lxml import etree

from alerts.channels.channel import Accepted, Page, Refused, Reply
from alerts.channels.wctp import Wctp
from tests.callbacks import free_port, served
from tests.episodes import NOON

DTD = """
<!ELEMENT wctp-Operation (wctp-ClientQuery | wctp-SubmitClientMessage | wctp-SubmitRequest)>
<!ATTLIST wctp-Operation wctpVersion CDATA #REQUIRED wctpToken CDATA #IMPLIED>
<!ELEMENT wctp-ClientQuery EMPTY>
<!ATTLIST wctp-ClientQuery senderID CDATA #REQUIRED recipientID CDATA #REQUIRED trackingNumber CDATA #REQUIRED>
<!ELEMENT wctp-SubmitClientMessage (wctp-SubmitClientHeader, wctp-Payload)>
<!ELEMENT wctp-SubmitClientHeader (wctp-ClientOriginator, wctp-ClientMessageControl?, wctp-Recipient)>
<!ATTLIST wctp-SubmitClientHeader submitTimestamp CDATA #IMPLIED>
<!ELEMENT wctp-ClientOriginator EMPTY>
<!ATTLIST wctp-ClientOriginator senderID CDATA #REQUIRED miscInfo CDATA #IMPLIED>
<!ELEMENT wctp-ClientMessageControl EMPTY>
<!ATTLIST wctp-ClientMessageControl allowResponse (true|false) "true" deliveryPriority (HIGH|NORMAL|LOW) "NORMAL">
<!ELEMENT wctp-SubmitRequest (wctp-SubmitHeader, wctp-Payload)>
<!ELEMENT wctp-SubmitHeader (wctp-Originator, wctp-MessageControl, wctp-Recipient)>
<!ATTLIST wctp-SubmitHeader submitTimestamp CDATA #IMPLIED>
<!ELEMENT wctp-Originator EMPTY>
<!ATTLIST wctp-Originator senderID CDATA #REQUIRED securityCode CDATA #IMPLIED miscInfo CDATA #IMPLIED>
<!ELEMENT wctp-MessageControl EMPTY>
<!ATTLIST wctp-MessageControl messageID CDATA #REQUIRED allowResponse (true|false) "true" deliveryPriority (HIGH|NORMAL|LOW) "NORMAL">
<!ELEMENT wctp-Recipient EMPTY>
<!ATTLIST wctp-Recipient recipientID CDATA #REQUIRED authorizationCode CDATA #IMPLIED>
<!ELEMENT wctp-Payload (wctp-MCR | wctp-Alphanumeric)>
<!ELEMENT wctp-MCR (wctp-MessageText, wctp-Choice+)>
<!ELEMENT wctp-MessageText (#PCDATA)>
<!ELEMENT wctp-Choice (#PCDATA)>
<!ELEMENT wctp-Alphanumeric (#PCDATA)>
"""
"""WCTP 1.1's content models of what Vigil sends, as wctp-dtd-v1r1 declares them."""
PAGE = Page(page_id="pg-0011", tier="urgent", unit='4W"/><wctp-x>&amp;]]>', created_at=NOON, link="https://vigil.test/p/t0k")


class Carrier:
    """Answers as told, after it has checked what came."""

    def __init__(self) -> None:
        self.url, self.answer, self.seen = "", "", list[etree._Element]()

    async def take(self, request: web.Request) -> web.Response:
        root = etree.fromstring(await request.read())
        dtd = etree.DTD(StringIO(DTD))
        if not dtd.validate(root):
            return web.Response(
                text=operation(f'<wctp-Confirmation><wctp-Failure errorCode="302">{len(dtd.error_log)}</wctp-Failure></wctp-Confirmation>')
            )
        self.seen.append(root)
        return web.Response(text=self.answer, content_type="text/xml")


@contextmanager
def carrier(answer: str) -> Iterator[Carrier]:
    one, port = Carrier(), free_port()
    one.url, one.answer = f"http://127.0.0.1:{port}/wctp", answer
    application = web.Application()
    application.router.add_post("/wctp", one.take)
    with served(application, port):
        yield one


def operation(inner: str) -> str:
    return f'<?xml version="1.0"?><!DOCTYPE wctp-Operation SYSTEM "http://dtd.wctp.org/wctp-dtd-v1r1.dtd"><wctp-Operation wctpVersion="WCTP-DTD-V1R1">{inner}</wctp-Operation>'


def confirmed(inner: str) -> str:
    return operation(f"<wctp-Confirmation>{inner}</wctp-Confirmation>")


SUCCESS = confirmed('<wctp-Success successCode="200" successText="Accepted"/>')
CLIENT_SUCCESS = operation(
    '<wctp-SubmitClientResponse><wctp-ClientSuccess successCode="200" trackingNumber="T77"/></wctp-SubmitClientResponse>'
)


def replied(text: str) -> str:
    head = '<wctp-ClientResponseHeader><wctp-Originator senderID="5551"/><wctp-Recipient recipientID="vigil"/></wctp-ClientResponseHeader>'
    return operation(
        f'<wctp-ClientQueryResponse minNextPollInterval="30"><wctp-ClientMessage><wctp-ClientMessageReply>{head}<wctp-Payload>'
        f"<wctp-Alphanumeric>{text}</wctp-Alphanumeric></wctp-Payload></wctp-ClientMessageReply></wctp-ClientMessage></wctp-ClientQueryResponse>"
    )


def test_a_page_is_submitted_by_the_dtd_and_names_stay_names() -> None:
    with carrier(SUCCESS) as one:
        channel = Wctp(one.url, "vigil", "s3cret", 5.0, allow_private=True)
        assert asyncio.run(channel.send(PAGE, '5551"><wctp-Recipient recipientID="9')) == Accepted()
    [seen] = one.seen
    assert seen.find(".//wctp-Recipient").get("recipientID") == '5551"><wctp-Recipient recipientID="9'
    assert len(seen.findall(".//wctp-Recipient")) == 1
    assert seen.find(".//wctp-MessageControl").get("messageID") == "pg-0011"
    assert seen.find(".//wctp-Originator").get("securityCode") == "s3cret"
    assert seen.findtext(".//wctp-Alphanumeric") == 'URGENT 4W"/><wctp-x>&amp;]]> 12:00 https://vigil.test/p/t0k'


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (confirmed('<wctp-Failure errorCode="403" errorText="no such 5551"/>'), Refused(permanent=True, detail="wctp: answered 403")),
        (confirmed('<wctp-Failure errorCode="302"/>'), Refused(permanent=True, detail="wctp: answered 302")),
        (confirmed('<wctp-Failure errorCode="304"/>'), Refused(permanent=False, detail="wctp: answered 304")),
        (confirmed('<wctp-Failure errorCode="411"/>'), Refused(permanent=True, detail="wctp: answered 411")),
        (confirmed('<wctp-Failure errorCode="606"/>'), Refused(permanent=False, detail="wctp: answered 606")),
        (confirmed('<wctp-Failure errorCode="504"/>'), Refused(permanent=False, detail="wctp: answered 504")),
        (confirmed('<wctp-Failure errorCode="604"/>'), Refused(permanent=False, detail="wctp: answered 604")),
        (
            confirmed('<wctp-Success successCode="500"/>'),
            Refused(permanent=False, detail="wctp: answered with neither success nor failure", unknown=True),
        ),
        ("<html>hello", Refused(permanent=False, detail="wctp: answered with what is no XML", unknown=True)),
        ("", Refused(permanent=False, detail="wctp: answered with what is no XML", unknown=True)),
    ],
)
def test_what_a_carrier_answers_decides_whether_it_is_tried_again(answer: str, expected: Refused) -> None:
    with carrier(answer) as one:
        assert asyncio.run(Wctp(one.url, "vigil", "", 5.0, allow_private=True).send(PAGE, "5551")) == expected


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (replied("Acknowledge"), "acknowledge"),
        (replied("Decline"), "decline"),
        (replied("2"), "decline"),
        (replied("who is this?"), None),
        (operation("<wctp-ClientQueryResponse><wctp-NoMessages/></wctp-ClientQueryResponse>"), None),
        ("<nonsense", None),
    ],
)
def test_a_two_way_page_offers_choices_and_is_asked_after(answer: str, reply: Reply | None) -> None:
    with carrier(CLIENT_SUCCESS) as one:
        channel = Wctp(one.url, "vigil", "", 5.0, two_way=True, allow_private=True)
        sent = asyncio.run(channel.send(PAGE, "5551"))
        assert sent == Accepted(provider_ref="T77 5551")
        one.answer = answer
        assert asyncio.run(channel.reply("T77 5551")) == reply
    assert [choice.text for choice in one.seen[0].iter("wctp-Choice")] == ["Acknowledge", "Decline"]
    assert dict(one.seen[1][0].attrib) == {"senderID": "vigil", "recipientID": "5551", "trackingNumber": "T77"}


def test_a_carrier_that_asks_for_peace_is_left_in_peace() -> None:
    with carrier(replied("Acknowledge")) as one:
        channel = Wctp(one.url, "vigil", "", 5.0, two_way=True, allow_private=True)
        assert [asyncio.run(channel.reply("T77 5551")) for _ in range(3)] == ["acknowledge", None, None]
    assert len(one.seen) == 1


def test_an_answer_with_entities_reads_no_file_and_blows_up_nothing() -> None:
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 20}">' for n in range(1, 12))
    hostile = (
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "200">{bomb}<!ENTITY f SYSTEM "file:///etc/passwd">]><wctp-Operation wctpVersion="&a11;">'
        '<wctp-Confirmation><wctp-Failure errorCode="403">&f;&a11;</wctp-Failure></wctp-Confirmation></wctp-Operation>'
    )
    with carrier(hostile) as one:
        outcome = asyncio.run(Wctp(one.url, "vigil", "", 5.0, allow_private=True).send(PAGE, "5551"))
    assert isinstance(outcome, Refused)
    assert "root:" not in outcome.detail
