"""Resampling as products of matrices: the weights of old cells in new ones, axis after axis or all at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import weighted
from oracles.conventions import plain
from oracles.sampling_grid import Axis, sides_after

EDGE = 2


class Grid:
    """The axes of a resampling, the old ones' sides and the new ones'."""

    def __init__(
        self,
        x: Any,
        *,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
        antialias: bool = False,
    ) -> None:
        rank = x.ndim - 2
        self.mode, self.antialias, self.sides = mode, antialias, x.shape[2:]
        self.output = sides_after(self.sides, size, scale_factor)
        used = scale_factor is not None and not recompute_scale_factor and mode != "area"
        scales = (scale_factor if isinstance(scale_factor, tuple) else (scale_factor,) * rank) if used else (None,) * rank
        one = np.ones_like(x, shape=())
        self.axes = [Axis(one, n, m, s, bool(align_corners)) for n, m, s in zip(self.sides, self.output, scales, strict=True)]
        self.edge = EDGE if mode not in ("nearest", "nearest-exact", "area") and not antialias else 0

    def matrices(self) -> list[Any]:
        """For every axis the weights (m, n + 2·edge) of old cells in new ones."""
        if self.mode == "area":
            return [axis.windows() for axis in self.axes]
        return [axis.antialiased(self.mode) if self.antialias else axis.weights(self.mode) for axis in self.axes]

    def besides(self) -> list[Any]:
        """Masks like the matrices of what may be multiplied by 0: old cells near a new one that lies exactly on one of them."""
        if self.mode == "area":
            return [None] * len(self.axes)
        return [axis.beside(self.mode, self.antialias) for axis in self.axes]

    def counts(self) -> Any:
        """How many old cells a new one has, in area mode."""
        each = [matrix.sum(axis=1).astype(int) for matrix in self.matrices()]
        return np.prod(np.meshgrid(*each, indexing="ij"), axis=0)


def counting(weights: Any) -> np.ndarray:
    """Which weights are, or may be, other than 0."""
    return np.asarray((plain(weights) != 0) | (np.asarray(getattr(weights, "error", 0.0)) > 0))


def along(x: Any, axis: int, matrix: Any, edge: int, beside: Any = None) -> Any:
    """x with one axis multiplied by a matrix, `edge` cells on either side repeating the first and the last."""
    x = np.pad(x, [(edge * (i == axis),) * 2 for i in range(x.ndim)], "edge") if edge else x
    x = np.moveaxis(x, axis, -1)
    y = weighted("ni,oi->no", x.reshape(math.prod(x.shape[:-1]), x.shape[-1]), matrix, beside)
    return np.moveaxis(y.reshape(*x.shape[:-1], len(matrix)), -1, axis)


def back(dy: Any, axis: int, matrix: Any, edge: int, beside: Any = None) -> Any:
    """The same transposed: what reaches the edge's repetitions is added to the edge."""
    return folded(along(dy, axis, np.swapaxes(matrix, 0, 1), 0, None if beside is None else beside.T), axis, edge)


def folded(x: Any, axis: int, edge: int) -> Any:
    """x with the first and the last `edge` cells of an axis added to their neighbours."""
    if not edge:
        return x
    if x.shape[axis] == 2 * edge + 1:
        return np.sum(x, axis=axis, keepdims=True)
    first, middle, last = np.split(x, [edge + 1, x.shape[axis] - edge - 1], axis=axis)
    ends = (np.sum(first, axis=axis, keepdims=True), middle, np.sum(last, axis=axis, keepdims=True))
    return np.concatenate(ends, axis=axis)


def at_once(matrices: list[Any]) -> Any:
    """The matrix of all axes together: products of their weights."""
    product, *others = matrices
    for matrix in others:
        sides = (len(product) * len(matrix), product.shape[1] * matrix.shape[1])
        product = (product[:, None, :, None] * matrix[None, :, None, :]).reshape(sides)
    return product
