"""What a reply in a person's own words means, on a pager or a telephone; and the letters that tell one page from another in it."""

from hashlib import blake2b
from typing import Final

from msgspec import Struct

from alerts.channels.channel import Reply

MEANINGS: Final[dict[str, Reply]] = {
    "1": "acknowledge", "01": "acknowledge", "ack": "acknowledge", "acknowledge": "acknowledge", "yes": "acknowledge",
    "2": "decline", "02": "decline", "decline": "decline", "no": "decline",
}  # fmt: skip
"""What a reply begins with; anything else is no answer, and the page escalates as if there were none."""
LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels: three of them spell no word."""
OFFER: Final = "Reply 1 to acknowledge, 2 if you cannot come"


class Said(Struct, frozen=True, kw_only=True):
    """`words`: the others, in capitals, among which the page's letters may be."""

    reply: Reply | None
    words: frozenset[str]


def understood(text: str) -> Said:
    """What was meant.

    >>> understood("1").reply, understood("No, in theatre").reply, understood("who is this?").reply
    ('acknowledge', 'decline', None)
    >>> sorted(understood("ack bcd, on my way").words)
    ['BCD', 'MY', 'ON', 'WAY']
    """
    first, *rest = [word.strip(".,;:!'\"()") for word in text[:200].split()] or [""]
    return Said(reply=MEANINGS.get(first.lower()), words=frozenset(word.upper() for word in rest))


def letters(page_id: str) -> str:
    """Three letters that tell a page from the others that the same person may have just then; no secret.

    >>> len(letters("pg-1")), letters("pg-1") == letters("pg-1")
    (3, True)
    """
    digest = blake2b(page_id.encode(), digest_size=3).digest()
    return "".join(LETTERS[byte % len(LETTERS)] for byte in digest)
