"""A patient nobody has: a message through the whole path, from MLLP to a score in the database, to know that the path is open."""

import asyncio
import ssl as tls
import time
from datetime import datetime

import psycopg

from infra.clock import Clock
from infra.database.connect import connect
from infra.database.sql import statements
from infra.settings import FeedSettings
from parsers.envelope import peek
from streams.sender import MllpSender, NotAnswered, answer_of

SQL = statements("streams", "sampling.sql")

OPENING = b"MSH|^~\\&|VIGIL|VIGIL|"
"""Of these messages; a feed on which nothing else comes is silent."""

PATIENT_ID = "VIGIL:HEARTBEAT"
"""The authority is Vigil's own, so that no hospital's number can be it."""

LOOK_S = 0.2

_VITALS = (
    ("8867-4^Heart rate^LN", "72", "/min"), ("9279-1^Respiratory rate^LN", "14", "/min"), ("59408-5^Oxygen saturation^LN", "98", "%"),
    ("8480-6^Systolic blood pressure^LN", "124", "mm[Hg]"), ("8310-5^Body temperature^LN", "36.8", "Cel"),
    ("3151-8^Inhaled oxygen flow rate^LN", "0", "L/min"), ("67775-7^Level of responsiveness^LN", "A", ""),
)  # fmt: skip
"""NEWS2 of 0: nobody is ever paged for this patient."""


def message(now: datetime) -> bytes:
    """An ORU^R01 of vital signs, processing id P like any other.

    >>> from datetime import UTC
    >>> message(datetime(2026, 3, 1, 12, tzinfo=UTC)).split(b"\\r")[1]
    b'PID|1||HEARTBEAT^^^VIGIL^MR'
    """
    at = now.strftime("%Y%m%d%H%M%S.%f%z")
    lines = [
        f"{OPENING.decode()}VIGIL|VIGIL|{at}||ORU^R01^ORU_R01|HB{now:%Y%m%d%H%M%S%f}|P|2.5.1",
        "PID|1||HEARTBEAT^^^VIGIL^MR",
        f"OBR|1||HB{now:%Y%m%d%H%M%S%f}|85353-1^Vital signs^LN|||{at}",
        *(
            f"OBX|{n}|{'ST' if value == 'A' else 'NM'}|{code}||{value}|{unit}|||||F|||{at}"
            for n, (code, value, unit) in enumerate(_VITALS, 1)
        ),
    ]
    return "".join(f"{line}\r" for line in lines).encode()


async def beat(feed: FeedSettings, url: str, clock: Clock, within_s: float) -> float | None:
    """Sends one message to a feed and waits for its score. Real seconds that took, or None where it was not there `within_s` later."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(within_s):
            raw = message(clock.now())
            if not await _sent(feed, raw, within_s):
                return None
            scored = await asyncio.to_thread(_scored, url, raw, began + within_s)
    except (TimeoutError, OSError, NotAnswered, psycopg.Error):
        return None
    return time.monotonic() - began if scored else None


async def _sent(feed: FeedSettings, raw: bytes, within_s: float) -> bool:
    sender = MllpSender(answer_s=within_s)
    await sender.connect(feed.host, feed.port, _trusting(feed) if feed.tls_cert else None)
    try:
        return answer_of(await sender.send(raw)) == "AA"
    finally:
        await sender.close()


def _trusting(feed: FeedSettings) -> tls.SSLContext:
    """Trusts the listener's own certificate and no other; its name does not matter, as the address is our own."""
    context = tls.create_default_context(cafile=feed.tls_cert)
    context.check_hostname = False
    if feed.tls_client_ca:
        context.load_cert_chain(feed.tls_cert, feed.tls_key)
    return context


def _scored(url: str, raw: bytes, deadline: float) -> bool:
    """Whether the score of this very message came before the deadline, a reading of the monotonic clock."""
    envelope = peek(raw)
    names = {"patient_id": PATIENT_ID, "control_id": envelope.control_id, "sent_by": envelope.sent_by}
    with connect(url, application="vigil-watch", autocommit=True) as connection:
        while time.monotonic() < deadline:
            found = connection.execute(SQL["heard"].encode(), names).fetchone()
            if found is not None and found[0] > 0:
                return True
            time.sleep(LOOK_S)
    return False
