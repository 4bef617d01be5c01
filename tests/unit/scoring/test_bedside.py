"""Scores at the bedside: NEWS2 after each message that touches it, the model for the batch at once, and NEWS2 alone when the model is away."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from scoring.bedside import ModelUnavailable
from streams.processing import process, read_record
from streams.record import Record, Source

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Ward:
    """A model that answers the same for everyone, and remembers what it was asked."""

    name, version = "deterioration", "ward-1"

    def __init__(self, away: str | None = None) -> None:
        self.away, self.asked = away, []

    def probabilities(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self.asked.append(matrix.shape)
        if self.away:
            raise ModelUnavailable(self.away)
        return np.full(len(matrix), 0.25, np.float32)


def moments(*messages: bytes) -> Sequence:
    records = [
        Record(source=Source("hl7.oru", 0, number), value=message, received_at=NOON + timedelta(minutes=number), feed="ward", control_id=str(number))
        for number, message in enumerate(messages)
    ]  # fmt: skip
    return process([read_record(record) for record in records], {}, {}, set()).moments
