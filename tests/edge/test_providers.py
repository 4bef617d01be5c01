"""What providers call back, on a real board and database: receipts, texts and keys; and everything that is forged, replayed or guessed."""

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from lxml import etree
from twilio.request_validator import RequestValidator

from alerts import outbox, receipts
from alerts.channels.signatures import seal
from alerts.channels.words import letters
from alerts.outbox import Claimed
from alerts.routing import Route
from infra.database.connect import connect
from infra.settings import ChannelSettings
from tests.callbacks import board
from tests.episodes import NOON, Bedside, claim

SID, TOKEN, OUTSIDE = "AC" + "0" * 32, "auth-token", "https://vigil.test"
FORM = "application/x-www-form-urlencoded"
NUMBER, OTHER = "+441632960001", "+441632960002"
PASSWORD = "p4ss"
CHANNELS = {
    "sms": ChannelSettings(kind="twilio_sms", user=SID, secret=TOKEN, sender="+15005550006", two_way=True),
    "call": ChannelSettings(kind="twilio_voice", user=SID, secret=TOKEN, sender="+15005550006", two_way=True),
    "smpp": ChannelSettings(kind="kannel", address="http://k/", user="vigil", secret="p4ss", two_way=True, allow_private=True),
    "quiet": ChannelSettings(kind="twilio_sms", user=SID, secret=TOKEN, sender="+15005550006"),
}


class Story:
    """A ward whose every tier goes to one channel, and the board that its provider calls."""

    def __init__(self, bedside: Bedside, url: str) -> None:
        self.bedside, self.url = bedside, url
        self._texts = 0

    def page(self, mrn: str = "1", ref: str | None = "SM1") -> Claimed:
        """A patient gets worse, and the provider accepts the page."""
        self.bedside.take(8, mrn=mrn)
        [page] = claim(self.bedside)
        if ref is not None:
            self.accept(page, ref)
        return page

    def accept(self, page: Claimed, ref: str) -> None:
        with connect(self.bedside.url, autocommit=True) as connection:
            outbox.accepted(connection, page, ref, NOON)

    def post(
        self, path: str, form: dict[str, str], *, token: str = TOKEN, signed_for: str | None = None, signature: str | None = None
    ) -> tuple[int, str]:
        """A request that Twilio's own library has signed."""
        form = {"AccountSid": SID} | form
        given = signature if signature is not None else RequestValidator(token).compute_signature(signed_for or OUTSIDE + path, form)
        return self.send(path, urlencode(form).encode(), {"X-Twilio-Signature": given, "Content-Type": FORM})

    def send(self, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, str]:
        line = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            line.request("GET" if body is None else "POST", path, body, headers)
            answer = line.getresponse()
            return answer.status, answer.read().decode()
        finally:
            line.close()

    def text(self, body: str, *, sender: str = NUMBER, sid: str | None = None, channel: str = "sms", **how: Any) -> str:
        """What the telephone that sent this text is told; empty where nothing."""
        self._texts += 1
        form = {"From": sender, "To": "+15005550006", "Body": body, "MessageSid": sid or f"IN{self._texts}"}
        status, told = self.post(f"/provider/{channel}/text", form, **how)
        assert status == 200, told
        return etree.fromstring(told.encode()).findtext("Message") or ""

    def state(self) -> list[tuple[Any, ...]]:
        return self.bedside.ask("SELECT state, acknowledged_by, declined_by FROM vigil_store.page ORDER BY queued_at")


@contextmanager
def story(url: str, channel: str, target: str = NUMBER) -> Iterator[Story]:
    bedside = Bedside(url, routes=[Route(tier="rapid_response", channel=channel, target=target)])
    with board(bedside, CHANNELS, OUTSIDE) as where:
        yield Story(bedside, where)


@pytest.mark.parametrize(
    ("body", "told", "state"),
    [
        ("1", "Acknowledged, thank you.", ("acknowledged", "sms +44 1632 960001", None)),
        ("ACK on my way", "Acknowledged, thank you.", ("acknowledged", "sms +44 1632 960001", None)),
        ("2", "Noted: the next person is paged.", ("accepted", None, "sms +44 1632 960001")),
        ("No. In theatre", "Noted: the next person is paged.", ("accepted", None, "sms +44 1632 960001")),
        ("who is this?", "Not understood. Reply 1 to acknowledge, 2 if you cannot come, or use the page's link.", ("accepted", None, None)),
        ("", "Not understood. Reply 1 to acknowledge, 2 if you cannot come, or use the page's link.", ("accepted", None, None)),
    ],
)
def test_a_text_answers_the_page_that_waits_for_its_number(postgres_url: str, body: str, told: str, state: tuple[Any, ...]) -> None:
    with story(postgres_url, "sms", "+44 1632 960001") as one:
        one.page()
        assert one.text(body) == told
        assert one.state() == [state]


