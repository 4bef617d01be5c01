"""One fault under traffic, from the first message to the verdict: nothing lost, nothing twice, state and pages as if nothing had happened."""

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import psycopg

from streams import recall
from streams.topics import ORU
from tests.fault.hospital import Hospital, eventually
from tests.fault.oracle import Expected, expected
from tests.fault.scripts import Said, ward
from tests.fault.traffic import RATE, Heard, Script, Traffic

MESSAGES = """SELECT control_id, outcome, topic, partition, received_at, processed_at, reason FROM vigil.messages
WHERE control_id LIKE %s ORDER BY received_at"""
OBSERVATIONS = """SELECT recorded_as, code, value_num, value_text, unit, observed_at, received_at, status FROM vigil.observations
WHERE recorded_as LIKE %s"""
PAGES = """SELECT e.patient_id, p.tier, p.state, p.token, p.channel, p.created_at, p.accepted_at
FROM vigil_store.page AS p JOIN vigil.episodes AS e USING (episode_id) WHERE e.patient_id LIKE %s"""
SCORES = """SELECT m.control_id, s.value, s.at_least, s.mode, s.scored_at FROM vigil_store.score AS s
JOIN vigil.messages AS m ON s.score_id = m.topic || '/' || m.partition || '/' || m."offset" || '/news2' WHERE m.control_id LIKE %s"""


@dataclass(slots=True, kw_only=True)
class Line:
    """What is reported of one fault. `again`: pages that a provider without idempotency took more than once. Times in seconds."""

    fault: int
    title: str
    strikes: int = 0
    acknowledged: int = 0
    refused: int = 0
    lost: int = 0
    twice: int = 0
    pages: int = 0
    again: int = 0
    recovery_s: float | None = None
    rate: float = 0.0
    seconds: float = 0.0
    passed: bool = False


@dataclass(slots=True)
class Found:
    """What the database holds of a trial's messages."""

    messages: list[tuple[Any, ...]] = field(default_factory=list)
    observations: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    pages: list[tuple[Any, ...]] = field(default_factory=list)
    scores: list[tuple[Any, ...]] = field(default_factory=list)


