"""Images and volumes read at any positions."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from oracles.bounded import Bounded, Doubtful, OneOf, add_at, contract, weighted
from oracles.sampling_grid import KEYS, cubic, hat, touching

REACH = 3


class Reading:
    """Where in an image, continued beyond its edges, the points of a grid lie, axis by axis."""

    def __init__(self, input: Any, grid: Any, padding_mode: str, align_corners: bool | None) -> None:
        self.sides, self.points = input.shape[2:], math.prod(grid.shape[1:-1])
        self.output = (*input.shape[:2], *grid.shape[1:-1])
        self.continued: Any = {"zeros": "constant", "border": "edge", "reflection": "reflect" if align_corners else "symmetric"}[
            padding_mode
        ]
        flat = grid.reshape(grid.shape[0], self.points, len(self.sides))
        one_place = [bool(align_corners) and n == 1 for n in self.sides[::-1]]
        undefined = np.isinf(getattr(flat, "value", flat)) & (np.array(one_place) | (padding_mode == "reflection"))
        self.nowhere = undefined.any(axis=2).reshape(grid.shape[:-1])
        flat = np.where(np.isnan(getattr(flat, "value", flat)), -1 * np.ones_like(flat), flat)
        self.scales = [(n - 1) / 2 if align_corners else n / 2 for n in self.sides]
        placed = [self.place(flat[..., -1 - axis], n, bool(align_corners)) for axis, n in enumerate(self.sides)]
        periods = [2 * (n - bool(align_corners)) if padding_mode == "reflection" else None for n in self.sides]
        self.at = [beside(p, n) if w is None else nearer(p, w) for p, n, w in zip(placed, self.sides, periods, strict=True)]
        far = [float(np.max(np.abs(getattr(p, "value", p)) + getattr(p, "error", 0.0), initial=0)) for p in self.at]
        self.margins = [(max(0, math.ceil(f)) + REACH, max(0, math.ceil(f) - n + 1) + REACH) for f, n in zip(far, self.sides, strict=True)]
        self.cells = [np.arange(-before, n + after) for n, (before, after) in zip(self.sides, self.margins, strict=True)]

    def besides(self, mode: str) -> list[np.ndarray]:
        """Masks like the weights of what may be multiplied by 0, where a position beyond an edge may be put on the edge first."""
        found = []
        for p, n, cells in zip(self.at, self.sides, self.cells, strict=True):
            inside = p if mode == "bicubic" or self.continued == "constant" else reflected(p, n, self.continued)
            found.append(touching(inside[..., None] - cells, mode))
        return found

    @staticmethod
    def place(g: Any, n: int, align_corners: bool) -> Any:
        """−1 and 1 are the centres of the corner cells, or their outer edges."""
        if align_corners and n == 1:
            return np.zeros_like(g)
        return (g + 1) * (n - 1) / 2 if align_corners else ((g + 1) * n - 1) / 2

    def continuation(self, input: Any) -> Any:
        """The image and what lies around it."""
        return np.pad(input, ((0, 0), (0, 0), *self.margins), self.continued)

    def weights(self, mode: str) -> list[Any]:
        """For every axis the weights (N, points, cells) of the continued image's cells."""
        distances = [p[..., None] - cells for p, cells in zip(self.at, self.cells, strict=True)]
        return [cubic(t, KEYS) if mode == "bicubic" else hat(t) for t in distances]

    def slopes(self, mode: str, below: bool = False) -> list[Any]:
        """The derivatives of the weights by the positions, from above or from below where the kernel has a corner."""
        distances = [p[..., None] - cells for p, cells in zip(self.at, self.cells, strict=True)]
        return [cubic_slope(t, KEYS) if mode == "bicubic" else hat_slope(t, below) for t in distances]

    def nearest(self) -> list[list[np.ndarray]]:
        """The cells of the continued image that can be the nearest one, from the least to the greatest, counted from its beginning."""
        found = []
        for p, (before, _) in zip(self.at, self.margins, strict=True):
            value, error = getattr(p, "value", p), getattr(p, "error", 0.0)
            low, high = np.ceil(value - error - 0.5), np.floor(value + error + 0.5)
            several = int(np.max(high - low, initial=0)) + 1
            found.append([(np.minimum(low + further, high) + before).astype(int) for further in range(several)])
        return found

    def back(self, dx: Any) -> Any:
        """From the continued image to the image: what was continued is added up."""
        flat, planes = math.prod(self.sides), dx.shape[:2]
        at = np.pad(np.arange(flat).reshape(self.sides) + 1, self.margins, self.continued).ravel()
        dx = dx.reshape(*planes, len(at))[..., np.flatnonzero(at)]
        return add_at((*planes, flat), (slice(None), slice(None), at[at > 0] - 1), dx).reshape(*planes, *self.sides)


def nearer(p: Any, period: int) -> Any:
    """Positions moved by whole periods to around 0: anywhere where rounding reaches as far as a period, or the position is infinite."""
    p = (p + 0.5) - 0.5
    value, error = getattr(p, "value", p), getattr(p, "error", 0.0)
    known = np.isfinite(value) & (2 * error < period)
    with np.errstate(invalid="ignore"):
        value = np.where(known, value - period * np.rint(np.where(known, value, 0) / max(period, 1)), 0.0)
    return Bounded(value, np.where(known, error, period / 2), p.by) if isinstance(p, Bounded) else value