def test_whoever_declined_may_think_better_of_it_and_after_that_is_told_that_it_is_answered(postgres_url: str) -> None:
    with story(postgres_url, "sms") as one:
        one.page()
        assert one.text("2") == "Noted: the next person is paged."
        assert one.text("2") == "It is answered or over already."
        assert one.text("1") == "Acknowledged, thank you."
        assert one.text("1") == "It is answered or over already."
        assert one.state() == [("acknowledged", f"sms {NUMBER}", f"sms {NUMBER}")]


def test_a_sender_without_digits_answers_no_page_whose_target_has_none(postgres_url: str) -> None:
    with story(postgres_url, "sms", "team") as one:
        one.page()
        assert one.text("1", sender="VIGIL") == ""
        assert one.state() == [("accepted", None, None)]


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"a=1&" * 300, b"--x\r\n", b""])
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Twilio-Signature": "\xe9\xff"},
        {"X-Twilio-Signature": "x", "Content-Type": "multipart/form-data"},
        {"Content-Type": FORM + "; charset=bogus"},
        {"Authorization": "Basic \xe9"},
    ],
)
def test_whatever_bytes_a_stranger_sends_he_is_refused(postgres_url: str, body: bytes, headers: dict[str, str]) -> None:
    with story(postgres_url, "sms") as one:
        for path in ("/provider/sms/text", "/provider/smpp/text", "/provider/sms/status/pg-1", "/provider/call/digits/pg-1"):
            assert one.send(path, body, headers)[0] == 403


def test_an_answer_by_text_is_in_the_audit_log_with_the_way_it_came(postgres_url: str) -> None:
    with story(postgres_url, "sms") as one:
        one.page()
        one.text("1")
        assert one.bedside.ask("SELECT actor, action, detail ->> 'via' FROM vigil.audit_log") == [(f"sms {NUMBER}", "acknowledge", "sms")]
        assert one.bedside.metrics.registry.get_sample_value("vigil_answers_total", {"kind": "acknowledge", "result": "taken"}) == 1


def test_where_several_patients_wait_the_letters_say_which_and_without_them_none_is_answered(postgres_url: str) -> None:
    with story(postgres_url, "sms") as one:
        pages = [one.page(mrn, f"SM{mrn}") for mrn in ("1", "2")]
        asked = one.text("1")
        assert asked.startswith("Several pages wait")
        assert all(letters(page.page_id) in asked for page in pages)
        assert [row[0] for row in one.state()] == ["accepted", "accepted"]
        assert one.text(f"1 {letters(pages[1].page_id).lower()}") == "Acknowledged, thank you."
        assert one.bedside.ask("SELECT page_id FROM vigil.pages WHERE state = 'acknowledged'") == [(pages[1].page_id,)]
        assert one.text("2") == "Noted: the next person is paged."


def test_a_text_from_a_number_that_was_sent_no_page_answers_nothing_and_is_told_nothing(postgres_url: str) -> None:
    with story(postgres_url, "sms") as one:
        one.page()
        assert one.text("1", sender=OTHER) == ""
        assert one.text("1", sender="+4" + NUMBER[1:]) == ""
        assert one.state() == [("accepted", None, None)]


def test_a_text_may_come_before_the_providers_acceptance_is_known(postgres_url: str) -> None:
    with story(postgres_url, "sms") as one:
        one.page(ref=None)
        assert one.text("1") == "Acknowledged, thank you."
        assert one.state() == [("acknowledged", f"sms {NUMBER}", None)]


def test_a_text_that_is_replayed_answers_no_later_page(postgres_url: str) -> None:
    """A signature has no time in it: what was true once is true for ever, but it counts once."""
    with story(postgres_url, "sms") as one:
        one.page("1", "SM1")
        assert one.text("1", sid="IN-old") == "Acknowledged, thank you."
        one.page("2", "SM2")
        for _ in range(3):
            assert one.text("1", sid="IN-old") == ""
        assert [row[0] for row in one.state()] == ["acknowledged", "accepted"]
        assert one.bedside.ask("SELECT message_id, result FROM vigil_store.provider_reply") == [("IN-old", "taken")]


