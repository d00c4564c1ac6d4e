"""Images and volumes read at any positions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import Bounded, Doubtful, OneOf, add_at, contract, weighted
from oracles.grid_reading import Reading
from oracles.weighing import counting


def read(cells: Any, weights: list[Any], besides: Any = (None,) * 3) -> Any:
    """Σ over all axes of the weights (N, P, …) times the cells (N, C, …), the last axis first: (N, C, P)."""
    labels, last = "ijk"[: len(weights)], len(weights) - 1
    y = weighted(f"nc{labels[:-1]}w,npw->ncp{labels[:-1]}", cells, weights[-1], besides[last])
    for axis in range(last - 1, -1, -1):
        others = labels[:axis]
        y = weighted(f"ncp{others}w,npw->ncp{others}", y, weights[axis], besides[axis])
    return y


def read_by_points(cells: Any, weights: list[Any], besides: Any, last_first: bool) -> Any:
    """The same for cells that differ from point to point, (N, P, …) → (N, P)."""
    labels = "ijk"[: len(weights)]
    order = range(len(weights))
    for axis in reversed(order) if last_first else order:
        rest = labels.replace("ijk"[axis], "")
        cells = weighted(f"np{labels},np{'ijk'[axis]}->np{rest}", cells, weights[axis], besides[axis])
        labels = rest
    return cells


def grid_sample(
    input: Any,
    grid: Any,
    *,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
    zeros: bool = False,
) -> Any:
    """Read images or volumes at the positions of a grid.

    y[n, c, p] = Σ over i, j of k(Y(p) − i) · k(X(p) − j) · input[n, c, i, j]

    X = ((x + 1)·W − 1) / 2, or (x + 1)·(W − 1) / 2 with align_corners, (x, y) = grid[n, p]; k is max(0, 1 − |t|), or Keys' cubic of
    a = −0.75; nearest takes the nearest cell. Beyond its edges the image continues with zeros, its edge cells ("border"), or its
    reflection about the centres of the corner cells (with align_corners) or their outer edges. A position that is NaN is −1; one that
    is infinite has no reflection, and no place where the corners of a side are one (∞ · 0), so that anything may be read there.

    input (N, C, H, W), grid (N, H′, W′, 2) → (N, C, H′, W′), and with an axis more for volumes
    Source: torch.nn.functional.grid_sample; padding_mode, align_corners.
    """
    reading = Reading(input, grid, padding_mode, align_corners)
    cells = reading.continuation(input)
    if mode != "nearest":
        return freed(read(cells, reading.weights(mode), reading.besides(mode, zeros)).reshape(reading.output), reading.nowhere[:, None])
    image = np.arange(len(input))[:, None]
    found = [np.moveaxis(cells[(image, slice(None), *at)], -1, 1) for at in itertools.product(*reading.nearest())]
    return OneOf([freed(y.reshape(reading.output), reading.nowhere[:, None]) for y in found])


def grid_sample_first_axis_first(input: Any, grid: Any, **options: Any) -> Any:
    """The same, beginning with the first axis.

    Source: torch.nn.functional.grid_sample.
    """
    rank = input.ndim - 2
    turned = input.transpose(0, 1, *range(rank + 1, 1, -1))
    return grid_sample(turned, grid[..., ::-1], **options)


def grid_sample_with_zeros(input: Any, grid: Any, **options: Any) -> Any:
    """The same, also multiplying by weights of 0, which makes NaN of infinities.

    Source: torch.nn.functional.grid_sample.
    """
    return grid_sample(input, grid, **options, zeros=True)


def at_once(weights: list[Any]) -> Any:
    """The weights of all axes together, products of theirs: (N, P, cells)."""
    product, *others = weights
    for each in others:
        product = (product[..., None] * each[:, :, None, :]).reshape(*each.shape[:2], product.shape[2] * each.shape[2])
    return product


def grid_sample_at_once(
    input: Any, grid: Any, *, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Any:
    """The same as one sum, the weights of the axes multiplied first.

    Source: torch.nn.functional.grid_sample.
    """
    if mode == "nearest":
        return grid_sample(input, grid, mode=mode, padding_mode=padding_mode, align_corners=align_corners)
    reading = Reading(input, grid, padding_mode, align_corners)
    y = weighted("nck,npk->ncp", in_a_row(reading.continuation(input)), at_once(reading.weights(mode)))
    return freed(y.reshape(reading.output), reading.nowhere[:, None])


def in_a_row(cells: Any) -> Any:
    """The cells of every channel one after the other: (N, C, cells)."""
    return cells.reshape(*cells.shape[:2], math.prod(cells.shape[2:]))


grid_sample.formulations = (  # type: ignore[attr-defined]
    grid_sample_first_axis_first,
    grid_sample_with_zeros,
    grid_sample_at_once,
)


def grid_sample_gradient(
    dy: Any,
    input: Any,
    grid: Any,
    *,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
    below: bool = False,
    zeros: bool = False,
) -> dict[str, Any]:
    """The derivatives of Σ dy·y: by input the transpose of its weights, by the grid their slopes; 0 by the grid of nearest.

    By a position that is NaN, or infinite and without a place, there is none: it is free.

    Source: the product rule on torch.nn.functional.grid_sample.
    """
    reading = Reading(input, grid, padding_mode, align_corners)
    cells, rank = reading.continuation(input), len(reading.sides)
    dy = dy.reshape(*reading.output[:2], reading.points)
    lost = lost_images(reading)
    if mode == "nearest":
        return {"input": freed(nearest_gradient(dy, cells, reading), lost), "grid": np.zeros_like(grid)}
    weights = reading.weights(mode)
    slopes = [slope * scale for slope, scale in zip(reading.slopes(mode, below), reading.scales, strict=True)]
    besides = reading.besides(mode, zeros)
    spread, labels = dy, ""
    for axis in range(rank - 1):
        spread = weighted(f"ncp{labels},npw->ncp{labels}w", spread, weights[axis], besides[axis])
        labels += "ij"[axis]
    dx = weighted(f"ncp{labels},npw->nc{labels}w", spread, weights[-1], besides[rank - 1])
    each = [read(cells, factors, besides) for factors in with_slopes(weights, slopes)]
    dgrid = np.stack([np.sum(dy * slope, axis=1) for slope in each[::-1]], axis=-1)
    return {"input": freed(reading.back(dx), lost), "grid": by_grid(dgrid, grid, reading)}


def with_slopes(weights: list[Any], slopes: list[Any]) -> list[list[Any]]:
    """For every axis the weights of all, its slopes in the place of its weights."""
    return [[*weights[:axis], slope, *weights[axis + 1 :]] for axis, slope in enumerate(slopes)]


def lost_images(reading: Reading) -> np.ndarray:
    """The images of which some position is nowhere: (N, 1, …)."""
    return np.asarray(np.any(reading.nowhere, axis=tuple(range(1, reading.nowhere.ndim)), keepdims=True))[:, None]


def freed(x: Any, where: np.ndarray) -> Any:
    """x, of which nothing is known at some elements."""
    return Bounded(x.value, np.where(where, np.inf, x.error), x.by) if isinstance(x, Bounded) else x


def by_grid(dgrid: Any, grid: Any, reading: Reading) -> Any:
    """The derivative by a grid, free where the position is NaN, or nowhere."""
    undefined = np.isnan(getattr(grid, "value", grid)) | reading.nowhere[..., None]
    return freed(dgrid.reshape(grid.shape), undefined)


def nearest_gradient(dy: Any, cells: Any, reading: Reading) -> Any:
    """dy added up where it was read, or at any of several places."""
    ends = reading.nearest()
    doubt = np.any([each[0] != each[-1] for each in ends], axis=0)[:, None]
    image, channel = np.ogrid[: cells.shape[0], : cells.shape[1]]
    found: Any = 0.0
    for number, at in enumerate(itertools.product(*ends)):
        taken = np.where(Doubtful(np.broadcast_to(number == 0, doubt.shape), doubt), dy, np.zeros_like(dy))
        found = found + add_at(cells.shape, (image[..., None], channel[..., None], *(a[:, None] for a in at)), taken)
    return reading.back(found)


def hull(above: Any, below: Any) -> Any:
    """Everything between two derivatives, as of a function with a corner; either of them where one is no number."""
    if not isinstance(above, Bounded):
        return (above + below) / 2
    numbers = np.isfinite(above.value) & np.isfinite(below.value) & ~above.free & ~below.free
    one, other = np.where(numbers, above.value, 0.0), np.where(numbers, below.value, 0.0)
    apart, error = np.abs(one - other), np.maximum(above.error, below.error)
    middle, around = one + (other - one) / 2, np.where(apart > 0, (error + apart / 2) * (1 + 2.0**-50), error)
    sides = [(np.where(numbers, middle, side.value), np.where(numbers, around, side.error)) for side in (above, below)]
    return OneOf([Bounded(value, error, above.by) for value, error in sides])


def gradient_at_corners(dy: Any, input: Any, grid: Any, **options: Any) -> dict[str, Any]:
    """The same, that by the grid between the slopes of both sides.

    Source: the product rule on torch.nn.functional.grid_sample.
    """
    found, below = (grid_sample_gradient(dy, input, grid, **options, below=side) for side in (False, True))
    return {**found, "grid": hull(found["grid"], below["grid"])}


def gradient_with_zeros(dy: Any, input: Any, grid: Any, **options: Any) -> dict[str, Any]:
    """The same, also multiplying by weights of 0, which makes NaN of infinities.

    Source: the product rule on torch.nn.functional.grid_sample.
    """
    return grid_sample_gradient(dy, input, grid, **options, zeros=True)


def by_products(last_first: bool, zeros: bool = False, outside: bool = False) -> Any:
    """The gradient whose part by the grid multiplies dy with cells of the image first, in one order of axes, and by how far they lie last.

    With `zeros` it also multiplies by weights of 0, with `outside` also cells that continue the image.
    """

    def gradient(
        dy: Any, input: Any, grid: Any, *, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
    ) -> dict[str, Any]:
        found = grid_sample_gradient(dy, input, grid, mode=mode, padding_mode=padding_mode, align_corners=align_corners, zeros=zeros)
        if mode == "nearest":
            return found
        reading = Reading(input, grid, padding_mode, align_corners)
        continued = reading.continuation
        cells = with_points(dy, continued(input), reading) if outside else continued(with_points(dy, input, reading))
        besides = reading.besides(mode, zeros)
        dgrid = between_sides(lambda factors: read_by_points(cells, factors, besides, last_first), grid, reading, mode)
        return {**found, "grid": dgrid}

    return gradient


def with_points(dy: Any, cells: Any, reading: Reading) -> Any:
    """Products of dy at each point with each cell, added up over the channels: (N, P, …)."""
    labels = "ijk"[: len(reading.sides)]
    return contract(f"ncp,nc{labels}->np{labels}", dy.reshape(*reading.output[:2], reading.points), cells)


def gradient_at_once(
    dy: Any, input: Any, grid: Any, *, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> dict[str, Any]:
    """The same as one sum, the slopes and weights of the axes multiplied first: by the grid over channels and cells, by input over points.

    Source: the product rule on torch.nn.functional.grid_sample.
    """
    if mode == "nearest":
        return grid_sample_gradient(dy, input, grid, mode=mode, padding_mode=padding_mode, align_corners=align_corners)
    reading = Reading(input, grid, padding_mode, align_corners)
    dy, product = dy.reshape(*reading.output[:2], reading.points, 1), at_once(reading.weights(mode))
    dx = reading.back_from_points(np.where(counting(product)[:, None], dy * product[:, None], 0.0))
    terms = dy * in_a_row(reading.continuation(input))[:, :, None]
    dgrid = between_sides(lambda factors: weighted("ncpk,npk->np", terms, at_once(factors)), grid, reading, mode)
    return {"input": freed(dx, lost_images(reading)), "grid": dgrid}


def between_sides(sum_of: Callable[[list[Any]], Any], grid: Any, reading: Reading, mode: str) -> Any:
    """Everything between the derivatives by the grid with the slopes from above and from below."""
    weights = reading.weights(mode)
    sides = [by_axes(sum_of, weights, reading.slopes(mode, below), reading.scales) for below in (False, True)]
    return hull(*(by_grid(side, grid, reading) for side in sides))


def by_axes(sum_of: Callable[[list[Any]], Any], weights: list[Any], slopes: list[Any], scales: list[float]) -> Any:
    """The sums (N, P) with one axis's slopes and the others' weights, times that axis's scale, the last axis's first: (N, P, rank)."""
    parts = map(sum_of, with_slopes(weights, slopes))
    return np.stack([part * scale for part, scale in zip(parts, scales, strict=True)][::-1], axis=-1)


def through_edges(zeros: bool) -> Any:
    """The gradient that puts a position beyond an edge on it first and reads nothing outside: the slope there is multiplied by 0.

    That makes NaN of what overflows. With `zeros` it also multiplies by weights of 0.
    """

    def gradient(
        dy: Any, input: Any, grid: Any, *, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
    ) -> dict[str, Any]:
        found = grid_sample_gradient(dy, input, grid, mode=mode, padding_mode=padding_mode, align_corners=align_corners)
        if mode != "bilinear" or padding_mode == "zeros":
            return found
        reading = Reading(input, grid, padding_mode, align_corners)
        beyond = reading.put_on_edges()
        cells, besides = with_points(dy, reading.continuation(input), reading), reading.besides(mode, zeros)
        weights, slopes = reading.weights(mode), reading.slopes(mode)
        dgrid = by_axes(lambda factors: read_by_points(cells, factors, besides, last_first=False), weights, slopes, reading.scales)
        return {**found, "grid": np.where(beyond.reshape(grid.shape), by_grid(0 * dgrid, grid, reading), found["grid"])}

    return gradient


ORDERS = tuple(by_products(*way) for way in itertools.product((False, True), repeat=3))
EDGES = (through_edges(zeros=False), through_edges(zeros=True))
grid_sample_gradient.formulations = (gradient_at_corners, *ORDERS, gradient_with_zeros, *EDGES, gradient_at_once)  # type: ignore[attr-defined]
