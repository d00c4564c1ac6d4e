"""The Gaussian error linear unit, in both forms."""

from __future__ import annotations

from typing import Any

from conformance.model import Cost, torch
from conformance.operations.elementwise import ATTENUATES, DIFFERS_BY_X, elementwise, one_of_each
from oracles import activation


def gelu(x: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.GELU(**options)(x)


def free_of_charge(x: Any, **options: Any) -> Cost:
    """No parameters and no products."""
    return Cost(0, 0)


GELU = elementwise(
    "GELU",
    gelu,
    activation,
    options=one_of_each(approximate=("none", "tanh")),
    in_place=False,
    cost=free_of_charge,
    laws=(DIFFERS_BY_X, ATTENUATES),  # the first as Φ(x) + Φ(−x) = 1
    rejects={
        "approximate must be none or tanh": lambda case: case.but(approximate="erf"),
        "approximate must be a word": lambda case: case.but(approximate=1),
    },
)

OPERATIONS = (GELU,)