def test_what_a_text_says_is_kept_nowhere(postgres_url: str) -> None:
    with story(postgres_url, "sms") as one:
        one.page()
        one.text("1 for Mrs CANARY")
        rows = one.bedside.ask(
            "SELECT r::text FROM vigil_store.provider_reply AS r UNION ALL SELECT a::text FROM vigil_store.audit_log AS a"
        )
        assert rows
        assert not [row for (row,) in rows if "CANARY" in row]


FORGED: list[dict[str, Any]] = [
    {"token": "guessed"}, {"token": ""}, {"signature": ""}, {"signature": "AAAA"}, {"signature": "\u00e9"},
    {"signed_for": "https://other.test/provider/sms/text"}, {"signed_for": f"{OUTSIDE}/provider/quiet/text"},
]  # fmt: skip


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_callback_changes_nothing(postgres_url: str, how: dict[str, Any]) -> None:
    with story(postgres_url, "sms") as one:
        page = one.page()
        text = {"From": NUMBER, "Body": "1", "MessageSid": "IN1"}
        status = {"MessageSid": "SM1", "MessageStatus": "undelivered"}
        how = {name: value.encode().decode("latin-1") if name == "signature" else value for name, value in how.items()}
        assert one.post("/provider/sms/text", text, **how)[0] == 403
        assert one.post(f"/provider/sms/status/{page.page_id}", status, **how)[0] == 403
        assert one.state() == [("accepted", None, None)]
        assert one.bedside.ask("SELECT count(*) FROM vigil_store.receipt") == [(0,)]


def test_a_callback_that_was_changed_on_its_way_changes_nothing(postgres_url: str) -> None:
    with story(postgres_url, "sms") as one:
        page = one.page()
        form = {"AccountSid": SID, "From": NUMBER, "Body": "2", "MessageSid": "IN1"}
        signature = RequestValidator(TOKEN).compute_signature(f"{OUTSIDE}/provider/sms/text", form)
        for changed in ({"Body": "1"}, {"From": OTHER}, {"MessageSid": "IN2"}, {"Extra": "1"}):
            assert (
                one.send("/provider/sms/text", urlencode(form | changed).encode(), {"X-Twilio-Signature": signature, "Content-Type": FORM})[
                    0
                ]
                == 403
            )
        assert (
            one.send(
                f"/provider/sms/status/{page.page_id}", urlencode(form).encode(), {"X-Twilio-Signature": signature, "Content-Type": FORM}
            )[0]
            == 403
        )
        assert (
            one.send("/provider/sms/text?x=1", urlencode(form).encode(), {"X-Twilio-Signature": signature, "Content-Type": FORM})[0] == 403
        )
        assert one.post("/provider/sms/text", form | {"AccountSid": "AC" + "1" * 32})[0] == 403
        assert one.state() == [("accepted", None, None)]


@pytest.mark.parametrize(
    "path",
    [
        "/provider/quiet/text",
        "/provider/nobody/text",
        "/provider/smpp/status/x",
        "/provider/sms/digits/x",
        "/provider/call/text",
        "/provider/call/report/x/y",
    ],
)
def test_a_channel_that_is_one_way_or_another_kind_takes_no_callback(postgres_url: str, path: str) -> None:
    with story(postgres_url, "quiet") as one:
        one.page()
        assert one.post(path, {"From": NUMBER, "Body": "1", "MessageSid": "IN1"})[0] in (404, 405)
        assert one.state() == [("accepted", None, None)]


@pytest.mark.parametrize(
    ("status", "state", "delivered"),
    [
        ("queued", "accepted", False),
        ("sent", "accepted", False),
        ("delivered", "accepted", True),
        ("undelivered", "failed", False),
        ("failed", "failed", False),
    ],
)
def test_a_receipt_is_matched_and_what_was_not_delivered_has_failed(postgres_url: str, status: str, state: str, delivered: bool) -> None:
    with story(postgres_url, "sms") as one:
        page = one.page()
        for _ in range(2):
            assert (
                one.post(f"/provider/sms/status/{page.page_id}", {"MessageSid": "SM1", "MessageStatus": status, "ErrorCode": "30003"})[0]
                == 204
            )
        counted = one.bedside.metrics.registry.get_sample_value("vigil_pages_total", {"channel": "sms", "outcome": "undelivered"})
        assert counted == (1 if state == "failed" else None)
        error = f"twilio: {status}, code 30003" if state == "failed" else None
        assert one.bedside.ask("SELECT state, delivered_at IS NOT NULL, last_error FROM vigil.pages") == [(state, delivered, error)]


