"""Norms over sliding windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.operations.pooling import MAX_POOLS
from conformance.operations.sliding import (
    LARGE,
    doubles,
    image,
    nothing,
    planes,
    pooling_data,
    rowless,
    slides,
    speckled,
    too_many_axes,
    too_small,
    written,
)
from oracles.power_pooling import lp_pool, lp_pool_gradient
from oracles.shapes import pooling
from oracles.windows import of_rank

# The calls: the module's forward.


def lp_pool1d(x: Any, **options: Any) -> Any:
    return torch.nn.LPPool1d(**options)(x)


def lp_pool2d(x: Any, **options: Any) -> Any:
    return torch.nn.LPPool2d(**options)(x)


def lp_pool3d(x: Any, **options: Any) -> Any:
    return torch.nn.LPPool3d(**options)(x)


def shape(rank: int) -> Callable[..., Mapping[str, Shape]]:
    """⌊(L − k) / stride⌋ + 1, or ⌈·⌉ with ceil_mode, along every axis."""

    def shape(x: Shape, *, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Mapping[str, Shape]:
        return {"output": pooling(x, kernel_size, stride, 0, 1, ceil_mode, rank=rank)}

    return shape


NORMS = st.sampled_from((2, 1, 2.0, 1.0, 3, 1.5, 1.2, 4.0, 0.5, np.inf))


def cases(rank: int) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype: whole and fractional norms, the largest magnitude; fractional ones of positive numbers mostly."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, large, norm_type = draw(pooling_data(dtype)), draw(LARGE), draw(NORMS)
        found = slides(draw, rank, large, padded=False, dilated=False, hanging=False)
        x = speckled(data, *planes(draw, large, rank), *found.sides)
        if norm_type not in (1, 2, np.inf) and draw(st.integers(0, 3)):
            x = np.abs(x)
        return data.case(
            {"x": x},
            norm_type=norm_type,
            kernel_size=found.kernel[0] if rank == 1 else written(draw, found.kernel, tuples_of_one=False),
            stride=None if found.stride is None else written(draw, found.stride, tuples_of_one=False),
            ceil_mode=found.ceil_mode,
        )

    return drawn


def rejects(rank: int) -> Mapping[str, Callable[[Case], Case | None]]:
    """Every documented constraint."""
    return {
        "kernel_size must be positive": lambda case: case.but(kernel_size=0, stride=1),
        "stride must be positive": lambda case: case.but(stride=0),
        "stride must not be negative": lambda case: case.but(stride=-1),
        "the window must fit into the image": too_small(rank),
        "x must have a batch axis at most": too_many_axes(rank),
        "x must have channels": rowless(rank),
    }


def doubles_in_simple_norms(trial: Trial, case: Case) -> None:
    """Twice an image of whole numbers has twice the norm, to the bit where the root is exact in powers of two."""
    if case.options["norm_type"] in (1, 2, np.inf):
        doubles(trial, case)


def infinity_is_the_largest(rank: int) -> Law:
    """For p = ∞ it is max pooling over absolute values."""

    def check(trial: Trial, case: Case) -> None:
        options = {name: case.options[name] for name in ("kernel_size", "stride", "ceil_mode")}
        of_magnitudes = Case({"x": np.abs(image(case))}, {**options, "padding": 0, "dilation": 1, "return_indices": False}, case.dtype)
        wanted = Trial(MAX_POOLS[rank], trial.backend).run(of_magnitudes)["output"]
        assert_same(trial.run(case.but(norm_type=np.inf))["output"], wanted, "for p = ∞ it is not max pooling over absolute values")

    return Law("for p = ∞ it is max pooling over absolute values", check)


def operation(rank: int, call: Callable[..., Any], share: float = 1.0) -> Operation:
    """Norms over windows of signals, images or volumes."""
    return Operation(
        name=f"torch.nn.LPPool{rank}d",
        call=call,
        oracle=of_rank(lp_pool, rank),
        gradient=of_rank(lp_pool_gradient, rank),
        shape=shape(rank),
        cost=nothing,
        cases=cases(rank),
        rejects=rejects(rank),
        laws=(Law("twice the image, twice the norm", doubles_in_simple_norms), infinity_is_the_largest(rank)),
        dtypes=FLOATS,
        share=share,
    )


OPERATIONS = (operation(1, lp_pool1d), operation(2, lp_pool2d), operation(3, lp_pool3d, share=0.6))