class Trial:
    """Begins to send at once. In the body of the `with` the fault is done; its end waits for all answers, then judges.

    `may_repeat`: the provider of a page can be killed's victim: SNPP knows no idempotency key, so that a page whose outcome is unknown may come
    twice there. `by`: what tells that Vigil is back: messages recorded, pages accepted, or the model speaking again.
    `pages_by`: whose times the pages must be right by: those Vigil read and received at, those of the senders' clocks, or those that were meant.
    """

    def __init__(
        self, hospital: Hospital, line: Line, lines: list[Line], *, script: Script = ward, rate: float = RATE, may_repeat: bool = False,
        by: Literal["messages", "pages", "model"] = "messages", pages_by: Literal["vigil", "senders", "meant"] = "vigil",
    ) -> None:  # fmt: skip
        self.hospital, self.line, self.lines = hospital, line, lines
        self.chance = random.Random(line.fault)
        self.run = f"{line.fault:02d}{random.SystemRandom().randrange(16**6):06x}"
        self.traffic = Traffic(self.run, self._listener, script, rate)
        self.struck: list[datetime] = []
        self.found = Found()
        self.expected = Expected()
        self._may_repeat, self._by, self._pages_by = may_repeat, by, pages_by

    def _listener(self) -> tuple[str, int]:
        feed = self.hospital.settings.listen.feeds[0]
        return feed.host, feed.port

    def __enter__(self) -> "Trial":
        eventually(self.hospital.ready, within_s=120, every_s=1.0)
        self.lines.append(self.line)
        self.began = time.monotonic()
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
        """Messages that were answered with AA."""
        return [one for one in self.traffic.heard if one.answer == "AA"]

    def judge(self) -> None:
        """Everything that must hold, in the order in which one would look."""
        assert self.traffic.waiting() == []
        sent = Counter(one.said.control_id for one in self.acknowledged)
        eventually(lambda: self._settled(sent), within_s=240, every_s=0.5)
        found = self.found = self.look()
        kept = [row for row in found.messages if row[1] in ("stored", "ignored") and row[0] in sent]
        self._count(sent, kept, found)
        line = self.line
        assert (line.lost, line.twice) == (0, 0)
        received_at = {row[0]: row[4] for row in kept}
        policy = self.hospital.home / "policy.toml"
        zone = ZoneInfo(self.hospital.settings.listen.feeds[0].timezone)
        self.expected = expected(self.said(), received_at, policy, zone)
        if self._pages_by == "senders":
            received_at = {one.said.control_id: one.answered_at for one in self.acknowledged if one.answered_at}
        if self._pages_by != "vigil":
            meant = [replace(said, raw=said.meant or said.raw) for said in self.said()]
            self.expected.pages = expected(meant, received_at, policy, zone).pages
        self._compare(found)
        audit = self.hospital.vigil("audit", "--json", check=False)
        assert audit.returncode == 0, audit.stdout
        answer = json.loads(audit.stdout)
        assert (answer["gaps"], answer["waiting"]) == ([], 0)

    def said(self) -> list[Said]:
        """What was acknowledged, in the order in which it was sent."""
        return [one.said for one in self.acknowledged]

    def look(self) -> Found:
        """Reads the database."""
        ours, patients, ask = f"{self.run}%", f"HOSP:{self.run}%", self.hospital.ask
        return Found(
            messages=ask(MESSAGES, ours),
            observations=Counter(ask(OBSERVATIONS, patients)),
            pages=ask(PAGES, patients),
            scores=ask(SCORES, ours),
        )

    def _settled(self, sent: Counter[str]) -> bool:
        ours = f"{self.run}%"
        [(kept,)] = self.hospital.ask("SELECT count(DISTINCT control_id) FROM vigil.messages WHERE control_id LIKE %s", ours)
        [(open_pages,)] = self.hospital.ask("SELECT count(*) FROM vigil.pages WHERE state IN ('pending', 'sending')")
        return int(kept) >= len(sent) and open_pages == 0 and self._nothing_waits()

    def _nothing_waits(self) -> bool:
        answer = self.hospital.vigil("audit", "--json", check=False)
        return answer.returncode in (0, 1) and json.loads(answer.stdout)["waiting"] == 0

    def _count(self, sent: Counter[str], kept: Sequence[tuple[Any, ...]], found: Found) -> None:
        line, recorded = self.line, Counter(row[0] for row in kept)
        line.strikes, line.acknowledged = len(self.struck), sent.total()
        line.refused = sum(one.answer != "AA" for one in self.traffic.heard)
        line.lost = sum(control_id not in recorded for control_id in sent)
        line.twice = sum(times - 1 for times in recorded.values())
        line.pages = len(found.pages)
        takes = self.hospital.provider.takes()
        line.again = sum(max(0, takes[row[3]] - 1) for row in found.pages if row[4] == "pager")
        line.recovery_s = self._recovery_s(found)

    def _compare(self, found: Found) -> None:
        must = self.expected
        assert found.observations == must.observations, _difference(found.observations, must.observations)
        scores = {row[0]: (row[1], row[2]) for row in found.scores}
        assert scores == must.scores, _difference(Counter(scores.items()), Counter(must.scores.items()))
        assert len(found.scores) == len(scores)
        pages = Counter((row[0], row[1]) for row in found.pages)
        assert pages == must.pages, _difference(pages, must.pages)
        assert pages, "nobody got worse while this fault was tried"
        assert {row[2] for row in found.pages} <= {"accepted", "acknowledged"}
        takes = self.hospital.provider.takes()
        assert all(takes[row[3]] >= 1 for row in found.pages)
        assert self._may_repeat or self.line.again == 0
        self._compare_states()

    def _compare_states(self) -> None:
        ids: dict[str, list[str]] = {one: [one] for one in self.expected.states}
        for alias, survivor in self.expected.aliases.items():
            ids[survivor].append(alias)
        with psycopg.connect(self.hospital.settings.database.url, options="-c timezone=UTC") as connection:
            states = recall.states_of(connection.cursor(), ids)
        wrong = [(states[one], state) for one, state in self.expected.states.items() if states[one] != state]
        assert not wrong, f"{len(wrong)} of {len(ids)} states differ; the first: {wrong[0]}"

    def _recovery_s(self, found: Found) -> float | None:
        """The longest way back after any strike: until messages received later are recorded again in every partition, or until pages that waited are accepted."""
        times = [(struck, self._back(struck, found)) for struck in self.struck]
        return round(max(((back - struck).total_seconds() for struck, back in times if back), default=0.0), 2) if times else None

    def _back(self, struck: datetime, found: Found) -> datetime | None:
        if self._by == "model":
            return max((row[4] for row in found.scores if row[3] == "fallback" and row[4] > struck), default=None)
        if self._by == "pages":
            return max((row[6] for row in found.pages if row[6] and row[5] <= struck < row[6]), default=None)
        first: dict[int, datetime] = {}
        for _, _, topic, partition, received_at, processed_at, _ in found.messages:
            if topic == ORU and struck < received_at < struck + timedelta(seconds=300):
                first[partition] = min(first.get(partition, processed_at), processed_at)
        return max(first.values(), default=None)


def _difference(found: Counter[Any], must: Counter[Any]) -> str:
    more, less = found - must, must - found
    return f"{more.total()} too many, as {list(more)[:3]}; {less.total()} missing, as {list(less)[:3]}"