def test_a_receipt_that_overtakes_the_acceptance_waits_for_it(postgres_url: str) -> None:
    with story(postgres_url, "sms") as one:
        page = one.page(ref=None)
        one.post(f"/provider/sms/status/{page.page_id}", {"MessageSid": "SM1", "MessageStatus": "undelivered"})
        assert one.state() == [("sending", None, None)]
        one.accept(page, "SM1")
        with connect(one.bedside.url, autocommit=True) as connection:
            assert list(receipts.apply(connection, NOON)) == ["sms"]
            assert list(receipts.apply(connection, NOON)) == []
        assert one.state() == [("failed", None, None)]


def test_a_receipt_for_an_earlier_attempt_or_an_answered_page_or_another_channels_undoes_nothing(postgres_url: str) -> None:
    with story(postgres_url, "sms") as one:
        page = one.page("1", "SM2")
        failed = {"MessageStatus": "failed"}
        assert one.post(f"/provider/sms/status/{page.page_id}", failed | {"MessageSid": "SM1"})[0] == 204
        assert one.post(f"/provider/call/status/{page.page_id}", failed | {"CallSid": "SM2"})[0] == 204
        assert one.post("/provider/sms/status/pg-guessed", failed | {"MessageSid": "SM2"})[0] == 204
        assert one.state() == [("accepted", None, None)]
        one.text("1")
        assert one.post(f"/provider/sms/status/{page.page_id}", failed | {"MessageSid": "SM2"})[0] == 204
        assert one.state() == [("acknowledged", f"sms {NUMBER}", None)]


@pytest.mark.parametrize(
    ("digits", "told", "state"),
    [
        ("1", "Acknowledged, thank you.", ("acknowledged", f"call {NUMBER}", None)),
        ("2", "Noted: the next person is paged.", ("accepted", None, f"call {NUMBER}")),
        ("7", "That was no answer. Press 1 to acknowledge, 2 if you cannot come.", ("accepted", None, None)),
        ("", "That was no answer. Press 1 to acknowledge, 2 if you cannot come.", ("accepted", None, None)),
    ],
)
def test_a_key_that_is_pressed_answers_and_pressed_again_is_the_same_answer(
    postgres_url: str, digits: str, told: str, state: tuple[Any, ...]
) -> None:
    with story(postgres_url, "call") as one:
        page = one.page(ref="CA1")
        said = [
            etree.fromstring(one.post(f"/provider/call/digits/{page.page_id}", {"CallSid": "CA1", "Digits": digits})[1].encode())
            for _ in range(2)
        ]
        assert said[0].findtext(".//Say") == told
        assert one.state() == [state]
        assert one.bedside.ask("SELECT DISTINCT count(*) FROM vigil.answers GROUP BY kind") in ([], [(1,)])
        if digits == "7":
            assert said[0].find("Gather").get("action") == f"{OUTSIDE}/provider/call/digits/{page.page_id}"


@pytest.mark.parametrize(
    ("status", "state"), [("completed", "accepted"), ("no-answer", "failed"), ("busy", "failed"), ("canceled", "accepted")]
)
def test_a_call_that_nobody_takes_has_not_reached_anybody(postgres_url: str, status: str, state: str) -> None:
    with story(postgres_url, "call") as one:
        page = one.page(ref="CA1")
        assert one.post(f"/provider/call/status/{page.page_id}", {"CallSid": "CA1", "CallStatus": status})[0] == 204
        assert [row[0] for row in one.state()] == [state]


def test_a_key_for_a_page_that_does_not_exist_or_went_another_way_answers_nothing(postgres_url: str) -> None:
    with story(postgres_url, "sms") as one:
        page = one.page()
        for page_id in (page.page_id, "pg-guessed", page.token):
            assert "nothing to answer" in one.post(f"/provider/call/digits/{page_id}", {"CallSid": "CA1", "Digits": "1"})[1]
        assert one.state() == [("accepted", None, None)]


def kannel(
    one: Story, body: str, *, user: str = "vigil", password: str = PASSWORD, time: str = "2026-03-01 12:06:00", sender: str = NUMBER[1:]
) -> tuple[int, str]:
    headers = {
        "Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode(), "X-Kannel-From": sender, "X-Kannel-To": "1234",
        "X-Kannel-Time": time, "Content-Type": "text/plain; charset=ISO-8859-1",
    }  # fmt: skip
    return one.send("/provider/smpp/text", body.encode("latin-1"), headers)


