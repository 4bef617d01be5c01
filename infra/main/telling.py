"""Tells ops of problems by one of the paging channels: once when they begin, until it is accepted, and again while they last."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b

from alerts.channels.channel import Accepted, Channel, Page
from infra.logs import logger
from streams.watch import Problem

log = logger("infra")

AT_ONCE = frozenset({"gap", "unaccounted", "path"})
"""What is told at the first look; everything else only where it still holds at the next, as a server that is being started again is no news."""

QUIET = 3
"""Looks without it after which a problem is over: what comes and goes with every other look is one that lasts, and is told."""

OPS = "ops"
"""Stands where a page has its tier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A problem that lasts. `told_at`: when ops last accepted it, None where they have not yet. `looks`: at how many it was there;
    `quiet`: for how many in a row it has not been.
    """

    since: datetime
    looks: int = 1
    quiet: int = 0
    told_at: datetime | None = None


class Telling:
    """Remembers what is wrong and what of it was told. `repeat_s`: in the clock's own seconds."""

    def __init__(self, channel: Channel | None, target: str, repeat_s: float, link: str) -> None:
        self._channel, self._target, self._repeat_s, self._link = channel, target, repeat_s, link
        self._open: dict[tuple[str, str], Open] = {}

    async def tell(self, found: Sequence[Problem], now: datetime) -> None:
        """Opens what is new, forgets what is over, and sends what is due."""
        present = {(one.kind, one.subject): one for one in found}
        for key, one in list(self._open.items()):
            if key not in present:
                self._open[key] = replace(one, quiet=one.quiet + 1)
                if one.quiet + 1 == QUIET:
                    log.info("problem_over", kind=key[0], subject=key[1])
                    del self._open[key]
        for key, problem in present.items():
            before = self._open.get(key)
            known = self._open[key] = Open(since=now) if before is None else replace(before, looks=before.looks + 1, quiet=0)
            if known.looks == 1 and problem.kind not in AT_ONCE:
                continue
            if known.looks == (1 if problem.kind in AT_ONCE else 2):
                log.error("problem", kind=problem.kind, subject=problem.subject, detail=problem.detail)
            if known.told_at is None or (now - known.told_at).total_seconds() >= self._repeat_s:
                await self._send(problem, known, now)

    async def _send(self, problem: Problem, known: Open, now: datetime) -> None:
        if self._channel is None:
            return
        name = blake2b(f"{problem.kind}/{problem.subject}/{known.since}/{known.told_at}".encode(), digest_size=10).hexdigest()
        page = Page(
            page_id=f"ops-{name}", tier=OPS, unit=f"{problem.kind} {problem.subject}: {problem.detail}", created_at=now, link=self._link
        )
        outcome = await self._channel.send(page, self._target)
        if isinstance(outcome, Accepted):
            self._open[problem.kind, problem.subject] = replace(known, told_at=now)
        else:
            log.warning("ops_not_told", detail=outcome.detail)
