"""A patient nobody has: a message through the whole path, from MLLP to a score in the database, to know that the path is open."""

import asyncio
import ssl as tls
import time

import psycopg

from infra.clock import Clock
from infra.database.connect import connect
from infra.database.sql import statements
from infra.settings import FeedSettings
from parsers.envelope import peek
from streams import synthetic
from streams.sender import MllpSender, NotAnswered, answer_of

SQL = statements("streams", "sampling.sql")

LOOK_S = 0.2


async def beat(feed: FeedSettings, url: str, clock: Clock, within_s: float) -> float | None:
    """Sends one message to a feed and waits for its score. Real seconds that took, or None where it was not there `within_s` later."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(within_s):
            raw = synthetic.message(clock.now())
            if not await sent(feed, raw, within_s):
                return None
            scored = await asyncio.to_thread(_scored, url, raw, began + within_s)
    except (TimeoutError, OSError, NotAnswered, psycopg.Error):
        return None
    return time.monotonic() - began if scored else None


async def sent(feed: FeedSettings, raw: bytes, within_s: float) -> bool:
    """Sends one message to a feed; whether it was acknowledged with AA. Raises OSError, NotAnswered."""
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
    names = {"patient_id": synthetic.HEARTBEAT, "control_id": envelope.control_id, "sent_by": envelope.sent_by}
    with connect(url, application="vigil-watch", autocommit=True) as connection:
        while time.monotonic() < deadline:
            found = connection.execute(SQL["heard"].encode(), names).fetchone()
            if found is not None and found[0] > 0:
                return True
            time.sleep(LOOK_S)
    return False
