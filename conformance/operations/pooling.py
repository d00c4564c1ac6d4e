"""Maxima over sliding windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.integers import INTEGERS
from conformance.operations.laws import assert_same
from conformance.operations.sliding import (
    FLAGS,
    LARGE,
    axes_are_alike,
    follows_increasing_maps,
    image,
    index_points_to_the_output,
    nothing,
    planes,
    pooled,
    pooling_data,
    rowless,
    slides,
    too_many_axes,
    too_small,
    written,
)
from oracles.pooling import max_pool, max_pool_gradient, max_pool_of_integers
from oracles.shapes import pooling
from oracles.windows import extent, of_rank, spread

# The calls: the module's forward; with return_indices both of its results.


def max_pool1d(x: Any, **options: Any) -> Any:
    results = torch.nn.MaxPool1d(**options)(x)
    return dict(zip(("output", "indices"), results, strict=True)) if options["return_indices"] else results


def max_pool2d(x: Any, **options: Any) -> Any:
    results = torch.nn.MaxPool2d(**options)(x)
    return dict(zip(("output", "indices"), results, strict=True)) if options["return_indices"] else results


def max_pool3d(x: Any, **options: Any) -> Any:
    results = torch.nn.MaxPool3d(**options)(x)
    return dict(zip(("output", "indices"), results, strict=True)) if options["return_indices"] else results


# The formulas.


def shape(rank: int) -> Callable[..., Mapping[str, Shape]]:
    """⌊(L + 2·padding − dilation·(k − 1) − 1) / stride⌋ + 1, or ⌈·⌉ with ceil_mode, along every axis."""

    def shape(x: Shape, *, return_indices: bool, **options: Any) -> Mapping[str, Shape]:
        output = pooling(x, **options, rank=rank)
        return {"output": output, "indices": output} if return_indices else {"output": output}

    return shape


# The cases.


def cases(rank: int) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, large = draw(pooling_data(dtype)), draw(LARGE)
        found = slides(draw, rank, large)
        x = pooled(draw, data, *planes(draw, large, rank), *found.sides)
        return data.case(
            {"x": x},
            kernel_size=written(draw, found.kernel),
            stride=None if found.stride is None else written(draw, found.stride),
            padding=written(draw, found.padding),
            dilation=written(draw, found.dilation),
            return_indices=draw(FLAGS),
            ceil_mode=found.ceil_mode,
        )

    return drawn


# What must be refused.


def half_of_the_reach(case: Case, rank: int) -> tuple[int, ...]:
    """Half of a window with its spaces."""
    options = case.options
    return tuple(reach // 2 for reach in extent(spread(options["kernel_size"], rank), spread(options["dilation"], rank)))


def rejects(rank: int) -> Mapping[str, Callable[[Case], Case | None]]:
    """Every documented constraint."""
    return {
        "kernel_size must be positive": lambda case: case.but(kernel_size=0, stride=1, padding=0),
        "stride must be positive": lambda case: case.but(stride=0),
        "stride must not be negative": lambda case: case.but(stride=-1),
        "dilation must be positive": lambda case: case.but(dilation=0),
        "dilation must not be negative": lambda case: case.but(dilation=-1),
        "padding must not be negative": lambda case: case.but(padding=-1),
        "padding must be at most half of the window": lambda case: case.but(padding=tuple(p + 1 for p in half_of_the_reach(case, rank))),
        "the window must fit into the padded image": too_small(rank),
        "x must have a batch axis at most": too_many_axes(rank),
        "x must have channels": rowless(rank),
    }


# The laws.


def goes_axis_by_axis(rank: int) -> Law:
    """The maximum over a window is the maximum over its rows of their maxima."""

    def check(trial: Trial, case: Case) -> None:
        options = {**case.options, "return_indices": False}
        options["stride"] = options["kernel_size"] if options["stride"] is None else options["stride"]
        still = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
        x = image(case)
        for axis in range(rank):
            along = {name: (one,) * axis + (spread(options[name], rank)[axis],) + (one,) * (rank - 1 - axis) for name, one in still.items()}
            x = trial.run(case.but(x=x, return_indices=False, **along))["output"]
        assert_same(trial.run(case)["output"], x, "it is not the maximum along one axis after the other")

    return Law("it goes axis by axis", check)


def covers_by_steps(rank: int) -> Law:
    """Two windows of two cells, one after the other, are one of three."""

    def check(trial: Trial, case: Case) -> None:
        if min(image(case).shape[-rank:]) < 3:
            return
        plain = case.but(stride=1, padding=0, dilation=1, return_indices=False, ceil_mode=False)
        once = trial.run(plain.but(kernel_size=2))["output"]
        twice = trial.run(plain.but(x=once, kernel_size=2))["output"]
        assert_same(twice, trial.run(plain.but(kernel_size=3))["output"], "two windows of two are not one of three")

    return Law("two windows of two are one of three", check)


def laws(rank: int) -> tuple[Law, ...]:
    """What holds for a maximum over windows."""
    return (
        Law("follows increasing maps", follows_increasing_maps),
        index_points_to_the_output(rank),
        axes_are_alike(rank),
        goes_axis_by_axis(rank),
        covers_by_steps(rank),
    )


def floating(rank: int, call: Callable[..., Any], share: float = 1.0) -> Operation:
    """Maxima over windows of signals, images or volumes."""
    return Operation(
        name=f"torch.nn.MaxPool{rank}d",
        call=call,
        oracle=of_rank(max_pool, rank),
        gradient=of_rank(max_pool_gradient, rank),
        shape=shape(rank),
        cost=nothing,
        cases=cases(rank),
        rejects=rejects(rank),
        laws=laws(rank),
        result_dtypes={"indices": "int64"},
        follows_subject=True,
        dtypes=FLOATS,
        share=share,
    )


def whole_numbers(rank: int, call: Callable[..., Any], leading: str) -> Operation:
    """The same of integers; `leading` stands for all where a verb needs one dtype only."""
    return Operation(
        name=f"torch.nn.MaxPool{rank}d",
        variant="Integers",
        call=call,
        oracle=of_rank(max_pool_of_integers, rank),
        shape=shape(rank),
        cases=cases(rank),
        result_dtypes={"indices": "int64"},
        plain=("x",),
        follows_subject=True,
        dtypes=INTEGERS,
        leading=leading,
        share=0.4,
    )


MAX_POOLS = {1: floating(1, max_pool1d), 2: floating(2, max_pool2d), 3: floating(3, max_pool3d, share=0.6)}

OPERATIONS = (
    *MAX_POOLS.values(),
    whole_numbers(1, max_pool1d, "uint8"),
    whole_numbers(2, max_pool2d, "int64"),
    whole_numbers(3, max_pool3d, "uint8"),
)
