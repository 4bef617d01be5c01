"""What providers call back: receipts, text messages and keys that were pressed; nothing is believed that is not signed with the channel's secret."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

import psycopg
from aiohttp import web

from alerts import receipts, texts
from alerts.board.ask import Ask
from alerts.channels.signatures import basic, is_same, is_sealed, is_twilios
from alerts.channels.twilio import said, texted
from alerts.receipts import Delivery
from alerts.texts import Heard
from infra.logs import logger
from infra.metrics import Metrics
from infra.settings import ChannelSettings

TWILIO: Final[Mapping[str, Delivery]] = {
    "delivered": "delivered", "completed": "delivered", "undelivered": "failed", "failed": "failed", "busy": "failed", "no-answer": "failed",
}  # fmt: skip
"""MessageStatus and CallStatus; what stands between (queued, sent, ringing) says nothing yet, and `canceled` is what Vigil did itself."""
KANNEL: Final[Mapping[str, Delivery]] = {"1": "delivered", "2": "failed", "16": "failed"}
"""The values of `%d` in a delivery report."""

MOST_FIELDS: Final = 200
"""Of a callback; Twilio sends some forty."""

log = logger("alerts")


class Providers:
    """Routes below /provider/NAME for two-way channels of the settings. `base`: what the board's address is to the providers, for they sign the URL."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection], channels: Mapping[str, ChannelSettings], base: str, metrics: Metrics, now: Callable[[], datetime]
    ) -> None:  # fmt: skip
        self._ask, self._base, self._metrics, self._now = (
            Ask(connect, "the database does not answer; call again"),
            base.rstrip("/"),
            metrics,
            now,
        )
        self._channels = {name: one for name, one in channels.items() if one.two_way and one.secret}

    def add_to(self, application: web.Application) -> None:
        """Adds the routes."""
        application.router.add_post("/provider/{channel}/text", self.text)
        application.router.add_post(r"/provider/{channel}/status/{page:[\w-]+}", self.status)
        application.router.add_post(r"/provider/{channel}/digits/{page:[\w-]+}", self.digits)
        application.router.add_get(r"/provider/{channel}/report/{page:[\w-]+}/{seal:[\w-]+}", self.report)

    async def status(self, request: web.Request) -> web.Response:
        """Twilio's status callback of a message or a call."""
        channel, form = await self._twilio(request, "twilio_sms", "twilio_voice")
        status = form.get("MessageStatus") or form.get("CallStatus") or ""
        outcome, ref = TWILIO.get(status), form.get("MessageSid") or form.get("CallSid") or ""
        if outcome is not None:
            code = form.get("ErrorCode", "")
            await self._receipt(channel, request, ref[:64], outcome, f"twilio: {status}" + (f", code {code[:8]}" if code.isdigit() else ""))
        return web.Response(status=204)

    async def report(self, request: web.Request) -> web.Response:
        """Kannel's delivery report; the seal in its URL is about this page and this channel alone."""
        channel, settings = self._named(request, "kannel")
        if not is_sealed(request.match_info["seal"], settings.secret, request.match_info["page"]):
            raise self._forged(channel)
        status = request.query.get("status", "")
        if status in KANNEL:
            await self._receipt(channel, request, "", KANNEL[status], f"kannel: report {status}")
        return web.Response(status=202)

    async def digits(self, request: web.Request) -> web.Response:
        """A key pressed in a call. A wrong key is asked for again."""
        channel, form = await self._twilio(request, "twilio_voice")
        page = request.match_info["page"]
        heard = await self._ask(lambda connection: texts.key(connection, channel, page, form.get("Digits", ""), self._now()))
        self._tell(channel, heard)
        if heard.result == "not understood":
            return _twiml(said("That was no answer.", action=self._url(request)))
        return _twiml(said(heard.told or "There is nothing to answer."))

    async def text(self, request: web.Request) -> web.Response:
        """An incoming text message, from Twilio (a form, signed) or from Kannel (its own headers, with user and password)."""
        channel, settings = self._named(request, "twilio_sms", "kannel")
        if settings.kind == "twilio_sms":
            _, form = await self._twilio(request, "twilio_sms")
            sender, message_id, body = form.get("From", ""), form.get("MessageSid", ""), form.get("Body", "")
        else:
            self._log_in(channel, settings, request)
            sender, message_id = _header(request, "From"), "/".join(_header(request, name) for name in ("From", "To", "Time"))
            body = (await request.read()).decode(
                "latin-1"
            )  # the words that are understood are ASCII in each of Kannel's charsets but UTF-16
        if not sender or not message_id:
            raise web.HTTPBadRequest(text="who sent it, and which message is it?")
        heard = await self._ask(lambda connection: texts.text(connection, channel, sender, message_id[:64], body, self._now()))
        self._tell(channel, heard)
        return _twiml(texted(heard.told)) if settings.kind == "twilio_sms" else web.Response(text=heard.told)

    def _named(self, request: web.Request, *kinds: str) -> tuple[str, ChannelSettings]:
        channel = request.match_info["channel"]
        settings = self._channels.get(channel)
        if settings is None or settings.kind not in kinds:
            raise web.HTTPNotFound(text="no such channel calls back")
        return channel, settings

    async def _twilio(self, request: web.Request, *kinds: str) -> tuple[str, Mapping[str, str]]:
        """The fields of a request that whoever knows the auth token has signed, for this URL."""
        channel, settings = self._named(request, *kinds)
        form = _fields(await request.read())
        signature = request.headers.get("X-Twilio-Signature", "")
        if not is_twilios(self._url(request), form, settings.secret, signature) or dict(form).get("AccountSid") != settings.user:
            raise self._forged(channel)
        return channel, {name: value.replace("\0", "") for name, value in form}

    def _url(self, request: web.Request) -> str:
        return f"{self._base}{request.raw_path}"

    def _log_in(self, channel: str, settings: ChannelSettings, request: web.Request) -> None:
        if not is_same(request.headers.get("Authorization", ""), basic(settings.user, settings.secret)):
            raise self._forged(channel)

    def _forged(self, channel: str) -> web.HTTPForbidden:
        log.warning("callback_refused", channel=channel)
        return web.HTTPForbidden(text="this is signed by nobody we know")

    async def _receipt(self, channel: str, request: web.Request, ref: str, outcome: Delivery, detail: str) -> None:
        page = request.match_info["page"]
        failed = await self._ask(lambda connection: receipts.put(connection, channel, page, ref, outcome, detail, self._now()))
        for one in failed:
            self._metrics.pages_total.labels(channel=one, outcome="undelivered").inc()
        log.info("page_receipt", page=page, channel=channel, outcome=outcome, detail=detail)

    def _tell(self, channel: str, heard: Heard) -> None:
        if heard.reply is not None:
            self._metrics.answers_total.labels(kind=heard.reply, result=heard.result).inc()
        log.info("text_heard", channel=channel, result=heard.result, kind=heard.reply)


def _fields(body: bytes) -> list[tuple[str, str]]:
    """Of a form; none of what is no form."""
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return []


def _header(request: web.Request, name: str) -> str:
    """Of Kannel's. It sends no id of a text: who, to whom and when, to the second, is the same when it calls again."""
    return request.headers.get(f"X-Kannel-{name}", "").encode("ascii", "ignore").decode()


def _twiml(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/xml", headers={"Cache-Control": "no-store"})
