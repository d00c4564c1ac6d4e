"""Resampling of any rank: every new cell is a weighted sum of old ones, one axis at a time."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oracles.bounded import Doubtful, OneOf, add_at, coarse, stored, weighted
from oracles.weighing import Grid, along, at_once, back, counting


def interpolate(x: Any, *, last_first: bool = True, zeros: bool = False, **options: Any) -> Any:
    """Resample signals, images or volumes, one axis after the other.

    y[n, c, o, …] = Σ over i, … of weight[o, i] · … · x[n, c, i, …], i beyond the edge repeating it

    weight[o, i] = k(p(o) − i), where p(o) = (o + ½)·step − ½, or o·(n − 1)/(m − 1) with align_corners. The step is n/m if size is
    given or scale_factor is recomputed, 1/scale_factor else. k is max(0, 1 − |t|) for linear modes, Keys' cubic of a = −0.75 for
    bicubic. With antialias the kernel (a = −0.5, or sinc(t)·sinc(t/3) for lanczos) is max(step, 1) times as wide and its weights have
    the sum 1. nearest takes the cell ⌊o·step⌋, nearest-exact ⌊(o + ½)·step⌋, area the mean of the cells ⌊o·n/m⌋ … ⌈(o + 1)·n/m⌉ − 1.

    x (N, C, H, …) → (N, C, H′, …), the given size or ⌊H · scale_factor⌋
    Source: torch.nn.functional.interpolate; torch.nn.Upsample, Shape; Keys 1981; Pillow's reduction, for antialias.
    """
    grid = Grid(x, **options)
    if grid.mode.startswith("nearest"):
        return nearest(x, grid)
    order: Sequence[int] = range(len(grid.axes))
    matrices, besides = grid.matrices(), grid.besides() if zeros else [None] * len(order)
    for at in reversed(order) if last_first else order:
        x = along(x, 2 + at, matrices[at], grid.edge, besides[at])
        x = stored(x) if grid.antialias else x
    return x / grid.counts() if grid.mode == "area" else x


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


def interpolate_at_once(x: Any, **options: Any) -> Any:
    """The same as one sum, the weights of the axes multiplied first.

    Source: torch.nn.functional.interpolate.
    """
    grid = Grid(x, **options)
    if grid.mode.startswith("nearest"):
        return nearest(x, grid)
    product = at_once(grid.matrices())
    cells = np.pad(x, ((0, 0), (0, 0), *[(grid.edge, grid.edge)] * len(grid.sides)), "edge") if grid.edge else x
    y = weighted("pi,oi->po", cells.reshape(math.prod(x.shape[:2]), product.shape[1]), product)
    y = y.reshape(*x.shape[:2], *grid.output)
    return y / grid.counts() if grid.mode == "area" else y


def interpolate_with_zeros(x: Any, **options: Any) -> Any:
    """The same, also multiplying by weights of 0, which makes NaN of infinities.

    Source: torch.nn.functional.interpolate.
    """
    return interpolate(x, **options, zeros=True)


interpolate.formulations = (interpolate_first_axis_first, interpolate_at_once, interpolate_with_zeros)  # type: ignore[attr-defined]


def interpolate_gradient(dy: Any, x: Any, *, last_first: bool = False, zeros: bool = False, **options: Any) -> dict[str, Any]:
    """The derivative of Σ dy·y: dx[i, …] = Σ over o, … of weight[o, i] · … · dy[o, …], one axis after the other.

    Source: the transpose of the weighted sums of torch.nn.functional.interpolate.
    """
    grid = Grid(x, **options)
    if grid.mode.startswith("nearest"):
        return {"x": nearest_gradient(dy, x, grid)}
    order: Sequence[int] = range(len(grid.axes))
    matrices, besides = grid.matrices(), grid.besides() if zeros else [None] * len(order)
    dx = stored(dy / grid.counts()) if grid.mode == "area" else dy
    for at in reversed(order) if last_first else order:
        dx = back(dx, 2 + at, matrices[at], grid.edge, besides[at])
        dx = stored(dx) if grid.antialias else dx
    return {"x": dx}


def gradient_at_once(dy: Any, x: Any, **options: Any) -> dict[str, Any]:
    """The same as one sum, the weights of the axes multiplied first.

    Source: the transpose of the weighted sums of torch.nn.functional.interpolate.
    """
    grid = Grid(x, **options)
    if grid.mode.startswith("nearest"):
        return {"x": nearest_gradient(dy, x, grid)}
    dy = stored(dy / grid.counts()) if grid.mode == "area" else dy
    product = at_once(grid.matrices())
    at = np.pad(np.arange(math.prod(grid.sides)).reshape(grid.sides), grid.edge, "edge").ravel()
    new, cells = np.nonzero(counting(product))
    terms = dy.reshape(math.prod(x.shape[:2]), len(product))[:, new] * product[new, cells]
    return {"x": add_at((math.prod(x.shape[:2]), math.prod(grid.sides)), (slice(None), at[cells]), terms).reshape(x.shape)}


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


def gradient_with_zeros(dy: Any, x: Any, **options: Any) -> dict[str, Any]:
    """The same, also multiplying by weights of 0, which makes NaN of infinities.

    Source: the transpose of the weighted sums of torch.nn.functional.interpolate.
    """
    return interpolate_gradient(dy, x, **options, zeros=True)


interpolate_gradient.formulations = (  # type: ignore[attr-defined]
    gradient_last_axis_first,
    gradient_at_once,
    gradient_in_storage,
    gradient_with_zeros,
)


def with_options(oracle: Callable[..., Any], **given: Any) -> Callable[..., Any]:
    """The oracle, and its other formulations, with some options given."""

    @functools.wraps(oracle)
    def narrowed(*arrays: Any, **options: Any) -> Any:
        return oracle(*arrays, **options, **given)

    narrowed.formulations = tuple(with_options(other, **given) for other in getattr(oracle, "formulations", ()))  # type: ignore[attr-defined]
    return narrowed
