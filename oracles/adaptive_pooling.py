"""Means and maxima over as many windows as the output is to have, for any number of axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from oracles.average_pooling import spread_out
from oracles.bounded import coarse, stepwise
from oracles.pools import Pools, crossed, largest, of_the_largest, ragged
from oracles.shapes import adaptive_pooling
from oracles.windows import Sides


def bounds(x: Sides, output_size: Any, rank: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Where windows that cover an axis evenly begin and end: the i-th of M over L cells from ⌊i·L/M⌋ to ⌈(i + 1)·L/M⌉."""
    counts = adaptive_pooling(x, output_size, rank=rank)[-rank:]
    windows = ((np.arange(count), side, max(count, 1)) for side, count in zip(x[-rank:], counts, strict=True))
    return [(i * side // count, -(-(i + 1) * side // count)) for i, side, count in windows]


def adaptive(x: Sides, output_size: Any, rank: int) -> Pools:
    """The windows that cross those of every axis."""
    axes = bounds(x, output_size, rank)
    return Pools(x, tuple(len(start) for start, _ in axes), crossed(x[-rank:], [ragged(*axis) for axis in axes]))


def side_by_side(y: Any, x: Sides, output_size: Any, rank: int) -> Any:
    """Divide by how many cells a window has along one axis after the other."""
    for axis, (start, end) in enumerate(bounds(x, output_size, rank)):
        y = stepwise(y / (end - start).reshape(-1, *[1] * (rank - 1 - axis)))
    return y


def adaptive_avg_pool(x: Any, *, output_size: Any, rank: int = 2) -> Any:
    """The mean of every window.

    y[…, i] = mean of x[…, ⌊i·L/M⌋ : ⌈(i + 1)·L/M⌉], M = output_size, None for M = L

    x (N, C, L, …) or (C, L, …) → the same with M, …
    Source: torch.nn.AdaptiveAvgPool2d; the bounds of a window: start and end index in ATen's AdaptivePooling.
    """
    pools = adaptive(x.shape, output_size, rank)
    return (np.sum(pools.cells(x, 0.0), axis=-1) / np.count_nonzero(pools.inside, axis=-1)).reshape(pools.output)


def adaptive_avg_pool_side_by_side(x: Any, *, output_size: Any, rank: int = 2) -> Any:
    """The same, divided by one side of the window after the other.

    Source: torch.nn.AdaptiveAvgPool2d.
    """
    pools = adaptive(x.shape, output_size, rank)
    return side_by_side(np.sum(pools.cells(x, 0.0), axis=-1).reshape(pools.output), x.shape, output_size, rank)


def adaptive_avg_pool_gradient(dy: Any, x: Any, *, output_size: Any, rank: int = 2) -> dict[str, Any]:
    """Every cell gets an equal share of each window that it lies in.

    Source: the derivative of the mean.
    """
    pools = adaptive(x.shape, output_size, rank)
    return {"x": spread_out(pools, dy, np.count_nonzero(pools.inside, axis=-1)).reshape(x.shape)}


def adaptive_avg_pool_gradient_side_by_side(dy: Any, x: Any, *, output_size: Any, rank: int = 2) -> dict[str, Any]:
    """The same, divided by one side of the window after the other, and that and the sum in a tensor of the storage format.

    Source: the derivative of the mean.
    """
    pools = adaptive(x.shape, output_size, rank)
    return {"x": spread_out(pools, side_by_side(coarse(dy), x.shape, output_size, rank), 1).reshape(x.shape)}


def adaptive_avg_pool_gradient_in_storage(dy: Any, x: Any, **options: Any) -> dict[str, Any]:
    """The same, divided and added up in a tensor of the storage format.

    Source: the derivative of the mean.
    """
    return adaptive_avg_pool_gradient(coarse(dy), x, **options)


def adaptive_max_pool(x: Any, *, output_size: Any, return_indices: bool = False, rank: int = 2, observed: Any = None) -> dict[str, Any]:
    """The largest cell of every window, and its flat index in the plane: of the first of equal cells, of any NaN.

    y[…, i] = max of x[…, ⌊i·L/M⌋ : ⌈(i + 1)·L/M⌉], M = output_size, None for M = L

    x (N, C, L, …) or (C, L, …) → the same with M, …
    Source: torch.nn.AdaptiveMaxPool2d; the bounds of a window: start and end index in ATen's AdaptivePooling.
    """
    return largest(adaptive(x.shape, output_size, rank), x, return_indices)


def adaptive_max_pool_gradient(
    dy: Any, x: Any, *, output_size: Any, return_indices: bool = False, rank: int = 2, observed: Mapping[str, np.ndarray] | None = None
) -> dict[str, Any]:
    """dx[j] = Σ of dy[i] over the windows i that took cell j, by the subject's own indices where it gives them.

    Source: the derivative of the maximum, torch.nn.AdaptiveMaxPool2d.
    """
    return {"x": of_the_largest(adaptive(x.shape, output_size, rank), dy, x, observed)}


def adaptive_max_pool_gradient_in_storage(dy: Any, x: Any, **options: Any) -> dict[str, Any]:
    """The same, added up in a tensor of the storage format.

    Source: the derivative of the maximum, torch.nn.AdaptiveMaxPool2d.
    """
    return adaptive_max_pool_gradient(coarse(dy), x, **options)


adaptive_avg_pool.formulations = (adaptive_avg_pool_side_by_side,)  # type: ignore[attr-defined]
adaptive_avg_pool_gradient.formulations = (  # type: ignore[attr-defined]
    adaptive_avg_pool_gradient_side_by_side,
    adaptive_avg_pool_gradient_in_storage,
)
adaptive_max_pool_gradient.formulations = (adaptive_max_pool_gradient_in_storage,)  # type: ignore[attr-defined]
