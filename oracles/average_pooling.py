"""Means over windows, for any number of axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import Between, coarse, stepwise, stored
from oracles.pools import Pools, sliding
from oracles.windows import Sides, spread


def divisors(pools: Pools, kernel_size: Any, stride: Any, padding: Any, rank: int) -> np.ndarray:
    """How many cells of each window lie in the image or its padding: a window that hangs over has fewer than its kernel."""
    margins = spread(padding, rank)
    framed: Sides = tuple(side + 2 * p for side, p in zip(pools.sides, margins, strict=True))
    kernel = spread(kernel_size, rank)
    steps = kernel if stride is None else spread(stride, rank)
    count = np.ones(1, int)
    for side, k, step, windows in zip(framed, kernel, steps, pools.counts, strict=True):
        start = np.arange(windows) * step
        count = np.multiply.outer(count, np.minimum(start + k, side) - start)
    return count.reshape(-1)


def shares(
    pools: Pools, kernel_size: Any, stride: Any, padding: Any, count_include_pad: bool, divisor_override: int | None, rank: int
) -> np.ndarray:
    """What the sum of each window is divided by: (windows,)."""
    if divisor_override is not None:
        return np.full(math.prod(pools.counts), divisor_override)
    if count_include_pad:
        return divisors(pools, kernel_size, stride, padding, rank)
    return np.asarray(np.count_nonzero(pools.inside, axis=-1))


def avg_pool(
    x: Any,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    rank: int = 2,
) -> Any:
    """The mean of every window, over cells of the image and, with count_include_pad, of its padding, which are 0.

    y[…, i] = (1/d) · Σ over p of x[…, i·stride + p − padding]; d is how many of these cells there are, or divisor_override. The cells by
    which a last window hangs over with ceil_mode are neither of the image nor of its padding.

    x (N, C, H, …) or (C, H, …) → the same with H′, …
    Source: torch.nn.AvgPool2d, the formula, the notes on padding and ceil_mode, count_include_pad and divisor_override.
    """
    pools = sliding(x.shape, kernel_size, stride, padding, 1, ceil_mode, rank)
    by = shares(pools, kernel_size, stride, padding, count_include_pad, divisor_override, rank)
    return (np.sum(pools.cells(x, 0.0), axis=-1) / by).reshape(pools.output)


def avg_pool_of_integers(x: np.ndarray, **options: Any) -> Between:
    """The same of integers below 2⁵⁰: the mean, rounded to the integer on either side of it where it is none.

    x (N, C, H, …) or (C, H, …) of integers → the same with H′, …
    Source: torch.nn.AvgPool2d, the formula.
    """
    mean = avg_pool(x.astype(float), **options)
    return Between(np.floor(mean), np.ceil(mean), np.isnan(mean))


def avg_pool_gradient(
    dy: Any,
    x: Any,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    rank: int = 2,
) -> dict[str, Any]:
    """Every cell gets the share dy[i]/d of each window i that it lies in.

    Source: the derivative of the formula of torch.nn.AvgPool2d.
    """
    pools = sliding(x.shape, kernel_size, stride, padding, 1, ceil_mode, rank)
    by = shares(pools, kernel_size, stride, padding, count_include_pad, divisor_override, rank)
    return {"x": spread_out(pools, dy, by).reshape(x.shape)}


def spread_out(pools: Pools, dy: Any, by: Any) -> Any:
    """The windows' cotangents, divided by `by`, added up over their cells: (planes, cells of the plane)."""
    share = stepwise(dy.reshape(pools.flat[0], math.prod(pools.counts)) / by)
    return pools.scattered(np.where(pools.inside, share[..., None], 0.0), pools.places)


def avg_pool_gradient_in_storage(dy: Any, x: Any, **options: Any) -> dict[str, Any]:
    """The same, divided and added up in a tensor of the storage format.

    Source: the derivative of the formula of torch.nn.AvgPool2d.
    """
    return avg_pool_gradient(coarse(dy), x, **options)


avg_pool_gradient.formulations = (avg_pool_gradient_in_storage,)  # type: ignore[attr-defined]


def global_avg_pool(x: Any, *, rank: int = 2) -> Any:
    """The mean of every plane.

    x (N, C, H, …) or (C, H, …) → the same with sides of one
    Source: Lin, Chen & Yan 2014, Network In Network, section 3.2; torch.nn.AdaptiveAvgPool2d with output_size 1.
    """
    return np.mean(x, axis=tuple(range(-rank, 0)), keepdims=True)


def global_avg_pool_gradient(dy: Any, x: Any, *, rank: int = 2) -> dict[str, Any]:
    """Every cell gets an equal share.

    Source: the derivative of the mean.
    """
    return {"x": np.broadcast_to(stored(dy / math.prod(x.shape[-rank:])), x.shape)}
