"""Maxima put back to where they came from, for any number of axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import add_at
from oracles.windows import Sides, spread


def unpooled_sides(sides: Sides, kernel_size: Any, stride: Any, padding: Any, output_size: Any) -> Sides:
    """(L − 1)·stride − 2·padding + kernel_size, or the last of output_size.

    Source: torch.nn.MaxUnpool2d, Shape.
    """
    rank = len(sides)
    if output_size is not None:
        return tuple(output_size[-rank:])
    steps = kernel_size if stride is None else stride
    options = (spread(option, rank) for option in (steps, padding, kernel_size))
    return tuple((n - 1) * s - 2 * p + k for n, s, p, k in zip(sides, *options, strict=True))


def max_unpool(
    x: Any, indices: np.ndarray, *, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None, rank: int = 2
) -> Any:
    """Every value at its flat index in the plane, 0 elsewhere; equal indices of a plane must have equal values.

    y[…, indices[…, i]] = x[…, i]

    x, indices (N, C, H, …) or (C, H, …) → the same with H′, …
    Source: torch.nn.MaxUnpool2d, the description and the Shape section.
    """
    sides = unpooled_sides(x.shape[-rank:], kernel_size, stride, padding, output_size)
    planes = x.shape[:-rank]
    at = indices.reshape(math.prod(planes), math.prod(x.shape[-rank:]))
    once = np.zeros(at.shape, bool)
    for plane, row in enumerate(at):
        once[plane, np.unique(row, return_index=True)[1]] = True
    terms = np.where(once, x.reshape(at.shape), 0.0)
    return add_at((len(at), math.prod(sides)), (np.arange(len(at))[:, None], at), terms).reshape(*planes, *sides)


def max_unpool_gradient(
    dy: Any, x: Any, indices: np.ndarray, *, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None, rank: int = 2
) -> dict[str, Any]:
    """Every value gets the cotangent of the cell where it was put: dx[…, i] = dy[…, indices[…, i]].

    Source: the derivative of the formula of torch.nn.MaxUnpool2d.
    """
    at = indices.reshape(math.prod(x.shape[:-rank]), math.prod(x.shape[-rank:]))
    return {"x": np.take_along_axis(dy.reshape(len(at), math.prod(dy.shape[-rank:])), at, axis=1).reshape(x.shape)}
