"""One frame in, one acknowledgement out: what is kept of a message, where it goes, and what its sender is told; no socket, no broker."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from parsers.acks import Answer, acknowledge
from parsers.envelope import Envelope, peek
from parsers.identity import patient_key
from parsers.message import Reason
from parsers.read import read_envelope
from streams import topics

KAFKA_AWAY = Reason(code="207", detail="MSH: Vigil could not store the message; send it again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A frame ready for Kafka, with what its sender will be told once Kafka has it. Refused frames are kept too, so that all are accounted for."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str]
    envelope: Envelope
    answer: Answer
    reason: Reason | None

    def ack(self, stored: bool, control_id: str, now: datetime, *, heed: bool) -> tuple[Answer, bytes | None]:
        """The answer and its bytes (None where the sender wants none); AE where Kafka did not take the message."""
        answer: Answer = self.answer if stored else "AE"
        reason = self.reason if stored else KAFKA_AWAY
        return answer, acknowledge(self.envelope, answer, reason, control_id, now, heed=heed)


def take(frame: bytes, feed: str, received_at: datetime, too_long: int | None = None) -> Taken:
    """Opens a frame far enough to judge it. `too_long`: the length of a frame that went beyond the limit, of which `frame` is the beginning."""
    envelope = peek(frame)
    message = read_envelope(envelope)
    answer, reason = message.ack, message.reason
    if too_long is not None:
        answer, reason = "AR", Reason(code="207", detail=f"MSH: the frame of {too_long} bytes is longer than this feed allows")
    key = patient_key(envelope) or message.sent_by or feed
    headers = {topics.RECEIVED_AT: received_at.isoformat(), topics.FEED: feed}
    if message.control_id:
        headers[topics.CONTROL_ID] = message.control_id
    if message.sent_by:
        headers[topics.SENT_BY] = message.sent_by
    if reason is not None:
        headers[topics.REASON] = f"{reason.code}: {reason.detail}"
    return Taken(
        topic=topics.topic_for(message.type), key=key, value=frame, headers=headers, envelope=envelope, answer=answer, reason=reason,
    )  # fmt: skip
