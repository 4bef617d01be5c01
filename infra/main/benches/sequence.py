"""The network served: one step for a batch beside the same ONNX session in this process, ten days rebuilt from their steps, and explained."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import msgspec
import numpy as np

from infra.main.benches.figures import Figure
from infra.settings import TritonSettings
from scoring.integrated import integrated
from scoring.models.metadata import SHIPPED
from scoring.models.sequence.carried import blank, with_gap
from scoring.models.sequence.metadata import sequence_metadata
from scoring.models.sequence.step import CODES, CONTEXT, HIGH, LOW, Step
from scoring.models.sequence.whole import Hour, Whole
from scoring.triton.cell import TritonCell

CALLS: Final = 200
ROUNDS: Final = 5
TEN_DAYS_H: Final = 240
SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)


def sequence(settings: TritonSettings, ms: Callable[[Callable[[], object]], float]) -> dict[str, Figure]:
    """`ms`: how long a call takes. Values in ms; the floors: the session alone, and one step where a stay of ten days is taken at once."""
    from scoring.models.sequence.session import Session  # noqa: PLC0415 (an extra: running Vigil needs none of it)

    folder = SHIPPED / settings.sequence / "1"
    patient = msgspec.structs.replace(settings, sequence_timeout_ms=20_000)
    cell, session, whole = (
        TritonCell(patient, sequence_metadata(folder), "1"),
        Session(folder / "model.onnx"),
        Whole(folder / "weights.npz"),
    )
    found = {f"sequence_step{rows}": _step(cell, session, rows, ms) for rows in (32, 500)}
    stay = ten_days()
    found["sequence_rebuilt"] = _stay(whole.carried, stay, ms)
    found["sequence_explained"] = _stay(lambda hours: integrated(whole, hours), stay, ms)
    return found


def _stay(call: Callable[[Sequence[Hour]], object], stay: Sequence[Hour], ms: Callable[[Callable[[], object]], float]) -> Figure:
    value, floor = (min(ms(partial(call, hours)) for _ in range(ROUNDS)) for hours in (stay, stay[:1]))
    return {"value": round(value, 2), "unit": "ms", "floor": round(floor, 2), "ratio": round(value / floor, 1)}


def _step(cell: TritonCell, session: object, rows: int, ms: Callable[[Callable[[], object]], float]) -> Figure:
    """Both take turns; the best of each, since what else runs on the machine only ever adds."""
    random = np.random.default_rng(rows)
    state, values, context = blank(rows, cell.hidden), _values(random, rows), np.zeros((rows, len(CONTEXT)), np.float32)
    run = session.step  # type: ignore[attr-defined]
    here: list[float] = []
    there: list[float] = []
    for _ in range(CALLS):
        here.append(ms(lambda: run(state, values, context)))
        there.append(ms(lambda: cell.step(state, values, context)))
    apart = max(
        float(np.abs(one - other).max()) for one, other in zip(run(state, values, context), cell.step(state, values, context), strict=True)
    )
    return {
        "value": round(min(there), 3), "unit": "ms", "floor": round(min(here), 3), "ratio": round(min(there) / min(here), 2),
        "overhead_ms": round(min(there) - min(here), 3), "largest_difference": apart,
    }  # fmt: skip


def ten_days() -> Sequence[Hour]:
    """A stay whose quantities are measured by chance each hour."""
    random = np.random.default_rng(10)
    found: list[Hour] = []
    for hour, values in enumerate(_values(random, TEN_DAYS_H)):
        at = SINCE + timedelta(hours=hour)
        before_at = found[-1].at if found else None
        context = np.array([0.0, 60.0, 1.0, 0.0, hour, hour], np.float32)
        found.append(Hour(opened_at=at, at=at, before_at=before_at, step=with_gap(Step(values, context), before_at, at)))
    return found


def _values(random: np.random.Generator, rows: int) -> np.ndarray:
    middle, spread = (LOW + HIGH) / 2, (HIGH - LOW) / 8
    values = np.clip(random.normal(middle, spread, (rows, len(CODES))), LOW, HIGH).astype(np.float32)
    values[random.random(values.shape) < 0.6] = np.nan
    return values
