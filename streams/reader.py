"""Keeps Faust's reader where the database is: sent back to where a gap begins, sent ahead past what was put aside."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import faust
from aiokafka.errors import IllegalStateError, KafkaError
from faust.types import TP

from infra.logs import logger
from streams import topics
from streams.beginnings import Place

log = logger("streams")

CHASE_S = 0.5
"""Between two attempts to send the reader back; a fetched batch is worked off in less."""


class Reader:
    """Where each partition is to be read on. The database decides; Faust is told."""

    def __init__(self, app: faust.App) -> None:
        self._app = app
        self._awaited: dict[TP, int] = {}

    def assigned(self) -> set[TP]:
        """The partitions of the raw topics that this worker holds."""
        return {tp for tp in self._app.consumer.assignment() if tp.topic in topics.RAW}

    def highwaters(self) -> dict[TP, int | None]:
        """The next offset that Kafka will write to each of them, None where it is not known yet."""
        return {tp: self._app.consumer.highwater(tp) for tp in self.assigned()}

    def send_back(self, tp: TP, offset: int) -> None:
        """What comes from beyond this offset is dropped until it has come."""
        self._awaited[tp] = offset

    def follows(self, message: Any) -> bool:
        """False for what was fetched beyond a gap, until the reader that was sent back reaches the awaited offset."""
        awaited = self._awaited.get(message.tp)
        if awaited is None:
            return True
        if message.offset <= awaited:
            del self._awaited[message.tp]
            return True
        return False

    def forget(self) -> None:
        """After a rebalance everything is asked anew."""
        self._awaited.clear()

    async def chase(self) -> None:
        """Sends the reader back until the awaited offset comes. Once is not enough: Faust goes on with what it has fetched, and then
        takes the older offsets that follow for ones it has seen (measured: a partition stood still after a single seek).
        """
        while True:
            await asyncio.sleep(CHASE_S)
            for tp, offset in await self._still_held(self._awaited):
                await self._seek(tp, offset)

    async def _seek(self, tp: TP, offset: int) -> None:
        """Nothing where a rebalance has taken the partition away meanwhile: whoever holds it now asks the database."""
        with suppress(IllegalStateError):
            await self._app.consumer.seek(tp, offset)

    async def _still_held(self, offsets: Mapping[TP, int]) -> list[tuple[TP, int]]:
        """Without those that Kafka let go: a seek there waits in vain for a position (measured: the chase of all other partitions stood still, too).

        Their partitions stand still until a person decides (`vigil skip`); `vigil watch` and `vigil audit` tell of them.
        """
        try:
            beginnings: Mapping[TP, int] = await self._app.consumer.earliest_offsets(*offsets) if offsets else {}
        except KafkaError:  # away: nothing can be read now, and the chase goes on
            return []
        return [(tp, offset) for tp, offset in list(offsets.items()) if offset >= beginnings.get(tp, 0)]

    def committed(self) -> dict[TP, int]:
        """Where Kafka would have each of them read on after a restart; none of those of which it knows nothing."""
        consumer: Any = self._app.consumer
        known: Mapping[TP, int | None] = consumer._committed_offset
        return {tp: offset for tp in self.assigned() if (offset := known.get(tp)) is not None}

    async def heed(self, committed: Mapping[TP, int], progress: Mapping[Place, int]) -> bool:
        """Reads again what Kafka takes for done and the database does not hold, because it was restored to an earlier instant; True where there is any.

        Waiting for a gap would not do: where nothing new comes, none shows. `committed` must have been asked for before `progress`: a
        commit always follows the transaction.
        """
        for tp, awaited in self._awaited.items():  # a person decided to go on without what never came
            self._awaited[tp] = max(awaited, progress.get((tp.topic, tp.partition), awaited))
        behind = {
            tp: reached
            for tp, offset in committed.items()
            if (reached := progress.get((tp.topic, tp.partition), offset)) < offset and self._awaited.get(tp) != reached
        }
        await self.send_ahead(dict(await self._still_held(behind)))
        for tp, offset in behind.items():
            log.warning("database_behind_kafka", topic=tp.topic, partition=tp.partition, recorded=offset, committed=committed[tp])
            self.send_back(tp, offset)
        return bool(behind)

    async def send_ahead(self, offsets: Mapping[TP, int]) -> None:
        """Goes on at these offsets, and commits them: what lies before is recorded, or put aside where others find it.

        Faust knows holes between acknowledged offsets only as something to wait for, so what it remembers of each partition is dropped as in
        a rebalance (faust-streaming 0.15.3, `Consumer.on_partitions_revoked`). Were it not, nothing would be lost: the commits would
        stand still, and a restarted worker would read for longer what it then finds recorded.
        """
        held = {tp: offset for tp, offset in offsets.items() if tp in self.assigned()}
        consumer: Any = self._app.consumer
        if not held or not await consumer._commit(held):
            return
        for tp, offset in held.items():
            if tp not in self.assigned():
                continue
            for remembered in (consumer._gap, consumer._acked, consumer._acked_index):
                remembered.pop(tp, None)
            consumer._committed_offset[tp] = offset
            self._awaited.pop(tp, None)
            await self._seek(tp, offset)
