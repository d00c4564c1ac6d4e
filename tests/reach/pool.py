"""What a strategy draws in many examples: where a kind of case is looked for."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis
from hypothesis import HealthCheck, Phase

from conformance.model import Case, Operation

MANY = 600


POOLS: dict[str, list[Case]] = {}  # by the operation's id


def pool(operation: Operation) -> list[Case]:
    """Cases of an operation in its first dtype, the same in every run."""
    if operation.id in POOLS:
        return POOLS[operation.id]
    found = POOLS[operation.id] = []

    @hypothesis.seed(0)
    @hypothesis.settings(
        max_examples=MANY, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=False
    )
    @hypothesis.given(operation.cases(operation.dtypes[0]))
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def drawn(operation: Operation, wanted: Callable[[Case], object]) -> Case:
    """The first case of a kind; AssertionError where the strategy does not reach it in MANY examples."""
    case = next(filter(wanted, pool(operation)), None)
    assert case is not None, f"{operation} draws no such case in {MANY} examples"
    return case
