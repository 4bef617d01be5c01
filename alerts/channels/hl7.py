"""Write-back to the EHR: an alert and its scores, or scores alone, as ORU^R01 over MLLP with TLS; AA is accepted, AE and AR are refusals for good, no answer is unknown."""

import asyncio
import ssl
from datetime import UTC, datetime

from alerts.channels.channel import Accepted, Chart, Page, Refused
from alerts.channels.oru import control_id, report, scores
from parsers.envelope import peek
from streams.sender import MllpSender, NotAnswered, answer_of


class Hl7:
    """One connection a page. It names the patient: `configured` makes one only where the settings say encrypted and approved."""

    def __init__(self, host: str, port: int, timeout_s: float, context: ssl.SSLContext, sender: str) -> None:
        self._host, self._port, self._timeout_s, self._context, self._sender = host, port, timeout_s, context, sender

    async def send(self, page: Page, target: str) -> Accepted | Refused:
        """`target`: the receiving APPLICATION/FACILITY. An acknowledgement of another message than this one is none."""
        if page.chart is None:
            return Refused(permanent=True, detail="hl7: this page is about no patient")
        return await self._deliver(report(page, page.chart, self._sender, target, datetime.now(UTC)), control_id(page.page_id))

    async def file(self, control_id: str, chart: Chart, unit: str | None, target: str) -> Accepted | Refused:
        """The scores of a chart that raised nothing; `target` as above."""
        return await self._deliver(scores(control_id, chart, unit, self._sender, target, datetime.now(UTC)), control_id)

    async def _deliver(self, raw: bytes, expected: str) -> Accepted | Refused:
        sender = MllpSender(self._timeout_s)
        try:
            async with asyncio.timeout(self._timeout_s):
                await sender.connect(self._host, self._port, self._context)
        except (OSError, TimeoutError) as error:
            return Refused(permanent=False, detail=f"hl7: {type(error).__name__}")
        try:
            return _outcome(await sender.send(raw), expected)
        except NotAnswered:
            return Refused(permanent=False, detail="hl7: no acknowledgement", unknown=True)
        finally:
            await sender.close()


def _outcome(ack: bytes, expected: str) -> Accepted | Refused:
    """HL7 table 0008; commit answers (CA, CE, CR) as their application kin."""
    answer, speaks_of = answer_of(ack), _speaks_of(ack)
    if speaks_of != expected or answer not in ("AA", "AE", "AR"):
        return Refused(permanent=False, detail="hl7: answered with what acknowledges nothing", unknown=True)
    return Accepted(provider_ref=speaks_of) if answer == "AA" else Refused(permanent=True, detail=f"hl7: answered {answer}")


def _speaks_of(ack: bytes) -> str:
    found = next((segment for segment in peek(ack).segments if segment[0] == "MSA"), ())
    return found[2].strip() if len(found) > 2 else ""
