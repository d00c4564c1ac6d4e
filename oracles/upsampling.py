"""Resampling of any rank: every new cell is a weighted sum of old ones, one axis at a time."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oracles.bounded import Doubtful, OneOf, add_at, coarse, contract, stored
from oracles.sampling_grid import Axis, sides_after

EDGE = 2


class Grid:
    """The axes of a resampling, the old ones' sides and the new ones'."""

    def __init__(
        self,
        x: Any,
        size: Any,
        scale_factor: Any,
        mode: str,
        align_corners: bool | None,
        recompute_scale_factor: bool | None,
        antialias: bool,
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

    def counts(self) -> Any:
        """How many old cells a new one has, in area mode."""
        each = [matrix.sum(axis=1).astype(int) for matrix in self.matrices()]
        return np.prod(np.meshgrid(*each, indexing="ij"), axis=0)


def along(x: Any, axis: int, matrix: Any, edge: int) -> Any:
    """x with one axis multiplied by a matrix, `edge` cells on either side repeating the first and the last."""
    x = np.pad(x, [(edge * (i == axis),) * 2 for i in range(x.ndim)], "edge") if edge else x
    x = np.moveaxis(x, axis, -1)
    y = contract("ni,oi->no", x.reshape(math.prod(x.shape[:-1]), x.shape[-1]), matrix)
    return np.moveaxis(y.reshape(*x.shape[:-1], len(matrix)), -1, axis)


def back(dy: Any, axis: int, matrix: Any, edge: int) -> Any:
    """The same transposed: what reaches the edge's repetitions is added to the edge."""
    dx = along(dy, axis, np.swapaxes(matrix, 0, 1), 0)
    if not edge:
        return dx
    if dx.shape[axis] == 2 * edge + 1:
        return np.sum(dx, axis=axis, keepdims=True)
    first, middle, last = np.split(dx, [edge + 1, dx.shape[axis] - edge - 1], axis=axis)
    ends = (np.sum(first, axis=axis, keepdims=True), middle, np.sum(last, axis=axis, keepdims=True))
    return np.concatenate(ends, axis=axis)


