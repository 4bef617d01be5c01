"""What a run left behind, as a card quotes it: every figure comes from here, and what is not here is said not to be known, with the reason. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

Origin = Literal["run", "design", "unknown"]
Value = tuple[str, Origin]


class Entry(Struct, frozen=True, kw_only=True):
    """One item of a card. `origin`: `run` where the run's own files fill it, `design` where it says what Vigil was made for and how, `unknown` with the reason."""

    number: str
    section: str
    name: str
    value: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """metadata, metrics, config: the run's files of those names. evaluation: the report of `vigil evaluate --held-out` over the same model, empty where there was none."""

    metadata: Mapping[str, Any]
    metrics: Mapping[str, Any]
    config: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The model's name and version."""
        return f"{self.metadata['name']} {self.metadata['version']}"

    def at(self, path: str) -> Any:
        """What stands at a path such as `metrics.model.auroc`; None where nothing does.

        >>> Evidence(metadata={}, metrics={"model": {"auroc": 0.8}}).at("metrics.model.auroc")
        0.8
        """
        found: Any = {"metadata": self.metadata, "metrics": self.metrics, "config": self.config, "evaluation": self.evaluation}
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found


def told(value: Any) -> str:
    """A figure as cards print it.

    >>> told({"value": 0.84351, "low": 0.8, "high": 0.9}), told(0.3043), told(None), told(161)
    ('0.844 (0.800–0.900)', '0.3043', 'not told', '161')
    """
    if isinstance(value, Mapping):
        if value.get("value") is None:
            return "not to be told from so few"
        interval = "" if value.get("low") is None else f" ({value['low']:.3f}–{value['high']:.3f})"
        return f"{value['value']:.3f}{interval}"
    if value is None:
        return "not told"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def known_or(value: str | None, reason: str) -> Value:
    """What the run tells, or why it does not."""
    return (value, "run") if value else (reason, "unknown")
