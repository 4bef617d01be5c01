"""The channels that the settings name: checked at the start, so that a wrong or unsafe one is told before anybody needs it."""

import ssl
from collections.abc import Mapping, Set
from typing import Final
from urllib.parse import urlsplit

from alerts.channels.apprise import Apprise
from alerts.channels.channel import Answering, Channel, Filing, Following
from alerts.channels.hl7 import Hl7
from alerts.channels.kannel import Kannel
from alerts.channels.kinds import KINDS, may_carry_patient
from alerts.channels.pagerduty import PagerDuty
from alerts.channels.smtp import Smtp
from alerts.channels.snpp import Snpp
from alerts.channels.twilio import Account, TwilioSms, TwilioVoice
from alerts.channels.wctp import Wctp
from alerts.channels.webhook import Webhook
from infra.settings import ChannelSettings, PageSettings, TritonSettings
from scoring.watched import WATCHED

SOCKETS: Final = frozenset({"snpp", "smtp", "hl7"})
"""Kinds whose address is HOST:PORT; the others speak HTTP."""

MODEL: Final = TritonSettings().model
"""The name under which the model's own score goes, unless `triton.model` gives it another."""


class ChannelError(Exception):
    """A channel's settings are wrong; the second line says what to do."""


def channels(settings: PageSettings, board: str = "", model: str = MODEL) -> Mapping[str, Channel]:
    """By name. `board`: where providers reach the board, for receipts and replies; `model`: the name of its score. Raises ChannelError for settings that are wrong or unsafe."""
    for name, one in settings.channels.items():
        _check(name, one, model)
    return {name: _channel(name, one, settings.timeout_s, board.rstrip("/")) for name, one in settings.channels.items()}


def answering(settings: PageSettings, ways: Mapping[str, Channel]) -> Mapping[str, Answering]:
    """Those of the channels that are asked for what was pressed."""
    return {name: way for name, way in ways.items() if isinstance(way, Snpp | Wctp) and settings.channels[name].two_way}


def filing(settings: PageSettings, ways: Mapping[str, Channel]) -> Mapping[str, Filing]:
    """Those that are told of scores which raise nothing."""
    return {name: way for name, way in ways.items() if isinstance(way, Hl7) and settings.channels[name].write_when != "alert"}


def following(settings: PageSettings, ways: Mapping[str, Channel]) -> Mapping[str, Following]:
    """Those whose provider is told how a page ended; a terminal only where it gives tags to take pages back by."""
    two_way = {name for name, one in settings.channels.items() if one.two_way}
    return {
        name: way for name, way in ways.items() if isinstance(way, TwilioVoice | PagerDuty) or (isinstance(way, Snpp) and name in two_way)
    }


def _check(name: str, one: ChannelSettings, model: str) -> None:
    where, kind = f"page.channels.{name}", KINDS.get(one.kind)
    if kind is None:
        raise ChannelError(f"{where}: {one.kind} is no kind of channel\nuse {', '.join(list(KINDS)[:-1])} or {list(KINDS)[-1]}")
    for needed in kind.needs:
        if not getattr(one, needed):
            raise ChannelError(f"{where}: {one.kind} needs {needed}\nset {where}.{needed}; what it means stands in infra/docs/channels.md")
    if one.kind not in SOCKETS and one.address:
        _check_url(where, one)
    _check_patient(where, one)
    _check_write_back(where, one, {*WATCHED, "news2", model})


def _check_write_back(where: str, one: ChannelSettings, known: Set[str]) -> None:
    if one.write_when == "alert":
        if one.write_back or one.write_to:
            raise ChannelError(f'{where}: names scores to write back, and when = never\nset {where}.write_when = "band" or "every"')
        return
    if one.kind != "hl7":
        raise ChannelError(f"{where}: {one.kind} files no scores\nonly hl7 does; leave write_when out")
    unknown = sorted(set(one.write_back) - known)
    if unknown or not one.write_back:
        raise ChannelError(f"{where}: write_back names {', '.join(unknown) or 'no score'}\nname some of {', '.join(sorted(known))}")
    if not one.write_to:
        raise ChannelError(f'{where}: nobody is named to write scores back to\nset {where}.write_to = "APPLICATION/FACILITY"')


