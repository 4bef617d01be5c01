"""One frame in, one acknowledgement out: what is kept of a message, where it goes, and what its sender is told; no socket, no broker."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from parsers.acks import Answer, acknowledge
from parsers.envelope import Envelope, peek
from parsers.identity import patient_key
from parsers.message import Reason
from parsers.profile import PLAIN, Profile
from parsers.read import read_envelope
from streams import topics

TOO_LONG = "MSH: the frame is longer than this feed allows"
TOO_LARGE = Reason(code="207", detail="MSH: the message is larger than Kafka here allows")

BOUND = 512
"""Characters of a control id, a sender or a patient key that go beside a message. HL7 2.5.1 allows 20, 227 and 250; a frame may hold
16 MB of anything in their place, which Kafka would refuse as headers. The message itself is kept byte for byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """All that is held of a message while Kafka takes it in: its header, and the answer it will get."""

    header: Envelope
    answer: Answer
    reason: Reason | None

    def acks(self, control_id: str, now: datetime, *, heed: bool) -> tuple[bytes, ...]:
        """The acknowledgements' bytes, in order; none where the sender wants none."""
        return acknowledge(self.header, self.answer, self.reason, control_id, now, heed=heed)

    def refused(self, reason: Reason) -> "Reply":
        """The same message rejected after all."""
        return Reply(header=self.header, answer="AR", reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A frame ready for Kafka, with the reply to give once Kafka has it. Refused frames go there too, so that all are accounted for."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str]
    reply: Reply


def take(frame: bytes, feed: str, received_at: datetime, too_long: int | None = None, profile: Profile = PLAIN) -> Taken:
    """Opens a frame far enough to judge it. `too_long`: the length of a frame that went beyond the limit, of which `frame` is the beginning."""
    envelope, key, answer, reason = _judge(frame, profile)
    if too_long is not None:
        answer, reason = "AR", Reason(code="207", detail=f"{TOO_LONG}: {too_long} bytes")
    headers = {topics.RECEIVED_AT: received_at.isoformat(), topics.FEED: feed}
    if envelope.control_id:
        headers[topics.CONTROL_ID] = envelope.control_id[:BOUND]
    if envelope.sent_by:
        headers[topics.SENT_BY] = envelope.sent_by[:BOUND]
    if reason is not None:
        headers[topics.REASON] = f"{reason.code}: {reason.detail}"
    return Taken(
        topic=topics.topic_for(envelope.type),
        key=(key or envelope.sent_by or feed)[:BOUND],
        value=frame,
        headers=headers,
        reply=Reply(header=replace(envelope, segments=envelope.segments[:1], names=()), answer=answer, reason=reason),
    )


def _judge(frame: bytes, profile: Profile) -> tuple[Envelope, str | None, Answer, Reason | None]:
    """What the frame says of itself, its patient's key, and the answer it deserves."""
    envelope = Envelope()
    try:
        envelope = peek(frame, profile)
        message = read_envelope(envelope, profile=profile)
        return envelope, patient_key(envelope, profile), message.ack, message.reason
    except Exception as bug:  # the one boundary where a bug of ours may not block a sender who would send the same message for ever
        return envelope, None, "AE", Reason(code="207", detail=f"MSH: reading failed with {type(bug).__name__}")
