"""One fault under traffic, from the first message to the verdict: nothing lost, nothing twice, state and pages as if nothing had happened."""

import json
import random
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from streams.topics import ORU
from tests.fault import verdict
from tests.fault.hospital import Hospital
from tests.fault.oracle import Expected, expected
from tests.fault.scripts import Said, ward
from tests.fault.traffic import RATE, Heard, Script, Traffic
from tests.fault.verdict import Allowed, Found
from tests.installations import eventually

AFTER = timedelta(seconds=3)
"""From the first message that was received after a strike: so long messages are looked at, to tell when Vigil was back in every partition."""


@dataclass(slots=True, kw_only=True)
class Line:
    """What is reported of one fault. `again`: pages that a provider without idempotency took more than once; `put_aside`: how often a worker put a backlog aside. `recovery_s`, `median_s`: the longest way back after a strike, and the usual one."""

    fault: int
    title: str
    strikes: int = 0
    acknowledged: int = 0
    refused: int = 0
    lost: int = 0
    twice: int = 0
    pages: int = 0
    again: int = 0
    put_aside: int = 0
    recovery_s: float | None = None
    median_s: float | None = None
    rate: float = 0.0
    seconds: float = 0.0
    passed: bool = False


class Trial:
    """Begins to send at once. In the body of the `with` the fault is done; its end waits for all answers, then judges.

    `by`: what tells that Vigil is back: messages recorded, pages accepted, or the model speaking again. `pages_by`: whose times the pages must be
    right by: those that Vigil read and received at, those of the senders' clocks, or those that were meant.
    """

    def __init__(
        self, hospital: Hospital, line: Line, lines: list[Line], *, script: Script = ward, rate: float = RATE, allowed: Collection[Allowed] = (),
        by: Literal["messages", "pages", "model"] = "messages", pages_by: Literal["vigil", "senders", "meant"] = "vigil",
    ) -> None:  # fmt: skip
        self.hospital, self.line, self.lines = hospital, line, lines
        self.chance = random.Random(line.fault)
        self.run = f"{line.fault:02d}{random.SystemRandom().randrange(16**6):06x}"
        self.traffic = Traffic(self.run, self._listener, script, rate)
        self.struck: list[datetime] = []
        self.found, self.expected = Found(), Expected()
        self._allowed, self._by, self._pages_by = allowed, by, pages_by

    def _listener(self) -> tuple[str, int]:
        feed = self.hospital.settings.listen.feeds[0]
        return feed.host, feed.port

    def __enter__(self) -> "Trial":
        eventually(self.hospital.ready, within_s=120, every_s=1.0)
        self.lines.append(self.line)
        self.began, self._aside_before = time.monotonic(), self.hospital.put_aside()
        self.traffic.start()
        self.traffic.flows(40)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.traffic.flows(60)
            self.traffic.caught_up()
        self.traffic.stop()
        if kind is None:
            self.line.rate = round(len(self.traffic.heard) / (self.traffic.ended - self.traffic.began), 1)
            self.judge()
            self.line.seconds = round(time.monotonic() - self.began, 1)
            self.line.passed = True

    def strike(self) -> None:
        """Now: from here the way back is timed."""
        self.struck.append(datetime.now(UTC))

    @property
    def acknowledged(self) -> list[Heard]:
        """Messages that were answered with AA, in the order in which they were sent."""
        return [one for one in self.traffic.heard if one.answer == "AA"]

    def said(self) -> list[Said]:
        """What was acknowledged."""
        return [one.said for one in self.acknowledged]

    def look(self) -> Found:
        """What the database holds by now."""
        return verdict.look(self.hospital, self.run)

    def judge(self) -> None:
        """Everything that must hold, in the order in which one would look."""
        assert self.traffic.waiting() == []
        sent = Counter(one.said.control_id for one in self.acknowledged)
        eventually(lambda: self._settled(len(sent)), within_s=240, every_s=0.5)
        found = self.found = self.look()
        self._count(sent)
        assert (self.line.lost, self.line.twice) == (0, 0)
        self._walk(found.kept())
        self.line.put_aside = self.hospital.put_aside() - self._aside_before
        allowed = set(self._allowed) if self.line.put_aside else set(self._allowed) - {"put_aside"}
        verdict.compare(found, self.expected, allowed)
        verdict.compare_pages(found, self.hospital.provider.takes(), allowed)
        verdict.compare_states(self.hospital, self.expected)
        audit = self.hospital.vigil("audit", "--json", check=False)
        assert audit.returncode == 0, audit.stdout
        assert json.loads(audit.stdout)["waiting"] == 0

    def _settled(self, sent: int) -> bool:
        ours = f"{self.run}%"
        [(kept,)] = self.hospital.ask("SELECT count(DISTINCT control_id) FROM vigil.messages WHERE control_id LIKE %s", ours)
        [(open_pages,)] = self.hospital.ask("SELECT count(*) FROM vigil.pages WHERE state IN ('pending', 'sending')")
        if int(kept) < sent or open_pages:
            return False
        audit = self.hospital.vigil("audit", "--json", check=False)
        return audit.returncode in (0, 1) and json.loads(audit.stdout)["waiting"] == 0

    def _walk(self, received_at: dict[str, datetime]) -> None:
        policy = self.hospital.home / "policy.toml"
        zone = ZoneInfo(self.hospital.settings.listen.feeds[0].timezone or "UTC")
        self.expected = expected(self.said(), received_at, policy, zone)
        if self._pages_by == "senders":
            received_at = {one.said.control_id: one.answered_at for one in self.acknowledged if one.answered_at}
        if self._pages_by != "vigil":
            meant = [replace(said, raw=said.meant or said.raw) for said in self.said()]
            self.expected.pages = expected(meant, received_at, policy, zone).pages

    def _count(self, sent: Counter[str]) -> None:
        line, found = self.line, self.found
        recorded = Counter(row[0] for row in found.messages if row[1] in ("stored", "ignored") and row[0] in sent)
        line.strikes, line.acknowledged = len(self.struck), sent.total()
        line.refused = sum(one.answer != "AA" for one in self.traffic.heard)
        line.lost = sum(control_id not in recorded for control_id in sent)
        line.twice = sum(times - 1 for times in recorded.values())
        line.pages = len(found.pages)
        line.again = verdict.repeats(found, self.hospital.provider.takes())
        if times := self._recoveries_s():
            line.recovery_s, line.median_s = times[-1], times[len(times) // 2]

    def _recoveries_s(self) -> list[float]:
        """The way back after each strike, the shortest first."""
        times = [(struck, self._back(struck)) for struck in self.struck]
        return sorted(round((back - struck).total_seconds(), 2) for struck, back in times if back)

    def _back(self, struck: datetime) -> datetime | None:
        """When messages received after the strike were recorded again in every partition; when the pages that waited were all accepted; when the
        last score without the model was made.
        """
        found = self.found
        if self._by == "model":
            return max((row[4] for row in found.scores if row[3] == "fallback" and row[4] > struck), default=None)
        if self._by == "pages":
            return max((row[6] for row in found.pages if row[6] and row[5] <= struck < row[6]), default=None)
        later = [row for row in found.messages if row[2] == ORU and row[4] > struck]
        first: dict[int, datetime] = {}
        for _, _, _, partition, received_at, processed_at, _ in later:
            if received_at < later[0][4] + AFTER:
                first[partition] = min(first.get(partition, processed_at), processed_at)
        return max(first.values(), default=None)
