"""Hands scores over to EHRs: claimed under a lease, sent under the same control id each time, the newest only; an outage leaves nothing to catch up on."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

import psycopg
from msgspec import Struct

from alerts.channels.channel import Accepted, Chart, Filing, Finding, Refused
from alerts.gate import Gate
from alerts.write_back import SQL
from infra.logs import logger
from infra.metrics import Metrics
from infra.settings import PageSettings

AT_ONCE: Final = 8
"""Messages under way to one EHR; its alerts go beside them."""
LONGEST_RETRY_S: Final = 60.0

log = logger("alerts")


class Claimed(Struct, frozen=True, kw_only=True):
    """A score that this pager may hand over until its lease ends. `patient_id`: under which it is kept; `current_id`: who that is today."""

    channel: str
    patient_id: str
    current_id: str
    name: str
    score_id: str
    encounter_id: str | None
    version: str
    value: float
    as_of: datetime
    attempts: int
    patient_class: str | None
    unit: str | None
    bed: str | None

    @property
    def control_id(self) -> str:
        """MSH-10: of this score to this EHR, whoever sends it and however often."""
        return blake2b(f"{self.channel}/{self.score_id}".encode(), digest_size=10).hexdigest()

    @property
    def chart(self) -> Chart:
        """As the message tells it."""
        found = Finding(name=self.name, version=self.version, value=self.value, as_of=self.as_of)
        return Chart(
            patient_id=self.current_id, encounter_id=self.encounter_id, patient_class=self.patient_class, bed=self.bed, reason="", findings=(found,)
        )  # fmt: skip


class Writing:
    """One pager's. `ways`: the channels that file scores; `gates`: of all channels, shared with the pages."""

    def __init__(
        self, ways: Mapping[str, Filing], settings: PageSettings, gates: Mapping[str, Gate], metrics: Metrics, now: Callable[[], datetime]
    ) -> None:
        self._ways, self._settings, self._gates, self._metrics, self._now = ways, settings, gates, metrics, now

    async def run(self, work: psycopg.Connection, stopping: asyncio.Event) -> None:
        """Until told to stop; at once where there is nothing to do. Raises as the connection does."""
        while self._ways and not stopping.is_set():
            if not await self.round(work):
                await asyncio.sleep(self._settings.poll_s)

    async def round(self, work: psycopg.Connection) -> int:
        """As many of each channel as its EHR may be sent now; tells how many were tried."""
        claimed = [one for channel in self._ways for one in self._claim(work, channel)]
        outcomes = await asyncio.gather(*(self._file(one) for one in claimed))
        for one, outcome in zip(claimed, outcomes, strict=True):
            self._settle(work, one, outcome)
        return len(claimed)

    def _claim(self, work: psycopg.Connection, channel: str) -> list[Claimed]:
        at, gate = time.monotonic(), self._gates[channel]
        room = gate.room(at, AT_ONCE)
        if not room:
            return []
        names = {"channel": channel, "lease": timedelta(seconds=self._settings.lease_s), "limit": room}
        with work.transaction():
            rows = work.execute(SQL["claim"].encode(), names).fetchall()
        gate.sent(len(rows), at)
        return [Claimed(**dict(zip(Claimed.__struct_fields__, row, strict=True))) for row in rows]

    async def _file(self, one: Claimed) -> Accepted | Refused:
        try:
            return await self._ways[one.channel].file(one.control_id, one.chart, one.unit, self._settings.channels[one.channel].write_to)
        except Exception as bug:  # the one boundary where a bug may not stop everybody else's
            return Refused(permanent=False, detail=f"{one.channel} failed with {type(bug).__name__}", unknown=True)

    def _settle(self, work: psycopg.Connection, one: Claimed, outcome: Accepted | Refused) -> None:
        gate, counted = self._gates[one.channel], self._metrics.write_backs_total
        names: dict[str, object] = {
            "channel": one.channel, "patient_id": one.patient_id, "name": one.name, "score_id": one.score_id, "attempts": one.attempts, "at": self._now(),
        }  # fmt: skip
        match outcome:
            case Accepted():
                step, told = "sent", "accepted"
            case Refused(permanent=True, detail=detail):
                step, told, names["error"] = "refused", "refused", detail
            case Refused(detail=detail):
                delay = min(LONGEST_RETRY_S, 2.0 ** min(one.attempts, 8))
                step, told, names["error"], names["delay"] = "retry", "retried", detail, timedelta(seconds=delay)
        if step == "retry":
            gate.failed(time.monotonic())
        else:
            gate.worked()
        counted.labels(channel=one.channel, outcome=told).inc()
        if isinstance(outcome, Refused):
            log.warning("score_not_filed", channel=one.channel, score=one.score_id, outcome=told, detail=outcome.detail)
        with work.transaction():
            work.execute(SQL[step].encode(), names)
