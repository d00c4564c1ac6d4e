"""What a strategy draws in many examples: where a kind of case is looked for."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis
from hypothesis import HealthCheck, Phase

from conformance.model import Case, Operation

MANY = 600


POOLS: dict[tuple[str, str], list[Case]] = {}  # by the operation's id and the dtype


def pool(operation: Operation, dtype: str) -> list[Case]:
    """Cases of an operation in a dtype, the same in every run."""
    if (operation.id, dtype) in POOLS:
        return POOLS[operation.id, dtype]
    found = POOLS[operation.id, dtype] = []

    @hypothesis.seed(0)
    @hypothesis.settings(
        max_examples=MANY, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=False
    )
    @hypothesis.given(operation.cases(dtype))
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def drawn(operation: Operation, wanted: Callable[[Case], object], dtype: str | None = None) -> Case:
    """The first case of a kind, in the first dtype unless another is given; AssertionError where MANY examples do not reach it."""
    case = next(filter(wanted, pool(operation, dtype or operation.dtypes[0])), None)
    assert case is not None, f"{operation} draws no such case in {MANY} examples"
    return case
