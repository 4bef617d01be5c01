"""A page for a patient nobody has, through the whole path: MLLP, score, decision, outbox, provider, and back as an answer where the test target can give one."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import psycopg

from alerts import synthetic as trial
from infra.clock import Clock
from infra.database.connect import connect
from infra.settings import FeedSettings
from streams import heartbeat, synthetic
from streams.sender import NotAnswered

Stage = Literal["arrived", "not_received", "not_raised", "not_accepted", "not_answered", "database_away"]

SAID: Final[dict[Stage, str]] = {
    "arrived": "arrived", "not_received": "the listener did not acknowledge its message", "not_raised": "no score raised it",
    "not_accepted": "no provider accepted it", "not_answered": "it was accepted, and the test target did not answer",
    "database_away": "the database does not answer",
}  # fmt: skip

AGAIN_S: Final = 5.0
"""Before the next message about the same patient: a policy may want several scores in a row, and one message may be lost to a restart."""
LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """How far the page came. `took_s`: real seconds from the message to the provider's acceptance, or to the answer where one is wanted."""

    stage: Stage
    took_s: float | None = None


async def rehearse(feed: FeedSettings, turn: int, url: str, clock: Clock, *, within_s: float, answered: bool) -> Rehearsed:
    """One trial by one feed. What it opens it ends, and what an earlier one that was killed has left open too. Never raises for what is away."""
    number = synthetic.number_for(feed.name, turn)
    patient_id = f"{synthetic.AUTHORITY}:{number}"
    began = time.monotonic()
    reached: list[Stage] = ["not_received"]
    try:
        await asyncio.to_thread(_end, url, patient_id, clock.now())
        async with asyncio.timeout(within_s):
            while True:
                raw = synthetic.message(clock.now(), number, synthetic.SICK)
                if await heartbeat.sent(feed, raw, within_s):
                    await asyncio.to_thread(_follow, url, patient_id, answered, reached)
                else:
                    await asyncio.sleep(AGAIN_S)
                if reached[-1] == "arrived":
                    return Rehearsed(stage="arrived", took_s=time.monotonic() - began)
    except psycopg.Error:
        return Rehearsed(stage="database_away")
    except (TimeoutError, OSError, NotAnswered):
        return Rehearsed(stage=reached[-1])
    finally:
        await asyncio.to_thread(_end_if_possible, url, patient_id, clock.now())


def _follow(url: str, patient_id: str, answered: bool, reached: list[Stage]) -> None:
    """Looks until the page has arrived, for so long that another message is due."""
    deadline = time.monotonic() + AGAIN_S
    with connect(url, application="vigil-watch", autocommit=True) as connection:
        while time.monotonic() < deadline and reached[-1] != "arrived":
            stage = _stage(trial.standing(connection.cursor(), patient_id), answered)
            if stage != reached[-1]:
                reached.append(stage)
            time.sleep(0 if stage == "arrived" else LOOK_S)


def _stage(found: trial.Standing | None, answered: bool) -> Stage:
    if found is None:
        return "not_raised"
    if found.acknowledged or (found.accepted and not answered):
        return "arrived"
    return "not_answered" if found.accepted else "not_accepted"


def _end(url: str, patient_id: str, now: datetime) -> None:
    with connect(url, application="vigil-watch") as connection:
        trial.end(connection.cursor(), patient_id, now)


def _end_if_possible(url: str, patient_id: str, now: datetime) -> None:
    """Where the database is away the next trial ends it."""
    try:
        _end(url, patient_id, now)
    except psycopg.Error:
        return