def test_kannel_brings_a_text_once_and_only_with_its_password(postgres_url: str) -> None:
    with story(postgres_url, "smpp") as one:
        one.page("1", "")
        for user, password in (("vigil", "guessed"), ("other", "p4ss"), ("", "")):
            assert kannel(one, "1", user=user, password=password)[0] == 403
        assert one.send("/provider/smpp/text", b"1", {"X-Kannel-From": NUMBER})[0] == 403
        assert one.state() == [("accepted", None, None)]
        assert kannel(one, "1 merci à vous") == (200, "Acknowledged, thank you.")
        one.page("2", "")
        assert kannel(one, "1 merci à vous") == (200, "")
        assert [row[0] for row in one.state()] == ["acknowledged", "accepted"]


@pytest.mark.parametrize(("status", "state"), [("1", "accepted"), ("2", "failed"), ("16", "failed"), ("8", "accepted"), ("x", "accepted")])
def test_a_delivery_report_counts_only_with_its_pages_own_seal(postgres_url: str, status: str, state: str) -> None:
    with story(postgres_url, "smpp") as one:
        page, other = one.page("1", ""), one.page("2", "")
        for forged in ("x" * 32, seal("guessed", page.page_id), seal("p4ss", other.page_id), seal("p4ss", page.page_id)[:-1]):
            assert one.send(f"/provider/smpp/report/{page.page_id}/{forged}?status=2", None, {})[0] == 403
        assert one.state() == [("accepted", None, None)] * 2
        assert one.send(f"/provider/smpp/report/{page.page_id}/{seal('p4ss', page.page_id)}?status={status}", None, {})[0] == 202
        assert one.bedside.ask("SELECT state FROM vigil.pages WHERE page_id = %s", page.page_id) == [(state,)]


def test_a_page_that_is_too_old_or_over_is_not_answered_by_text(postgres_url: str) -> None:
    with story(postgres_url, "sms") as one:
        one.page()
        one.bedside.do("UPDATE vigil_store.page SET queued_at = now() - interval '3 hours'")
        assert one.text("1") == ""
        one.bedside.do("UPDATE vigil_store.page SET queued_at = now()")
        one.bedside.do("UPDATE vigil_store.episode SET state = 'resolved', closed_at = %s", NOON + timedelta(minutes=1))
        assert one.text("1") == "It is answered or over already."
        assert one.state() == [("accepted", None, None)]


def test_a_database_that_is_away_has_the_provider_call_again(postgres_url: str) -> None:
    bedside = Bedside(postgres_url)
    bedside.url = "postgresql://vigil@127.0.0.1:1/vigil"
    with board(bedside, CHANNELS, OUTSIDE) as where:
        assert Story(bedside, where).post("/provider/sms/text", {"From": NUMBER, "Body": "1", "MessageSid": "IN1"})[0] == 503


def test_the_same_text_told_many_times_at_the_same_instant_counts_once(postgres_url: str) -> None:
    with story(postgres_url, "sms") as one:
        one.page()
        together = threading.Barrier(4)

        def told(_: int) -> str:
            together.wait()
            return one.text("1", sid="IN7")

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(told, range(4))) == ["", "", "", "Acknowledged, thank you."]
        assert one.bedside.ask("SELECT count(*) FROM vigil.answers") == [(1,)]
        assert one.bedside.ask("SELECT count(*) FROM vigil.audit_log") == [(1,)]


@pytest.mark.parametrize("hostile", ["\0", "+44\0", "' OR 1=1 --", "\ufffd" * 5000, "%00"])
def test_a_signed_callback_with_anything_in_it_crashes_nothing(postgres_url: str, hostile: str) -> None:
    with story(postgres_url, "sms") as one:
        one.page()
        assert one.post("/provider/sms/text", {"From": hostile, "Body": hostile, "MessageSid": hostile})[0] in (200, 400, 413)
        assert one.post("/provider/sms/text", {"From": NUMBER, "Body": hostile, "MessageSid": "IN1"})[0] in (200, 413)
        assert one.post("/provider/call/digits/pg-1", {"CallSid": hostile, "Digits": hostile})[0] in (200, 413)
        assert one.post("/provider/sms/status/pg%00", {"MessageSid": hostile, "MessageStatus": "failed"})[0] == 404
        assert one.post("/provider/sms/status/pg-1", {"MessageSid": hostile, "MessageStatus": hostile, "ErrorCode": hostile})[0] in (
            204,
            413,
        )
        assert one.state() == [("accepted", None, None)]
