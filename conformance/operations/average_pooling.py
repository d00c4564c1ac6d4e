"""Means over sliding windows, and over the whole plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.integers import on_integers
from conformance.operations.sliding import (
    FLAGS,
    LARGE,
    axes_are_alike,
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
    whole,
    written,
)
from conformance.strategies import Data
from oracles.average_pooling import avg_pool, avg_pool_gradient, avg_pool_of_integers, global_avg_pool, global_avg_pool_gradient
from oracles.shapes import pooling
from oracles.windows import of_rank, spread

# The calls: the module's forward.


def avg_pool1d(x: Any, **options: Any) -> Any:
    return torch.nn.AvgPool1d(**options)(x)


def avg_pool2d(x: Any, **options: Any) -> Any:
    return torch.nn.AvgPool2d(**options)(x)


def avg_pool3d(x: Any, **options: Any) -> Any:
    return torch.nn.AvgPool3d(**options)(x)


def global_pool(x: Any, *, rank: int) -> Any:
    """One output for the whole of every plane."""
    return (torch.nn.AdaptiveAvgPool1d, torch.nn.AdaptiveAvgPool2d, torch.nn.AdaptiveAvgPool3d)[rank - 1](1)(x)


# The formulas.


def shape(rank: int) -> Callable[..., Mapping[str, Shape]]:
    """⌊(L + 2·padding − k) / stride⌋ + 1, or ⌈·⌉ with ceil_mode, along every axis."""

    def shape(
        x: Shape, *, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, count_include_pad: bool, divisor_override: Any = None
    ) -> Mapping[str, Shape]:
        return {"output": pooling(x, kernel_size, stride, padding, 1, ceil_mode, rank=rank)}

    return shape


# The cases.

DIVISORS = st.sampled_from((None, None, None, None, 1, 7, -2))


def cases(rank: int) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype: windows that hang over, padding that counts or not, divisors of one's own."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, large = draw(pooling_data(dtype)), draw(LARGE)
        found = slides(draw, rank, large, dilated=False)
        options = {
            "kernel_size": written(draw, found.kernel),
            "stride": None if found.stride is None else written(draw, found.stride),
            "padding": written(draw, found.padding),
            "ceil_mode": found.ceil_mode,
            "count_include_pad": draw(FLAGS),
        }
        if rank > 1:
            options["divisor_override"] = draw(DIVISORS)
        return data.case({"x": speckled(data, *planes(draw, large, rank), *found.sides)}, **options)

    return drawn


@st.composite
def global_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Images of one to three axes."""
    data, large, rank = draw(pooling_data(dtype)), draw(LARGE), draw(st.sampled_from((2, 1, 3)))
    sides = slides(draw, rank, large, padded=False, dilated=False).sides
    return data.case({"x": speckled(data, *planes(draw, large, rank), *sides)}, rank=rank)


# What must be refused.


