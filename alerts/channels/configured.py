"""The channels that the settings name."""

from collections.abc import Mapping

from alerts.channels.channel import Answering, Channel
from alerts.channels.smtp import Smtp
from alerts.channels.snpp import Snpp
from alerts.channels.webhook import Webhook
from infra.settings import ChannelSettings, PageSettings


class ChannelError(Exception):
    """A channel's settings are wrong; the second line says what to do."""


def channels(settings: PageSettings) -> Mapping[str, Channel]:
    """By name. Raises ChannelError for an unknown kind or an address without a port."""
    return {name: _channel(name, one, settings.timeout_s) for name, one in settings.channels.items()}


def answering(settings: PageSettings, ways: Mapping[str, Channel]) -> Mapping[str, Answering]:
    """Those of the channels whose devices can answer."""
    return {name: way for name, way in ways.items() if isinstance(way, Snpp) and settings.channels[name].two_way}


def _channel(name: str, one: ChannelSettings, timeout_s: float) -> Channel:
    match one.kind:
        case "snpp":
            host, port = _address(name, one.address)
            return Snpp(host, port, timeout_s, one.tls, two_way=one.two_way)
        case "smtp":
            host, port = _address(name, one.address)
            return Smtp(host, port, timeout_s, sender=one.sender or "vigil@localhost", tls=one.tls)
        case "webhook":
            return Webhook(one.address, one.secret, timeout_s)
        case _:
            raise ChannelError(f"page.channels.{name}: {one.kind} is no kind of channel\nuse snpp, smtp or webhook")


def _address(name: str, address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ChannelError(f"page.channels.{name}: {address} is no HOST:PORT\nwrite it like pager.example:444")
    return host, int(port)