def beside(p: Any, n: int) -> Any:
    """Positions far beyond an edge moved by whole cells to where nothing of the image is in reach, and their fractions are kept."""
    value, error = getattr(p, "value", p), getattr(p, "error", 0.0)
    below, above = value + error < -REACH, value - error > n - 1 + REACH
    fraction = np.where(np.isfinite(value), value, 0) % 1
    value = np.where(below, fraction - REACH - 2, np.where(above, fraction + n + REACH, value))
    return Bounded(value, np.where(below | above, np.minimum(error, 1), error), p.by) if isinstance(p, Bounded) else value


def reflected(p: Any, n: int, continued: str) -> Any:
    """The position in the image at which one beyond an edge is read."""
    inside = {"edge": lambda: p, "reflect": lambda: np.abs(p), "symmetric": lambda: np.abs(p + 0.5) - 0.5}[continued]()
    return np.clip(inside, 0, n - 1)


def hat_slope(t: Any, below: bool = False) -> Any:
    """The derivative of max(0, 1 − |t|) from above or below: 1 before 0, −1 after, 0 beyond 1; any if rounding may turn a corner."""
    value, error = getattr(t, "value", t), getattr(t, "error", 0.0)
    one = np.ones_like(t)
    before, within = (value <= 0, (value > -1) & (value <= 1)) if below else (value < 0, (value >= -1) & (value < 1))
    inexact = error > 0
    signs = np.where(Doubtful(before, inexact & (np.abs(value) <= error)), one, -1 * one)
    return np.where(Doubtful(within, inexact & (np.abs(np.abs(value) - 1) <= error)), signs, 0 * one)


def cubic_slope(distance: Any, a: float) -> Any:
    """The derivative of Keys' kernel, which is continuous."""
    t = np.minimum(np.abs(distance), 2)
    near, far = (3 * (a + 2) * t - 2 * (a + 3)) * t, (3 * a * t - 10 * a) * t + 8 * a
    slope = np.where(t <= 1, near, far)
    return np.where(distance < 0, -slope, slope)


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
        besides = reading.besides(mode) if zeros else (None,) * 3
        return freed(read(cells, reading.weights(mode), besides).reshape(reading.output), reading.nowhere[:, None])
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


grid_sample.formulations = (grid_sample_first_axis_first, grid_sample_with_zeros)  # type: ignore[attr-defined]


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
    lost = np.any(reading.nowhere, axis=tuple(range(1, rank + 1)), keepdims=True)[:, None]
    if mode == "nearest":
        return {"input": freed(nearest_gradient(dy, cells, reading), lost), "grid": np.zeros_like(grid)}
    weights = reading.weights(mode)
    slopes = [slope * scale for slope, scale in zip(reading.slopes(mode, below), reading.scales, strict=True)]
    besides = reading.besides(mode) if zeros else (None,) * 3
    spread, labels = dy, ""
    for axis in range(rank - 1):
        spread = weighted(f"ncp{labels},npw->ncp{labels}w", spread, weights[axis], besides[axis])
        labels += "ij"[axis]
    dx = weighted(f"ncp{labels},npw->nc{labels}w", spread, weights[-1], besides[rank - 1])
    each = [read(cells, [slopes[at] if at == axis else weights[at] for at in range(rank)], besides) for axis in range(rank)]
    dgrid = np.stack([np.sum(dy * slope, axis=1) for slope in each[::-1]], axis=-1)
    return {"input": freed(reading.back(dx), lost), "grid": by_grid(dgrid, grid, reading)}


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
        labels, points = "ijk"[: len(reading.sides)], dy.reshape(*reading.output[:2], reading.points)
        products = f"ncp,nc{labels}->np{labels}"
        cells = (
            contract(products, points, reading.continuation(input)) if outside else reading.continuation(contract(products, points, input))
        )
        besides, weights = reading.besides(mode) if zeros else (None,) * 3, reading.weights(mode)
        each = [by_axes(cells, weights, reading.slopes(mode, side), besides, reading.scales, last_first) for side in (False, True)]
        return {**found, "grid": hull(*(by_grid(side, grid, reading) for side in each))}

    return gradient


def by_axes(cells: Any, weights: list[Any], slopes: list[Any], besides: Any, scales: list[float], last_first: bool) -> Any:
    """The products with one axis's slopes and the others' weights, the last axis's first, and with the scale: (N, P, rank)."""
    axes = range(len(weights))
    parts = [read_by_points(cells, [slopes[at] if at == axis else weights[at] for at in axes], besides, last_first) for axis in axes]
    return np.stack([part * scale for part, scale in zip(parts, scales, strict=True)][::-1], axis=-1)


ORDERS = tuple(by_products(*way) for way in itertools.product((False, True), repeat=3))
grid_sample_gradient.formulations = (gradient_at_corners, *ORDERS, gradient_with_zeros)  # type: ignore[attr-defined]
