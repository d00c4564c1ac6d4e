"""Maxima over windows at pseudo-random distances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.sliding import (
    FEW,
    FLAGS,
    LARGE,
    WIDE,
    follows_increasing_maps,
    image,
    index_points_to_the_output,
    nothing,
    planes,
    pooled,
    pooling_data,
    rowless,
    too_many_axes,
    written,
)
from conformance.strategies import DTYPES, Data
from oracles.bounded import exact, ieee
from oracles.fractional_pooling import fractional_max_pool, fractional_max_pool_gradient, fractional_sides, starts
from oracles.windows import of_rank, spread

# The calls: the module's forward; with return_indices both of its results.


def fractional_max_pool2d(x: Any, _random_samples: Any, **options: Any) -> Any:
    results = torch.nn.FractionalMaxPool2d(_random_samples=_random_samples, **options)(x)
    return dict(zip(("output", "indices"), results, strict=True)) if options["return_indices"] else results


def fractional_max_pool3d(x: Any, _random_samples: Any, **options: Any) -> Any:
    results = torch.nn.FractionalMaxPool3d(_random_samples=_random_samples, **options)(x)
    return dict(zip(("output", "indices"), results, strict=True)) if options["return_indices"] else results


def shape(rank: int) -> Callable[..., Mapping[str, Shape]]:
    """output_size, or ⌊output_ratio · L⌋ along every axis."""

    def shape(
        x: Shape, _random_samples: Shape, *, kernel_size: Any, output_size: Any, output_ratio: Any, return_indices: bool
    ) -> Mapping[str, Shape]:
        output = (*x[:-rank], *fractional_sides(x[-rank:], output_size, output_ratio))
        return {"output": output, "indices": output} if return_indices else {"output": output}

    return shape


# The cases.

ROOM = st.sampled_from((1, 2, 3, 4, 1, 2, 3, 0))
RATIOS = (0.25, 0.5, 0.625, 0.75)  # products with sides are exact


def certain(samples: np.ndarray, side: int, kernel: int, count: int, dtype: str) -> np.ndarray:
    """Of which samples no rounding in the dtype changes where a window begins."""
    by = ieee(dtype).as_composite()
    found: Any = starts(exact(samples.astype(DTYPES[dtype]), by), side, kernel, count)
    return np.asarray(np.max(getattr(found, "error", np.zeros_like(found)), axis=-1) == 0)


def sampled(data: Data, count: int, sides: Shape, kernel: Shape, counts: Shape) -> np.ndarray | None:
    """A sample for each of `count` planes and each axis, among those that are certain; None where an axis has none."""
    grid, columns = np.arange(32) / 32, []
    for axis, (side, k, m) in enumerate(zip(sides, kernel, counts, strict=True)):
        good = grid[certain(grid, side, k, m, data.dtype)]
        if not good.size:
            return None
        columns.append(data.rng(f"samples {axis}").choice(good, count))
    order = (1, 0) if len(sides) == 2 else (0, 1, 2)  # for two axes the first sample is the width's
    return np.stack([columns[axis] for axis in order], axis=-1)


def cases(rank: int) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype: windows close together or far apart, a size or a ratio, one output and many."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, large = draw(pooling_data(dtype)), draw(LARGE)
        kernel, counts = tuple(draw(FEW) for _ in range(rank)), tuple(draw(st.integers(1, 5 if rank == 2 else 3)) for _ in range(rank))
        sides = [k + m - 1 + draw(ROOM) for k, m in zip(kernel, counts, strict=True)]
        if large == "sides" and rank == 2:
            sides[-1] = max(sides[-1], draw(WIDE))
        ratios = [[r for r in RATIOS if int(n * r) >= 1 and k + int(n * r) - 1 <= n] for n, k in zip(sides, kernel, strict=True)]
        by_ratio = all(ratios) and draw(st.integers(0, 2)) == 2
        ratio = tuple(draw(st.sampled_from(some)) for some in ratios) if by_ratio else None
        counts = fractional_sides(tuple(sides), None if by_ratio else counts, ratio)
        batch = planes(draw, large, rank)
        number = int(np.prod(batch))
        samples = sampled(data, number, tuple(sides), kernel, counts)
        if samples is None:
            counts, ratio = (1,) * rank, None
            samples = np.zeros((number, rank))
        whole_batch = batch if len(batch) == 2 else (1, *batch)
        return data.case(
            {
                "x": pooled(draw, data, *batch, *sides),
                "_random_samples": samples.reshape(*whole_batch, rank).astype(DTYPES[dtype]),
            },
            kernel_size=written(draw, kernel, tuples_of_one=False),
            output_size=None if ratio else written(draw, counts, tuples_of_one=False),
            output_ratio=ratio,
            return_indices=draw(FLAGS),
        )

    return drawn


# What must be refused.


def too_many_outputs(case: Case, rank: int) -> Case:
    """One window more than fits along every axis."""
    sides = zip(image(case).shape[-rank:], spread(case.options["kernel_size"], rank), strict=True)
    return case.but(output_size=tuple(side - k + 2 for side, k in sides), output_ratio=None)


def with_samples(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Case], Case]:
    """Other random samples."""

    def broken(case: Case) -> Case:
        samples = case.arrays["_random_samples"]
        assert samples is not None
        return case.but(_random_samples=change(samples))

    return broken


def rejects(rank: int) -> Mapping[str, Callable[[Case], Case | None]]:
    """Every documented constraint."""
    return {
        "output_size or output_ratio must be given": lambda case: case.but(output_size=None, output_ratio=None),
        "output_size and output_ratio must not both be given": lambda case: case.but(output_size=1, output_ratio=0.5),
        "output_ratio must lie below 1": lambda case: case.but(output_size=None, output_ratio=1.0),
        "output_ratio must lie above 0": lambda case: case.but(output_size=None, output_ratio=0.0),
        "windows must fit into the image": lambda case: too_many_outputs(case, rank),
        "there must be a sample for every axis": with_samples(lambda samples: samples[..., :1]),
        "the samples must have the dtype of x": with_samples(
            lambda samples: samples.astype(np.float32 if samples.dtype != np.float32 else np.float64)
        ),
        "x must have a batch axis at most": too_many_axes(rank),
        "x must have channels": rowless(rank),
    }


def operation(rank: int, call: Callable[..., Any], share: float = 1.0) -> Operation:
    """Fractional max pooling of images or volumes."""
    return Operation(
        name=f"torch.nn.FractionalMaxPool{rank}d",
        call=call,
        oracle=of_rank(fractional_max_pool, rank),
        gradient=of_rank(fractional_max_pool_gradient, rank),
        shape=shape(rank),
        cost=nothing,
        cases=cases(rank),
        rejects=rejects(rank),
        laws=(Law("follows increasing maps", follows_increasing_maps), index_points_to_the_output(rank)),
        result_dtypes={"indices": "int64"},
        constants=("_random_samples",),
        plain=("_random_samples",),
        follows_subject=True,
        dtypes=FLOATS,
        share=share,
    )


OPERATIONS = (operation(2, fractional_max_pool2d), operation(3, fractional_max_pool3d, share=0.6))
