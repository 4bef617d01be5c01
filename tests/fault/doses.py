"""How much of a fault: a little with every `make test`, all of it with `make faults`."""

import pytest


def dose(*, brief: float | None = None, full: float) -> pytest.MarkDecorator:
    """Parametrises `times`, which a fault counts its strikes or seconds in: `full` where faults are asked for, `brief`, where there is one, otherwise."""
    doses = [pytest.param(full, id="full", marks=pytest.mark.fault)]
    return pytest.mark.parametrize("times", doses if brief is None else [pytest.param(brief, id="brief"), *doses])
