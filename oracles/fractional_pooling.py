"""Maxima over windows at pseudo-random distances, for two or three axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from oracles.bounded import coarse
from oracles.pools import Pools, crossed, largest, of_the_largest, ragged
from oracles.windows import Sides, spread


def fractional_sides(sides: Sides, output_size: Any, output_ratio: Any) -> Sides:
    """output_size, or ⌊output_ratio · L⌋.

    Source: torch.nn.FractionalMaxPool2d, Shape.
    """
    if output_size is not None:
        return spread(output_size, len(sides))
    ratios = output_ratio if isinstance(output_ratio, tuple) else (output_ratio,) * len(sides)
    return tuple(int(side * ratio) for side, ratio in zip(sides, ratios, strict=True))


def starts(sample: Any, side: int, kernel: int, count: int) -> Any:
    """Where `count` windows of `kernel` cells begin along an axis, for samples u in [0, 1), (…,) → (…, count).

    The i-th at ⌊α·(i + u)⌋ − ⌊α·u⌋ with α = (L − k)/(M − 1), the last at L − k.

    Source: Graham 2014, Fractional Max-Pooling, section 2.1: pseudorandom sequences.
    """
    last = np.broadcast_to(side - kernel, (*sample.shape, 1))
    if count == 1:
        return last
    step, u = (sample[..., None] * 0 + (side - kernel)) / (count - 1), sample[..., None]
    return np.concatenate([np.floor((np.arange(count - 1) + u) * step) - np.floor(u * step), last], axis=-1)


def fractional(x: Sides, samples: Any, kernel_size: Any, output_size: Any, output_ratio: Any, rank: int) -> Pools:
    """The windows of every plane; its samples are for (W, H) of two axes and (T, H, W) of three, as the library orders them."""
    sides, kernel = x[-rank:], spread(kernel_size, rank)
    counts = fractional_sides(sides, output_size, output_ratio)
    by_plane = np.asarray(samples, float).reshape(-1, rank)
    order = (1, 0) if rank == 2 else (0, 1, 2)
    axes = []
    for sample, side, k, count in zip(order, sides, kernel, counts, strict=True):
        start = starts(by_plane[:, sample], side, k, count).astype(int)
        axes.append(ragged(start, start + k))
    return Pools(x, counts, crossed(sides, axes))


def fractional_max_pool(
    x: Any,
    _random_samples: np.ndarray,
    *,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    rank: int = 2,
    observed: Any = None,
) -> dict[str, Any]:
    """The largest cell of every window, and its flat index in the plane: of the first of equal cells, of any NaN.

    y[…, i] = max of x[…, aᵢ : aᵢ + kernel_size], a the sequence of `starts`

    x (N, C, H, …) or (C, H, …), _random_samples (N or 1, C, rank) → output_size or output_ratio · (H, …)
    Source: torch.nn.FractionalMaxPool2d, the parameters and the Shape section; Graham 2014, Fractional Max-Pooling, section 2.1.
    """
    return largest(fractional(x.shape, _random_samples, kernel_size, output_size, output_ratio, rank), x, return_indices)


def fractional_max_pool_gradient(
    dy: Any,
    x: Any,
    _random_samples: np.ndarray,
    *,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    rank: int = 2,
    observed: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Any]:
    """dx[j] = Σ of dy[i] over the windows i that took cell j, by the subject's own indices where it gives them.

    Source: the derivative of the maximum, torch.nn.FractionalMaxPool2d.
    """
    pools = fractional(x.shape, _random_samples, kernel_size, output_size, output_ratio, rank)
    return {"x": of_the_largest(pools, dy, x, observed)}


def fractional_max_pool_gradient_in_storage(dy: Any, x: Any, _random_samples: np.ndarray, **options: Any) -> dict[str, Any]:
    """The same, added up in a tensor of the storage format.

    Source: the derivative of the maximum, torch.nn.FractionalMaxPool2d.
    """
    return fractional_max_pool_gradient(coarse(dy), x, _random_samples, **options)


fractional_max_pool_gradient.formulations = (fractional_max_pool_gradient_in_storage,)  # type: ignore[attr-defined]
