"""The cells that pooling gathers: windows of any kind over an image, as lists of flat indices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from oracles.bounded import Between, Doubtful, Exactly, OneOf, add_at
from oracles.windows import Sides, places, spread, window_counts


class Pools:
    """Windows over x.

    `places` is the flat index in its plane of each cell, −1 outside: (windows, cells), or (planes, windows, cells).
    """

    def __init__(self, x: Sides, counts: Sides, at: np.ndarray) -> None:
        self.planes, self.sides, self.counts = x[: len(x) - len(counts)], x[len(x) - len(counts) :], counts
        self.output = (*self.planes, *counts)
        self.flat = (math.prod(self.planes), math.prod(self.sides))
        self.places = at
        self.inside = at >= 0
        self._each = np.arange(self.flat[0])[:, None, None]

    def cells(self, x: Any, outside: float) -> Any:
        """The cells of every window, those outside of the image as `outside`: (planes, windows, cells)."""
        found = x.reshape(self.flat)[self._each, self.places]
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
        return add_at(self.flat, (self._each, at), terms)


def sliding(x: Sides, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, rank: int) -> Pools:
    """Windows of one size at equal distances."""
    kernel = spread(kernel_size, rank)
    steps = kernel if stride is None else spread(stride, rank)
    margins, spacing = tuple((p, p) for p in spread(padding, rank)), spread(dilation, rank)
    counts = window_counts(x[-rank:], kernel, steps, margins, spacing, ceil_mode)
    return Pools(x, counts, places(x[-rank:], kernel, steps, margins, spacing, counts).reshape(math.prod(counts), -1))


def crossed(sides: Sides, axes: Sequence[np.ndarray]) -> np.ndarray:
    """Flat indices from those along each axis, (…, windows, cells) with −1 outside: (…, all windows, all cells)."""
    at = np.zeros((1, 1), int)
    for side, along in zip(sides, axes, strict=True):
        before, here = at[..., :, None, :, None], along[..., None, :, None, :]
        both = np.where((before < 0) | (here < 0), -1, before * side + here)
        at = both.reshape(*both.shape[:-4], both.shape[-4] * both.shape[-3], both.shape[-2] * both.shape[-1])
    return at


def ragged(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The cells start … end − 1 of every window along one axis, −1 behind the shorter ones: (…, windows, cells)."""
    at = start[..., None] + np.arange(int(np.max(end - start, initial=1)))
    return np.where(at < end[..., None], at, -1)


def largest(pools: Pools, x: Any, return_indices: bool) -> dict[str, Any]:
    """The largest cell of every window, and with return_indices where it is."""
    output = {"output": np.max(pools.cells(x, -np.inf), axis=-1).reshape(pools.output)}
    return {**output, "indices": indices(pools, pools.chosen(x))} if return_indices else output


def indices(pools: Pools, chosen: Doubtful) -> OneOf:
    """The flat indices that each window may report; of a window without a cell any of the plane."""
    empty = np.broadcast_to(~pools.inside.any(axis=-1), (*pools.flat[:1], math.prod(pools.counts))).reshape(pools.output)
    first = np.sum(np.where(chosen.value, pools.places, 0), axis=-1).reshape(pools.output)
    choices: list[Any] = [Exactly(first), Between(np.zeros(first.shape), np.full(first.shape, pools.flat[1] - 1.0), first < 0)]
    allowed = [~empty, empty]
    if chosen.doubt.any():
        everywhere = np.broadcast_to(pools.places, chosen.shape)
        for cell in range(chosen.shape[-1]):
            choices.append(Exactly(everywhere[..., cell].reshape(pools.output)))
            allowed.append(chosen.doubt[..., cell].reshape(pools.output))
    return OneOf(choices, allowed)


def of_the_largest(pools: Pools, dy: Any, x: Any, observed: Mapping[str, np.ndarray] | None) -> Any:
    """dx[j] = Σ of dy[i] over the windows i that took cell j, by the subject's own indices where it gives them."""
    dy = dy.reshape(pools.flat[0], math.prod(pools.counts), 1)
    if observed is None or "indices" not in observed:
        return pools.scattered(np.where(pools.chosen(x), dy, 0.0), pools.places).reshape(x.shape)
    at = np.asarray(observed["indices"]).reshape(dy.shape)
    known = (at >= 0) & (at < pools.flat[1])
    return pools.scattered(np.where(known, dy, 0.0), np.where(known, at, 0)).reshape(x.shape)
