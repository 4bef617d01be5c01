"""Twilio against Twilio's own library: the same requests, the same signatures, TwiML that says no more than it should; and what its answers mean."""

import asyncio
import json
import logging
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import VoiceResponse

from alerts.channels.channel import Accepted, Page, Refused
from alerts.channels.signatures import is_twilios, twilio_signature
from alerts.channels.twilio import Account, TwilioSms, TwilioVoice, spoken
from tests.callbacks import Request, sink
from tests.episodes import NOON

PAGE = Page(page_id="pg-0011223344556677aabb", tier="rapid_response", unit="4W", created_at=NOON, link="https://vigil.test/p/t0k")
SID, TOKEN, CALLBACKS = "AC" + "0" * 32, "auth-token", "https://vigil.test/provider/sms"
TO = "+44 1632 960001"


class Recorded(HttpClient):
    """What Twilio's library would have sent."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger("twilio"), is_async=False)
        self.sent: list[tuple[str, str, dict[str, Any], Any]] = []

    def request(
        self, method: str, url: str, params: Any = None, data: Any = None, headers: Any = None, auth: Any = None, **_: Any
    ) -> Response:  # type: ignore[override]
        self.sent.append((method, urlsplit(url).path, data, auth))
        return Response(201, json.dumps({"sid": "SM1"}))


def ours(
    kind: type[TwilioSms] | type[TwilioVoice], status: int = 201, body: str = '{"sid": "SM1", "status": "queued"}', **how: Any
) -> tuple[Accepted | Refused, list[Request]]:
    with sink(status=status, body=body) as provider:
        account = Account(SID, TOKEN, 5.0, url=provider.url, allow_private=True)
        outcome = asyncio.run(
            kind(account, how.get("sender", "+15005550006"), how.get("callbacks", CALLBACKS)).send(how.get("page", PAGE), how.get("to", TO))
        )
    return outcome, provider.requests


@pytest.mark.parametrize("sender", ["+15005550006", "MG" + "1" * 32])
def test_a_message_is_what_twilios_own_library_would_send(sender: str) -> None:
    outcome, [request] = ours(TwilioSms, sender=sender)
    assert outcome == Accepted(provider_ref="SM1")
    http = Recorded()
    client = Client(SID, TOKEN, http_client=http)
    way = {"messaging_service_sid": sender} if sender.startswith("MG") else {"from_": sender}
    client.messages.create(to="+441632960001", body=request.form["Body"], status_callback=f"{CALLBACKS}/status/{PAGE.page_id}", **way)
    [(method, path, data, auth)] = http.sent
    assert (request.method, request.path, request.form) == (
        method,
        path,
        {name: value for name, value in data.items() if value is not None},
    )
    assert auth == (SID, TOKEN)
    assert request.headers["Authorization"].startswith("Basic ")
    assert TOKEN not in request.path
    assert request.form["Body"].startswith(
        "RAPID RESPONSE 4W 12:00 https://vigil.test/p/t0k Reply 1 to acknowledge, 2 if you cannot come ("
    )


def test_a_call_is_what_twilios_own_library_would_send_and_says_unit_tier_and_time() -> None:
    outcome, [request] = ours(TwilioVoice)
    assert isinstance(outcome, Accepted)
    http = Recorded()
    Client(SID, TOKEN, http_client=http).calls.create(
        to="+441632960001",
        from_="+15005550006",
        timeout=30,
        twiml=request.form["Twiml"],
        status_callback=f"{CALLBACKS}/status/{PAGE.page_id}",
    )
    [(_, path, data, _)] = http.sent
    assert (request.path, request.form) == (path, {name: str(value) for name, value in data.items() if value is not None})
    heard = VoiceResponse()
    for _ in range(3):
        gather = heard.gather(num_digits=1, action=f"{CALLBACKS}/digits/{PAGE.page_id}", method="POST", timeout=5)
        gather.say("Vigil. rapid response. Unit 4 W. 12 00. Press 1 to acknowledge, 2 if you cannot come.")
    assert etree.canonicalize(request.form["Twiml"]) == etree.canonicalize(str(heard))


def test_a_unit_named_in_twiml_stays_a_name() -> None:
    unit = '4W</Say><Dial>+15551234567</Dial><Say>&"'
    told = etree.fromstring(spoken(Page(page_id="pg-1", tier="urgent", unit=unit, created_at=NOON, link=""), None).encode())
    assert {one.tag for one in told.iter()} == {"Response", "Say"}


def test_without_callbacks_no_answer_is_offered() -> None:
    assert "Reply" not in ours(TwilioSms, callbacks=None)[1][0].form["Body"]
    assert "StatusCallback" not in ours(TwilioSms, callbacks=None)[1][0].form
    assert "Gather" not in ours(TwilioVoice, callbacks=None)[1][0].form["Twiml"]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (201, "no JSON", Accepted(provider_ref=None)),
        (
            400,
            '{"code": 21211, "message": "The To number +441632960001 is not valid"}',
            Refused(permanent=True, detail="twilio: answered 400, code 21211"),
        ),
        (401, "", Refused(permanent=True, detail="twilio: answered 401")),
        (429, '{"code": 20429}', Refused(permanent=False, detail="twilio: answered 429, code 20429")),
        (503, "<html>", Refused(permanent=False, detail="twilio: answered 503")),
    ],
)
def test_what_twilio_answers_decides_whether_it_is_tried_again_and_no_number_is_told(
    status: int, body: str, expected: Accepted | Refused
) -> None:
    assert ours(TwilioSms, status, body)[0] == expected


@pytest.mark.parametrize("target", ["2222", "ann", "", "+44 1632\r\n960001x", "+441632960001&To=+1"])
def test_a_target_that_is_no_number_is_refused_before_anything_is_sent(target: str) -> None:
    for kind in (TwilioSms, TwilioVoice):
        outcome, requests = ours(kind, to=target)
        assert isinstance(outcome, Refused)
        assert (outcome.permanent, requests) == (True, [])


@pytest.mark.parametrize(("status", "told"), [(200, True), (404, True), (400, True), (503, False)])
def test_a_call_that_still_rings_is_stopped_when_somebody_else_has_answered(status: int, told: bool) -> None:
    with sink(status=status, body="{}") as provider:
        voice = TwilioVoice(Account(SID, TOKEN, 5.0, url=provider.url, allow_private=True), "+15005550006", None)
        assert asyncio.run(voice.follow("pg-1", "CA1", "acknowledged")) is told
        assert asyncio.run(voice.follow("pg-1", None, "acknowledged")) is True
    assert [(one.path, one.form) for one in provider.requests] == [(f"/2010-04-01/Accounts/{SID}/Calls/CA1.json", {"Status": "canceled"})]


FORMS = st.dictionaries(st.text(min_size=1, max_size=12), st.text(max_size=20), max_size=6)


@given(
    form=FORMS,
    path=st.sampled_from(["/provider/sms/text", "/a?b=c&d=%20", ""]),
    port=st.sampled_from(["", ":443", ":8443"]),
    token=st.text(min_size=1, max_size=32),
)
def test_signatures_are_the_same_as_twilios_own_for_every_form(form: dict[str, str], path: str, port: str, token: str) -> None:
    url = f"https://vigil.test{port}{path}"
    theirs = RequestValidator(token).compute_signature(url, form)
    assert twilio_signature(url, form.items(), token) == theirs
    assert RequestValidator(token).validate(url, form, twilio_signature(url, form.items(), token))
    assert is_twilios(url, form.items(), token, theirs)
    assert not is_twilios(url, form.items(), token + "x", theirs)
    assert not is_twilios(url, [*form.items(), ("Extra", "1")], token, theirs)


@pytest.mark.parametrize("signed_as", ["https://vigil.test/x", "https://vigil.test:443/x"])
def test_twilio_may_sign_with_or_without_the_port(signed_as: str) -> None:
    theirs = RequestValidator(TOKEN).compute_signature(signed_as, {"a": "1"})
    for url in ("https://vigil.test/x", "https://vigil.test:443/x"):
        assert is_twilios(url, [("a", "1")], TOKEN, theirs)
    assert not is_twilios("https://vigil.test/y", [("a", "1")], TOKEN, theirs)
    assert not is_twilios("https://vigil.test/x", [("a", "1")], TOKEN, "")
    assert not is_twilios("https://vigil.test/x", [("a", "1")], TOKEN, "é")
