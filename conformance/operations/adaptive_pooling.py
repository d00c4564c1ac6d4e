"""Means and maxima over as many windows as the output is to have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.operations.sliding import (
    FLAGS,
    LARGE,
    WIDE,
    axes_are_alike,
    doubles,
    follows_increasing_maps,
    image,
    index_points_to_the_output,
    nothing,
    planes,
    pooled,
    pooling_data,
    rowless,
    too_many_axes,
)
from oracles.adaptive_pooling import adaptive_avg_pool, adaptive_avg_pool_gradient, adaptive_max_pool, adaptive_max_pool_gradient
from oracles.shapes import adaptive_pooling
from oracles.windows import of_rank

# The calls: the module's forward; with return_indices both of its results.


def adaptive_avg_pool1d(x: Any, **options: Any) -> Any:
    return torch.nn.AdaptiveAvgPool1d(**options)(x)


def adaptive_avg_pool2d(x: Any, **options: Any) -> Any:
    return torch.nn.AdaptiveAvgPool2d(**options)(x)


def adaptive_avg_pool3d(x: Any, **options: Any) -> Any:
    return torch.nn.AdaptiveAvgPool3d(**options)(x)


def adaptive_max_pool1d(x: Any, **options: Any) -> Any:
    results = torch.nn.AdaptiveMaxPool1d(**options)(x)
    return dict(zip(("output", "indices"), results, strict=True)) if options["return_indices"] else results


def adaptive_max_pool2d(x: Any, **options: Any) -> Any:
    results = torch.nn.AdaptiveMaxPool2d(**options)(x)
    return dict(zip(("output", "indices"), results, strict=True)) if options["return_indices"] else results


def adaptive_max_pool3d(x: Any, **options: Any) -> Any:
    results = torch.nn.AdaptiveMaxPool3d(**options)(x)
    return dict(zip(("output", "indices"), results, strict=True)) if options["return_indices"] else results


def shape(rank: int) -> Callable[..., Mapping[str, Shape]]:
    """The sides asked for; None for one that stays."""

    def shape(x: Shape, *, output_size: Any, return_indices: bool = False) -> Mapping[str, Shape]:
        output = adaptive_pooling(x, output_size, rank=rank)
        return {"output": output, "indices": output} if return_indices else {"output": output}

    return shape


# The cases.

SIDE = st.integers(1, 7)


def cases(rank: int, indices: bool) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype: fewer, as many, more outputs than cells, none, and None for as many."""

    def asked(draw: st.DrawFn, side: int) -> int | None:
        drawn = draw(st.one_of(st.integers(1, min(side, 6)), st.integers(0, 6), st.sampled_from((None, side, None, 1))))
        return side if drawn is None and rank == 1 else drawn

    @st.composite
    def cases(draw: st.DrawFn, dtype: str) -> Case:
        data, large = draw(pooling_data(dtype)), draw(LARGE)
        sides = [draw(SIDE) for _ in range(rank)]
        if large == "sides":
            sides[draw(st.integers(0, rank - 1))] = draw(WIDE)
        sizes = tuple(asked(draw, side) for side in sides)
        alone = None not in sizes and len(set(sizes)) == 1 and draw(FLAGS)
        options = {"return_indices": draw(FLAGS)} if indices else {}
        x = pooled(draw, data, *planes(draw, large, rank), *sides)
        return data.case({"x": x}, output_size=sizes[0] if alone else sizes, **options)

    return cases


def rejects(rank: int) -> Mapping[str, Callable[[Case], Case | None]]:
    """Every documented constraint."""
    return {
        "output_size must not be negative": lambda case: case.but(output_size=-1),
        "output_size must have a side for every axis": lambda case: case.but(output_size=(2,) * (rank + 1)),
        "x must have a batch axis at most": too_many_axes(rank),
        "x must have channels": rowless(rank),
    }


def keeps_the_image(rank: int) -> Law:
    """As many outputs as cells change nothing."""

    def check(trial: Trial, case: Case) -> None:
        y = trial.run(case.but(output_size=image(case).shape[-rank:]))["output"]
        assert_same(y, image(case), "as many outputs as cells change the image")

    return Law("as many outputs as cells change nothing", check)


def means(rank: int, call: Callable[..., Any], share: float = 1.0) -> Operation:
    """Means over windows of signals, images or volumes."""
    return Operation(
        name=f"torch.nn.AdaptiveAvgPool{rank}d",
        call=call,
        oracle=of_rank(adaptive_avg_pool, rank),
        gradient=of_rank(adaptive_avg_pool_gradient, rank),
        shape=shape(rank),
        cost=nothing,
        cases=cases(rank, indices=False),
        rejects=rejects(rank),
        laws=(Law("twice the image, twice the mean", doubles), keeps_the_image(rank)),
        dtypes=FLOATS,
        share=share,
    )


def maxima(rank: int, call: Callable[..., Any], share: float = 1.0) -> Operation:
    """Maxima over windows of signals, images or volumes."""
    return Operation(
        name=f"torch.nn.AdaptiveMaxPool{rank}d",
        call=call,
        oracle=of_rank(adaptive_max_pool, rank),
        gradient=of_rank(adaptive_max_pool_gradient, rank),
        shape=shape(rank),
        cost=nothing,
        cases=cases(rank, indices=True),
        rejects=rejects(rank),
        laws=(
            Law("follows increasing maps", follows_increasing_maps),
            index_points_to_the_output(rank),
            axes_are_alike(rank),
            keeps_the_image(rank),
        ),
        result_dtypes={"indices": "int64"},
        follows_subject=True,
        dtypes=FLOATS,
        share=share,
    )


OPERATIONS = (
    means(1, adaptive_avg_pool1d),
    means(2, adaptive_avg_pool2d),
    means(3, adaptive_avg_pool3d, share=0.6),
    maxima(1, adaptive_max_pool1d),
    maxima(2, adaptive_max_pool2d),
    maxima(3, adaptive_max_pool3d, share=0.6),
)