def interpolate(
    x: Any,
    *,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
    last_first: bool = True,
) -> Any:
    """Resample signals, images or volumes, one axis after the other.

    y[n, c, o, …] = Σ over i, … of weight[o, i] · … · x[n, c, i, …], i beyond the edge repeating it

    weight[o, i] = k(p(o) − i), where p(o) = (o + ½)·step − ½, or o·(n − 1)/(m − 1) with align_corners. The step is n/m if size is
    given or scale_factor is recomputed, 1/scale_factor else. k is max(0, 1 − |t|) for linear modes, Keys' cubic of a = −0.75 for
    bicubic. With antialias the kernel (a = −0.5) is max(step, 1) times as wide and its weights have the sum 1. nearest takes the cell
    ⌊o·step⌋, nearest-exact ⌊(o + ½)·step⌋, area the mean of the cells ⌊o·n/m⌋ … ⌈(o + 1)·n/m⌉ − 1.

    x (N, C, H, …) → (N, C, H′, …), the given size or ⌊H · scale_factor⌋
    Source: torch.nn.functional.interpolate; torch.nn.Upsample, Shape; Keys 1981; Pillow's reduction, for antialias.
    """
    grid = Grid(x, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    if mode.startswith("nearest"):
        return nearest(x, grid)
    order: Sequence[int] = range(len(grid.axes))
    matrices = grid.matrices()
    for at in reversed(order) if last_first else order:
        x = along(x, 2 + at, matrices[at], grid.edge)
        x = stored(x) if antialias else x
    return x / grid.counts() if mode == "area" else x


def candidates(grid: Grid) -> tuple[list[tuple[np.ndarray, ...]], np.ndarray]:
    """The old cells, axis by axis, in which positions may lie, first where they do; and for which new cells there are several."""
    ends = [axis.nearest(grid.mode) for axis in grid.axes]
    each = [(low, high) if np.any(low != high) else (low,) for low, high in ends]
    doubt = np.array(False)
    for low, high in ends:
        doubt = doubt[..., None] | (low != high)
    return list(itertools.product(*each)), doubt


def nearest(x: Any, grid: Grid) -> OneOf:
    """The old cell in which the position lies; either of two where rounding may carry it over the edge between them."""
    return OneOf([x[(slice(None), slice(None), *np.ix_(*cells))] for cells in candidates(grid)[0]])


def nearest_gradient(dy: Any, x: Any, grid: Grid) -> Any:
    """The sum over new cells of dy, for the old cell of each, or for any of several."""
    flat, planes = math.prod(grid.sides), x.shape[:2]
    choices, doubt = candidates(grid)
    found: Any = 0.0
    for number, cells in enumerate(choices):
        at = np.ravel_multi_index(np.ix_(*cells), grid.sides)
        taken = np.where(Doubtful(np.full(doubt.shape, number == 0), doubt), dy, 0.0) if doubt.any() else dy
        terms = taken.reshape(*planes, math.prod(grid.output))
        found = found + add_at((*planes, flat), (slice(None), slice(None), at.ravel()), terms)
    return found.reshape(x.shape)


def interpolate_first_axis_first(x: Any, **options: Any) -> Any:
    """The same, beginning with the first axis.

    Source: torch.nn.functional.interpolate.
    """
    return interpolate(x, **options, last_first=False)


def at_once(matrices: list[Any]) -> Any:
    """The matrix of all axes together: products of their weights."""
    product, *others = matrices
    for matrix in others:
        sides = (len(product) * len(matrix), product.shape[1] * matrix.shape[1])
        product = (product[:, None, :, None] * matrix[None, :, None, :]).reshape(sides)
    return product


def interpolate_at_once(
    x: Any,
    *,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """The same as one sum, the weights of the axes multiplied first.

    Source: torch.nn.functional.interpolate.
    """
    grid = Grid(x, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    if mode.startswith("nearest"):
        return nearest(x, grid)
    product = at_once(grid.matrices())
    cells = np.pad(x, ((0, 0), (0, 0), *[(grid.edge, grid.edge)] * len(grid.sides)), "edge") if grid.edge else x
    y = contract("pi,oi->po", cells.reshape(math.prod(x.shape[:2]), product.shape[1]), product)
    y = y.reshape(*x.shape[:2], *grid.output)
    return y / grid.counts() if mode == "area" else y


interpolate.formulations = (interpolate_first_axis_first, interpolate_at_once)  # type: ignore[attr-defined]


def interpolate_gradient(
    dy: Any,
    x: Any,
    *,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
    last_first: bool = False,
) -> dict[str, Any]:
    """The derivative of Σ dy·y: dx[i, …] = Σ over o, … of weight[o, i] · … · dy[o, …], one axis after the other.

    Source: the transpose of the weighted sums of torch.nn.functional.interpolate.
    """
    grid = Grid(x, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    if mode.startswith("nearest"):
        return {"x": nearest_gradient(dy, x, grid)}
    order: Sequence[int] = range(len(grid.axes))
    matrices = grid.matrices()
    dx = stored(dy / grid.counts()) if mode == "area" else dy
    for at in reversed(order) if last_first else order:
        dx = back(dx, 2 + at, matrices[at], grid.edge)
        dx = stored(dx) if antialias else dx
    return {"x": dx}


def gradient_at_once(
    dy: Any,
    x: Any,
    *,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> dict[str, Any]:
    """The same as one sum, the weights of the axes multiplied first.

    Source: the transpose of the weighted sums of torch.nn.functional.interpolate.
    """
    grid = Grid(x, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    if mode.startswith("nearest"):
        return {"x": nearest_gradient(dy, x, grid)}
    dy = stored(dy / grid.counts()) if mode == "area" else dy
    product = at_once(grid.matrices())
    at = np.pad(np.arange(math.prod(grid.sides)).reshape(grid.sides), grid.edge, "edge").ravel()
    dx = contract("po,oi->pi", dy.reshape(math.prod(x.shape[:2]), len(product)), product)
    return {"x": add_at((math.prod(x.shape[:2]), math.prod(grid.sides)), (slice(None), at), dx).reshape(x.shape)}


def gradient_last_axis_first(dy: Any, x: Any, **options: Any) -> dict[str, Any]:
    """The same, beginning with the last axis.

    Source: the transpose of the weighted sums of torch.nn.functional.interpolate.
    """
    return interpolate_gradient(dy, x, **options, last_first=True)


def gradient_in_storage(dy: Any, x: Any, **options: Any) -> dict[str, Any]:
    """The same, added up in a tensor of the storage format.

    Source: the transpose of the weighted sums of torch.nn.functional.interpolate.
    """
    return interpolate_gradient(coarse(dy), x, **options)


interpolate_gradient.formulations = (gradient_last_axis_first, gradient_at_once, gradient_in_storage)  # type: ignore[attr-defined]


def with_options(oracle: Callable[..., Any], **given: Any) -> Callable[..., Any]:
    """The oracle, and its other formulations, with some options given."""

    @functools.wraps(oracle)
    def narrowed(*arrays: Any, **options: Any) -> Any:
        return oracle(*arrays, **options, **given)

    narrowed.formulations = tuple(with_options(other, **given) for other in getattr(oracle, "formulations", ()))  # type: ignore[attr-defined]
    return narrowed