def beyond_half(case: Case, rank: int) -> Case:
    """More padding than half of the kernel."""
    return case.but(padding=tuple(k // 2 + 1 for k in spread(case.options["kernel_size"], rank)))


def rejects(rank: int) -> Mapping[str, Callable[[Case], Case | None]]:
    """Every documented constraint."""
    divisor = {"divisor_override must not be zero": lambda case: case.but(divisor_override=0)} if rank > 1 else {}
    return {
        "kernel_size must be positive": lambda case: case.but(kernel_size=0, stride=1, padding=0),
        "stride must be positive": lambda case: case.but(stride=0),
        "stride must not be negative": lambda case: case.but(stride=-1),
        "padding must not be negative": lambda case: case.but(padding=-1),
        "padding must be at most half of the window": lambda case: beyond_half(case, rank),
        "the window must fit into the padded image": too_small(rank),
        "x must have a batch axis at most": too_many_axes(rank),
        "x must have channels": rowless(rank),
        **divisor,
    }


# The laws.


def padding_is_zeros(rank: int) -> Law:
    """Padding that counts is an image with zeros around it."""

    def check(trial: Trial, case: Case) -> None:
        case = case.but(x=whole(case), count_include_pad=True, ceil_mode=False)
        margins = spread(case.options["padding"], rank)
        x = image(case)
        kernel = spread(case.options["kernel_size"], rank)
        if any(side + 2 * p < k for side, p, k in zip(x.shape[-rank:], margins, kernel, strict=True)):
            return
        framed = np.pad(x, ((0, 0),) * (x.ndim - rank) + tuple((p, p) for p in margins))
        plain, other = trial.run(case)["output"], trial.run(case.but(x=framed, padding=0))["output"]
        if plain.shape != other.shape or not (plain == other).all():
            raise Disagreement("padding is not the same as zeros around the image", result="output")

    return Law("padding is zeros", check)


def same_for_all_orders(trial: Trial, case: Case) -> None:
    """Where the cells of a plane lie does not matter for the mean of whole numbers."""
    x, rank = whole(case), case.options["rank"]
    flipped = np.ascontiguousarray(x[(..., *[slice(None, None, -1)] * rank)])
    there, back = trial.run(case.but(x=x))["output"], trial.run(case.but(x=flipped))["output"]
    if not (there == back).all():
        raise Disagreement("the mean depends on where the cells lie", result="output")


def averages_by_window(trial: Trial, case: Case) -> None:
    """The global mean is the mean over a window as large as the image."""
    x, rank = image(case), case.options["rank"]
    if not x.size:
        return
    window = Trial(OPERATIONS[rank - 1], trial.backend)
    options = {"kernel_size": x.shape[-rank:], "stride": None, "padding": 0, "ceil_mode": False, "count_include_pad": True}
    found = window.run(Case(case.arrays, options, case.dtype))["output"]
    if not trial.expected(case)["output"].accepts(found).all():
        raise Disagreement("the mean over a window as large as the image is not the global mean", result="output")


def operation(rank: int, call: Callable[..., Any], share: float = 1.0) -> Operation:
    """Means over windows of signals, images or volumes."""
    return Operation(
        name=f"torch.nn.AvgPool{rank}d",
        call=call,
        oracle=of_rank(avg_pool, rank),
        gradient=of_rank(avg_pool_gradient, rank),
        shape=shape(rank),
        cost=nothing,
        cases=cases(rank),
        rejects=rejects(rank),
        laws=(Law("twice the image, twice the mean", doubles), axes_are_alike(rank), padding_is_zeros(rank)),
        dtypes=FLOATS,
        share=share,
    )


def of_integers(operation: Operation, rank: int) -> Operation:
    """The same of integers, which have no gradient; their means are rounded to an integer, in either direction."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        case = draw(operation.cases("float64"))
        x = Data("float64", "integers", case.seed).array("x", *image(case).shape)
        return replace(case, arrays={"x": (x * 2 ** int(case.seed % 40)).astype(dtype)}, dtype=dtype, regime="integers")

    return on_integers(operation, "int64", oracle=of_rank(avg_pool_of_integers, rank), cases=drawn)


AvgPool1d, AvgPool2d, AvgPool3d = operation(1, avg_pool1d), operation(2, avg_pool2d), operation(3, avg_pool3d, share=0.6)

GlobalAveragePooling = Operation(
    name="torch.nn.AdaptiveAvgPool2d",
    variant="Global",
    call=global_pool,
    oracle=global_avg_pool,
    gradient=global_avg_pool_gradient,
    shape=lambda x, *, rank: {"output": (*x[:-rank], *[1] * rank)},
    cost=nothing,
    cases=global_cases,
    laws=(
        Law("twice the image, twice the mean", doubles),
        Law("the order of the cells does not matter", same_for_all_orders),
        Law("it is the mean over a window as large as the image", averages_by_window),
    ),
    dtypes=FLOATS,
    share=0.6,
)

OPERATIONS = (
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAveragePooling,
    *(of_integers(operation, rank) for rank, operation in enumerate((AvgPool1d, AvgPool2d, AvgPool3d), 1)),
)
