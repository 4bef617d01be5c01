"""How much of a fault: a little with every `make test`, all of it with `make faults`."""

from typing import Any

import pytest


def dose(brief: Any, full: Any) -> pytest.MarkDecorator:
    """Parametrises `times` (or whatever a fault is counted in) with both; the second only where faults are asked for."""
    return pytest.mark.parametrize("times", [pytest.param(brief, id="brief"), pytest.param(full, id="full", marks=pytest.mark.fault)])
