"""Unfolding an image into its blocks, and folding blocks back by adding them up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import add_at
from oracles.windows import Sides, places, spread, window_counts


def block_counts(sides: Sides, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Sides:
    """How many blocks lie along every axis: ⌊(L + 2·padding − dilation·(k − 1) − 1) / stride⌋ + 1."""
    rank = len(sides)
    around = tuple((p, p) for p in spread(padding, rank))
    return window_counts(sides, spread(kernel_size, rank), spread(stride, rank), around, spread(dilation, rank))


def cells(sides: Sides, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> np.ndarray:
    """The flat index in the image of every block's cells, or the number of pixels in the padding: (k·k, L)."""
    rank, counts = len(sides), block_counts(sides, kernel_size, dilation, padding, stride)
    around = tuple((p, p) for p in spread(padding, rank))
    kernel = spread(kernel_size, rank)
    at = places(sides, kernel, spread(stride, rank), around, spread(dilation, rank), counts).reshape(math.prod(counts), math.prod(kernel))
    return np.asarray(np.where(at < 0, math.prod(sides), at).T)


def unfold(x: Any, *, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The blocks of an image as columns: y[n, c·k·k + p, l] is cell p of block l of channel c, 0 in the padding.

    x (N, C, H, W) or (C, H, W) → (N, C·k·k, L) or (C·k·k, L)
    Source: torch.nn.Unfold, the shape (N, C·Πkernel_size, L) and L's formula.
    """
    at = cells(x.shape[-2:], kernel_size, dilation, padding, stride)
    pixels = x.reshape(*x.shape[:-2], math.prod(x.shape[-2:]))
    padded = np.pad(pixels, ((0, 0),) * (x.ndim - 2) + ((0, 1),))
    return padded[..., at].reshape(*x.shape[:-3], x.shape[-3] * at.shape[0], at.shape[1])


def fold(x: Any, *, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Add every block to the image at its place: y[n, c, i] = Σ over p, l that lie at pixel i of x[n, c·k·k + p, l].

    x (N, C·k·k, L) or (C·k·k, L) → (N, C, H, W) or (C, H, W)
    Source: torch.nn.Fold, "combines an array of sliding local blocks": overlapping values are summed.
    """
    sides = spread(output_size, 2)
    at = cells(sides, kernel_size, dilation, padding, stride)
    batch, channels = x.shape[:-2], x.shape[-2] // at.shape[0]
    frame = (math.prod(batch), channels, math.prod(sides) + 1)
    y = add_at(frame, (slice(None), slice(None), at), x.reshape(*frame[:2], *at.shape))
    return y[..., :-1].reshape(*batch, channels, *sides)


def unfold_gradient(dy: Any, x: Any, *, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> dict[str, Any]:
    """Every pixel gets the sum of its copies' cotangents: folding.

    Source: the chain rule on torch.nn.Unfold.
    """
    return {"x": fold(dy, output_size=x.shape[-2:], kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)}


def fold_gradient(
    dy: Any, x: Any, *, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> dict[str, Any]:
    """Every block's cell gets its pixel's cotangent, 0 in the padding: unfolding.

    Source: the chain rule on torch.nn.Fold.
    """
    return {"x": unfold(dy, kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)}
