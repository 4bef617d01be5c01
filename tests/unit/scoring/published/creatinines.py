"""How a test asks for KDIGO's stages: creatinines by time or by hours, urine by the hour."""

from datetime import UTC, datetime, timedelta
from typing import Any

from scoring.published.creatinine import CreatinineAt, RenalInputs, UrineAt
from scoring.published.kdigo import kdigo_aki

START = datetime(2026, 5, 24, 12, tzinfo=UTC)


def asked(values: list[tuple[str, float]], **more: Any) -> dict[str, Any]:
    found = kdigo_aki(RenalInputs(creatinine=tuple(CreatinineAt(at=at, mg_dl=value) for at, value in values), **more))
    return {"total": found.total, "missing": found.missing, **found.told}


def after(*steps: tuple[float, float], **more: Any) -> list[int | None]:
    """The stages of creatinines (hours, mg/dL)."""
    stages: list[int | None] = asked([((START + timedelta(hours=hours)).isoformat(), value) for hours, value in steps], **more)["stages"]
    return stages


def hourly(ml_per_kg: list[float]) -> tuple[UrineAt, ...]:
    return tuple(
        UrineAt(at=(START + timedelta(hours=hour + 1)).isoformat(), since=(START + timedelta(hours=hour)).isoformat(), ml_per_kg=amount)
        for hour, amount in enumerate(ml_per_kg)
    )