def _check_url(where: str, one: ChannelSettings) -> None:
    try:
        parts = urlsplit(one.address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ChannelError(f"{where}: the address is no URL\nwrite it like https://provider.example/path")
    if parts.username or parts.password:
        raise ChannelError(f"{where}: the address holds a password\nput it into {where}.secret: addresses are written into logs")
    if parts.scheme == "http" and one.secret and one.kind != "webhook" and not one.allow_private:
        raise ChannelError(
            f"{where}: the secret would travel in the clear\nuse https, or allow_private = true for a gateway in your own network"
        )


def _check_patient(where: str, one: ChannelSettings) -> None:
    """What names a patient goes only where somebody has said that it may, and where it is encrypted all the way that Vigil can see."""
    if one.kind == "hl7" and one.carries != "patient":
        raise ChannelError(f'{where}: hl7 names the patient\nset carries = "patient", encrypted = true and approved_by, or do not use it')
    if one.carries != "patient":
        return
    if not KINDS[one.kind].patient:
        raise ChannelError(f'{where}: {one.kind} is not encrypted up to its reader and never carries a patient\nset carries = "unit"')
    if not may_carry_patient(one):
        raise ChannelError(f"{where}: carries patients, but is not said to be encrypted and approved\nset encrypted = true and approved_by")
    if not (one.tls if one.kind in SOCKETS else urlsplit(one.address).scheme == "https"):
        raise ChannelError(f"{where}: carries patients, but is not encrypted\n{'set tls = true' if one.kind in SOCKETS else 'use https'}")


def _channel(name: str, one: ChannelSettings, timeout_s: float, board: str) -> Channel:
    if one.kind in SOCKETS:
        return _socket(name, one, timeout_s)
    callbacks = f"{board}/provider/{name}" if one.two_way and board else None
    private = one.allow_private
    match one.kind:
        case "wctp":
            return Wctp(one.address, one.sender, one.secret, timeout_s, two_way=one.two_way, allow_private=private)
        case "webhook":
            return Webhook(one.address, one.secret, timeout_s, allow_private=private)
        case "kannel":
            return Kannel(one.address, one.user, one.secret, one.sender, timeout_s, callbacks=callbacks, allow_private=private)
        case "pagerduty":
            return PagerDuty(one.secret, timeout_s, url=one.address, allow_private=private)
        case "apprise":
            return _apprise(name, one, timeout_s)
        case _:
            account = Account(one.user, one.secret, timeout_s, url=one.address.rstrip("/"), allow_private=private)
            return (TwilioSms if one.kind == "twilio_sms" else TwilioVoice)(account, one.sender, callbacks)


def _apprise(name: str, one: ChannelSettings, timeout_s: float) -> Apprise:
    try:
        return Apprise(one.secret, timeout_s, allow_private=one.allow_private)
    except ValueError as error:
        raise ChannelError(
            f"page.channels.{name}: the secret is no URL that Apprise knows\nlook for the service's in Apprise's own pages"
        ) from error


def _socket(name: str, one: ChannelSettings, timeout_s: float) -> Channel:
    host, port = _address(name, one.address)
    context = _tls(name, one) if one.tls else None
    match one.kind:
        case "snpp":
            return Snpp(host, port, timeout_s, context, two_way=one.two_way)
        case "hl7" if context is not None:
            return Hl7(host, port, timeout_s, context, one.sender)
        case _:
            return Smtp(host, port, timeout_s, sender=one.sender or "vigil@localhost", context=context)


def _tls(name: str, one: ChannelSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=one.tls_ca or None)
        if one.tls_cert:
            context.load_cert_chain(one.tls_cert, one.tls_key or None)
    except OSError as error:
        raise ChannelError(f"page.channels.{name}: the certificates cannot be used\ntls_ca, tls_cert and tls_key are PEM files") from error
    return context


def _address(name: str, address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ChannelError(f"page.channels.{name}: {address} is no HOST:PORT\nwrite it like pager.example:444")
    return host, int(port)
