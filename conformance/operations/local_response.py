"""Local response normalisation, over channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, torch
from conformance.operations.laws import assert_same
from conformance.operations.normalized import array, assert_agree, images, lifted
from conformance.strategies import data_of
from oracles.local_response import local_response_norm, local_response_norm_gradient

# The calls.


def call_local_response_norm(x: Any, **options: Any) -> Any:
    return torch.nn.LocalResponseNorm(**options)(x)


def cross_map_norm(x: Any, **options: Any) -> Any:
    return torch.nn.CrossMapLRN2d(**options)(x)


def shape(x: Any, **options: Any) -> dict[str, Any]:
    """The output is as the input."""
    return {"output": x}


def cost(x: Any, **options: Any) -> Cost:
    """Nothing is learnt, nothing multiplied by a matrix."""
    return Cost(0, 0)


# The cases.


def norm_cases(ranks: tuple[int, ...]) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies by dtype: windows of one channel to more than there are; k may be 0, exponents negative."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data = draw(data_of(dtype))
        x = lifted(data, "x", *images(draw, draw(st.sampled_from(ranks)), most=7))
        return data.case(
            {"x": x},
            size=draw(st.sampled_from((3, 1, 5, 2, 3, 7, 4))),
            alpha=draw(st.sampled_from((1.0, 1e-4, 0.3, 0.0))),
            beta=draw(st.sampled_from((0.75, 0.5, 1.0, 0.0, 2.0, -0.5))),
            k=draw(st.sampled_from((1.0, 2.0, 0.1))),
        )

    return drawn


# The laws.


def without_neighbours(trial: Trial, case: Case) -> None:
    """With alpha 0 and k 1 nothing changes."""
    x = array(case)
    if np.isfinite(x.astype(float)).all() and case.regime != "special":
        assert_same(trial.run(case.but(alpha=0.0, k=1.0))["output"], x, "with alpha = 0 and k = 1 the input changes")


def mirrored(trial: Trial, case: Case) -> None:
    """Channels in reverse order give the output in reverse order, where the window is as wide to both sides."""
    if case.regime != "special" and case.options["size"] % 2:
        turned = case.but(x=np.ascontiguousarray(array(case)[:, ::-1]))
        assert_agree(trial, turned, case, "reversing the channels does not reverse the result", (slice(None), slice(None, None, -1)))


LAWS = (
    Law("without a share of the neighbours nothing changes", without_neighbours),
    Law("channels are alike to both sides", mirrored),
)

LocalResponseNorm = Operation(
    name="torch.nn.LocalResponseNorm",
    call=call_local_response_norm,
    oracle=local_response_norm,
    gradient=local_response_norm_gradient,
    cases=norm_cases((2, 1, 3)),
    shape=shape,
    cost=cost,
    module=lambda x, **options: torch.nn.LocalResponseNorm(**options),
    rejects={
        "size must be positive": lambda case: case.but(size=0),
        "x must have channels and a side": lambda case: case.but(x=np.zeros((2, 3), array(case).dtype)),
    },
    laws=LAWS,
    dtypes=FLOATS,
)
CrossMapLRN2d = Operation(
    name="torch.nn.CrossMapLRN2d",
    call=cross_map_norm,
    oracle=local_response_norm,
    gradient=local_response_norm_gradient,
    cases=norm_cases((2,)),
    shape=shape,
    cost=cost,
    module=lambda x, **options: torch.nn.CrossMapLRN2d(**options),
    rejects={
        "x must have two sides: not three": lambda case: case.but(x=array(case)[..., None]),
        "x must have a batch axis": lambda case: case.but(x=array(case)[0]) if len(array(case)) else None,
    },
    laws=LAWS,
    dtypes=FLOATS,
)

OPERATIONS = (LocalResponseNorm, CrossMapLRN2d)
