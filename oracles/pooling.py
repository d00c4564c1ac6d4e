"""Pooling of any rank."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from oracles.bounded import Between, Doubtful, Exactly, OneOf, add_at, coarse
from oracles.windows import Sides, places, spread, window_counts


class Pools:
    """The windows of a pooling over x: `places` is the flat index in its plane of each cell, −1 in the padding: (windows, cells)."""

    def __init__(self, x: Sides, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, rank: int) -> None:
        self.planes, self.sides = x[:-rank], x[-rank:]
        kernel = spread(kernel_size, rank)
        steps = kernel if stride is None else spread(stride, rank)
        margins, spacing = tuple((p, p) for p in spread(padding, rank)), spread(dilation, rank)
        self.counts = window_counts(self.sides, kernel, steps, margins, spacing, ceil_mode)
        self.output = (*self.planes, *self.counts)
        self.places = places(self.sides, kernel, steps, margins, spacing, self.counts).reshape(math.prod(self.counts), -1)
        self.inside = self.places >= 0
        self.flat = (math.prod(self.planes), math.prod(self.sides))

    def cells(self, x: Any, outside: float) -> Any:
        """The cells of every window, those of the padding as `outside`: (planes, windows, cells)."""
        found = x.reshape(self.flat)[:, self.places]
        return found if self.inside.all() else np.where(self.inside, found, outside)

    def chosen(self, x: Any) -> Doubtful:
        """The cell that each window takes: the first of the largest; any NaN, if there is one."""
        cells = self.cells(x, -np.inf)
        undefined = np.asarray(np.isnan(cells)) & self.inside
        several = np.sum(undefined, axis=-1, keepdims=True) > 1
        largest = np.asarray(cells == np.max(cells, axis=-1, keepdims=True)) & self.inside
        found = undefined | largest
        return Doubtful(found & (np.cumsum(found, axis=-1) == 1), undefined & several)

    def scattered(self, terms: Any, at: np.ndarray) -> Any:
        """`terms` added up at flat indices of their plane: (planes, cells of the plane)."""
        return add_at(self.flat, (np.arange(self.flat[0])[:, None, None], at), terms)


def max_pool(
    x: Any,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    return_indices: bool = False,
    ceil_mode: bool = False,
    rank: int = 2,
    observed: Any = None,
) -> dict[str, Any]:
    """The largest cell of every window, and its flat index in the plane.

    y[…, i] = max over p of x[…, i·stride + p·dilation − padding], the padding −∞, any NaN above all

    The index is that of the first of several equal cells, of any of several NaN; a window wholly in the padding has −∞ and any index
    of the plane.

    x (N, C, H, …) or (C, H, …) → the same with H′, …
    Source: torch.nn.MaxPool2d, the formula, the note on ceil_mode, and the Shape section.
    """
    pools = Pools(x.shape, kernel_size, stride, padding, dilation, ceil_mode, rank)
    output = {"output": np.max(pools.cells(x, -np.inf), axis=-1).reshape(pools.output)}
    return {**output, "indices": indices(pools, pools.chosen(x))} if return_indices else output


def indices(pools: Pools, chosen: Doubtful) -> OneOf:
    """The flat indices that each window may report."""
    empty = np.broadcast_to(~pools.inside.any(axis=-1).reshape(pools.counts), pools.output)
    first = np.sum(np.where(chosen.value, pools.places, 0), axis=-1).reshape(pools.output)
    choices: list[Any] = [Exactly(first), Between(np.zeros(first.shape), np.full(first.shape, pools.flat[1] - 1.0), first < 0)]
    allowed = [~empty, empty]
    if chosen.doubt.any():
        for cell in range(chosen.shape[-1]):
            choices.append(Exactly(pools.places[:, cell].reshape(pools.counts)))
            allowed.append(chosen.doubt[..., cell].reshape(pools.output))
    return OneOf(choices, allowed)


def max_pool_gradient(
    dy: Any,
    x: Any,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    return_indices: bool = False,
    ceil_mode: bool = False,
    rank: int = 2,
    observed: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Any]:
    """The derivative of Σ dy·y: dx[j] = Σ of dy[i] over the windows i that took cell j, by the subject's own indices where it gives them.

    Source: the derivative of the maximum, torch.nn.MaxPool2d.
    """
    pools = Pools(x.shape, kernel_size, stride, padding, dilation, ceil_mode, rank)
    dy = dy.reshape(pools.flat[0], math.prod(pools.counts), 1)
    if observed is None or "indices" not in observed:
        return {"x": pools.scattered(np.where(pools.chosen(x), dy, 0.0), pools.places).reshape(x.shape)}
    at = np.asarray(observed["indices"]).reshape(dy.shape)
    known = (at >= 0) & (at < pools.flat[1])
    return {"x": pools.scattered(np.where(known, dy, 0.0), np.where(known, at, 0)).reshape(x.shape)}


def max_pool_gradient_in_storage(dy: Any, x: Any, **options: Any) -> dict[str, Any]:
    """The same, added up in a tensor of the storage format.

    Source: the derivative of the maximum, torch.nn.MaxPool2d.
    """
    return max_pool_gradient(coarse(dy), x, **options)


max_pool_gradient.formulations = (max_pool_gradient_in_storage,)  # type: ignore[attr-defined]
