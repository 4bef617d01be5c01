"""Who calls whom: basic authentication, Twilio's signature, and the seal that Kannel brings back. Source: Twilio, Security, Validating requests are coming from Twilio."""

import base64
import hmac
from collections.abc import Iterable
from hashlib import sha1, sha256
from typing import Final
from urllib.parse import urlsplit, urlunsplit

SEAL_CHARACTERS: Final = 32
"""192 bits of HMAC-SHA256 in base64: nobody guesses one."""


def twilio_signature(url: str, form: Iterable[tuple[str, str]], token: str) -> str:
    """The X-Twilio-Signature of a form sent to that URL: HMAC-SHA1, keyed by the auth token, over the URL and the sorted names with their values.

    >>> twilio_signature("https://example.com/a", [("Digits", "1"), ("CallSid", "CA1")], "12345") == twilio_signature(
    ...     "https://example.com/a", [("CallSid", "CA1"), ("Digits", "1")], "12345")
    True
    """
    signed = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), sha1).digest()).decode()


def is_twilios(url: str, form: Iterable[tuple[str, str]], token: str, signature: str) -> bool:
    """Whether whoever sent this knows the token. Twilio may sign the URL with or without its port."""
    fields = list(form)
    return any(is_same(signature, twilio_signature(one, fields, token)) for one in _spellings(url))


def basic(user: str, password: str) -> str:
    """The Authorization header of HTTP's basic authentication. Source: RFC 7617.

    >>> basic("Aladdin", "open sesame")
    'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='
    """
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def seal(secret: str, *parts: str) -> str:
    """What only Vigil can have put into a URL about just these parts."""
    digest = hmac.new(secret.encode(), "\x00".join(parts).encode(), sha256).digest()
    return base64.urlsafe_b64encode(digest).decode()[:SEAL_CHARACTERS]


def is_sealed(given: str, secret: str, *parts: str) -> bool:
    """Whether it is that seal."""
    return is_same(given, seal(secret, *parts))


def is_same(given: str, expected: str) -> bool:
    """Compared without telling by the time it takes how much of it was right; whatever bytes a stranger sent."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def _spellings(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return url, urlunsplit(parts._replace(netloc=host)), urlunsplit(parts._replace(netloc=f"{host}:{port}"))
