"""The Gaussian error linear unit, in both forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Cost, Law, torch
from conformance.operations.elementwise import elementwise, one_of_each, the_input
from oracles import activation


def gelu(x: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.GELU(**options)(x)


def free_of_charge(x: Any, **options: Any) -> Cost:
    """No parameters and no products."""
    return Cost(0, 0)


def is_x_apart(trial: Trial, case: Case) -> None:
    """GELU(x) − GELU(−x) = x, as Φ(x) + Φ(−x) = 1."""
    x = the_input(case)
    if case.regime in ("special", "subnormal"):
        return
    sides = [(trial.run(at)["output"].astype(float), trial.expected(at)["output"]) for at in (case, case.but(x=-x))]
    difference = sides[0][0] - sides[1][0]
    storage = sides[0][1].by.storage
    room = sum(accepted.error + storage.unit * np.abs(accepted.value) + storage.tiny for _, accepted in sides)
    if np.any(np.abs(difference - x.astype(float)) > room):
        index = tuple(int(i) for i in np.argwhere(np.abs(difference - x.astype(float)) > room)[0])
        raise Disagreement(
            f"GELU(x) − GELU(−x) is {difference[index]} at {list(index)}, where x is {x[index]}", result="output", index=index
        )


GELU = elementwise(
    "GELU",
    gelu,
    activation,
    options=one_of_each(approximate=("none", "tanh")),
    in_place=False,
    cost=free_of_charge,
    laws=(Law("GELU(x) − GELU(−x) = x", is_x_apart),),
    rejects={
        "approximate must be none or tanh": lambda case: case.but(approximate="erf"),
        "approximate must be a word": lambda case: case.but(approximate=1),
    },
)

OPERATIONS = (GELU,)
