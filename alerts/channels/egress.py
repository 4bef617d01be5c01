"""HTTP that leaves the hospital: one guarded POST; no redirects, no proxy from the environment, no private address unless the channel's settings allow it."""

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from msgspec import Struct

from alerts.channels.channel import Refused

MOST_BYTES: Final = 65_536
"""Of an answer: no provider says more, and one gone wrong must not fill the memory."""
TRY_AGAIN: Final = frozenset({408, 409, 423, 425, 429})
"""4xx answers that speak of the moment and not of the request."""
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address behind a translator."""


class Answered(Struct, frozen=True, kw_only=True):
    """What the provider said; `body` is cut at MOST_BYTES, and empty where it could not be read."""

    status: int
    body: bytes

    def refusal(self, who: str, detail: str = "") -> Refused | None:
        """What an answer other than 2xx means; None for 2xx. 4xx is permanent, except where it speaks of the moment."""
        if 200 <= self.status < 300:
            return None
        permanent = 400 <= self.status < 500 and self.status not in TRY_AGAIN
        return Refused(permanent=permanent, detail=f"{who}: answered {self.status}{detail}")


class Egress:
    """`who` begins what is told of failures. The address is looked at when the socket is made, after the name was resolved: a name that
    turns to another address between a check and a connection gains nothing."""

    def __init__(self, who: str, timeout_s: float, *, allow_private: bool = False) -> None:
        self._who, self._allow_private = who, allow_private
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=timeout_s / 2)

    async def post(
        self, url: str, data: bytes | str | Mapping[str, str], *, headers: Mapping[str, str] | None = None
    ) -> Answered | Refused:
        """Sends it once; a mapping goes as a form. What happened before the request was sent is known not to have arrived; later nobody knows."""
        kept_out: list[str] = []
        connector = aiohttp.TCPConnector(socket_factory=self._guard(kept_out))
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=self._timeout, trust_env=False) as session,
                session.post(url, data=data, headers=headers, allow_redirects=False) as answer,
            ):
                return Answered(status=answer.status, body=await _read(answer))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            if kept_out:
                return Refused(permanent=True, detail=f"{self._who}: a private address; set allow_private = true if it is meant")
            return Refused(permanent=False, detail=f"{self._who}: {type(error).__name__}")
        except (aiohttp.InvalidURL, ValueError):
            return Refused(permanent=True, detail=f"{self._who}: this cannot be sent; look at the address and the target")
        except TimeoutError:
            return Refused(permanent=False, detail=f"{self._who}: no answer in time", unknown=True)
        except (aiohttp.ClientError, OSError) as error:
            return Refused(permanent=False, detail=f"{self._who}: {type(error).__name__}", unknown=True)

    def _guard(self, kept_out: list[str]) -> Any:
        def made(info: tuple[Any, ...]) -> socket.socket:
            family, kind, protocol, _, address = info
            if not self._allow_private and is_private(str(address[0])):
                kept_out.append("private")
                raise PermissionError("a private address")
            return socket.socket(family=family, type=kind, proto=protocol)

        return made


def is_private(address: str) -> bool:
    """Whether an IP address is anything but one of the public Internet, also where it is wrapped in another; what is no address counts as private.

    >>> [is_private(one) for one in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "0.0.0.0")]
    [True, True, True, True, True, True, True, True]
    >>> [is_private(one) for one in ("9.9.9.9", "2620:fe::fe")]
    [False, False]
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return True
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (ipaddress.IPv4Address(int(found) & 0xFFFFFFFF) if found in _NAT64 else None)
        if inner is not None:
            return is_private(str(inner))
    return not found.is_global or found.is_multicast


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The provider has answered: whatever becomes of the rest of what it says, its status stands."""
    body = bytearray()
    try:
        async for part in answer.content.iter_chunked(4096):
            body += part
            if len(body) >= MOST_BYTES:
                break
    except (aiohttp.ClientError, TimeoutError, OSError):
        return b""
    return bytes(body[:MOST_BYTES])
