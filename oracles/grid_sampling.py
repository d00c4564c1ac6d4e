"""Images and volumes read at any positions."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from oracles.bounded import Bounded, Doubtful, OneOf, add_at, contract
from oracles.sampling_grid import KEYS, cubic, hat

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
        flat = np.where(np.isnan(getattr(flat, "value", flat)), -1 * np.ones_like(flat), flat)
        self.scales = [(n - 1) / 2 if align_corners else n / 2 for n in self.sides]
        corners = bool(align_corners)
        placed = [self.place(flat[..., -1 - axis], n, corners) for axis, n in enumerate(self.sides)]
        self.at = [
            nearer(p, 2 * (n - corners)) if padding_mode == "reflection" else np.clip(p, -REACH, n - 1 + REACH)
            for p, n in zip(placed, self.sides, strict=True)
        ]
        far = [float(np.max(np.abs(getattr(p, "value", p)), initial=0)) for p in self.at]
        self.margins = [(max(0, math.ceil(f)) + REACH, max(0, math.ceil(f) - n + 1) + REACH) for f, n in zip(far, self.sides, strict=True)]
        self.cells = [np.arange(-before, n + after) for n, (before, after) in zip(self.sides, self.margins, strict=True)]

    def besides(self, mode: str) -> list[np.ndarray]:
        """Masks like the weights of what may be multiplied by 0; positions beyond an edge may be put on it first, the image be read there."""
        found = []
        for p, n, cells in zip(self.at, self.sides, self.cells, strict=True):
            inside = p if mode == "bicubic" or self.continued == "constant" else reflected(p, n, self.continued)
            found.append(touching(inside[..., None] - cells, mode))
        return found

    @staticmethod
    def place(g: Any, n: int, align_corners: bool) -> Any:
        """−1 and 1 are the centres of the corner cells, or their outer edges."""
        return (g + 1) * (n - 1) / 2 if align_corners else ((g + 1) * n - 1) / 2

    def continuation(self, input: Any) -> Any:
        """The image and what lies around it."""
        return np.pad(input, ((0, 0), (0, 0), *self.margins), self.continued)

    def weights(self, mode: str) -> list[Any]:
        """For every axis the weights (N, points, cells) of the continued image's cells."""
        distances = [p[..., None] - cells for p, cells in zip(self.at, self.cells, strict=True)]
        return [cubic(t, KEYS) if mode == "bicubic" else hat(t) for t in distances]

    def slopes(self, mode: str, below: bool = False) -> list[Any]:
        """The derivatives of the weights by the grid, from above or from below where the kernel has a corner."""
        distances = [p[..., None] - cells for p, cells in zip(self.at, self.cells, strict=True)]
        each = zip(distances, self.scales, strict=True)
        return [(cubic_slope(t, KEYS) if mode == "bicubic" else hat_slope(t, below)) * scale for t, scale in each]

    def nearest(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The least and the greatest cell of the continued image that can be the nearest one, counted from its beginning."""
        found = []
        for p, (before, _) in zip(self.at, self.margins, strict=True):
            value, error = getattr(p, "value", p), getattr(p, "error", 0.0)
            low, high = np.ceil(value - error - 0.5), np.floor(value + error + 0.5)
            found.append(((low + before).astype(int), (high + before).astype(int)))
        return found

    def back(self, dx: Any) -> Any:
        """From the continued image to the image: what was continued is added up."""
        flat, planes = math.prod(self.sides), dx.shape[:2]
        at = np.pad(np.arange(flat).reshape(self.sides) + 1, self.margins, self.continued).ravel()
        dx = dx.reshape(*planes, len(at))[..., np.flatnonzero(at)]
        return add_at((*planes, flat), (slice(None), slice(None), at[at > 0] - 1), dx).reshape(*planes, *self.sides)


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


def read(cells: Any, weights: list[Any]) -> Any:
    """Σ over all axes of the weights (N, P, …) times the cells (N, C, …), the last axis first: (N, C, P)."""
    labels = "ijk"[: len(weights)]
    y = contract(f"npw,nc{labels[:-1]}w->ncp{labels[:-1]}", weights[-1], cells)
    for axis in range(len(weights) - 2, -1, -1):
        others = labels[:axis]
        y = contract(f"npw,ncp{others}w->ncp{others}", weights[axis], y)
    return y


def read_by_points(cells: Any, weights: list[Any], last_first: bool) -> Any:
    """The same for cells that differ from point to point, (N, P, …) → (N, P)."""
    labels = "ijk"[: len(weights)]
    order = range(len(weights))
    for axis in reversed(order) if last_first else order:
        rest = labels.replace("ijk"[axis], "")
        cells = contract(f"np{labels},np{'ijk'[axis]}->np{rest}", cells, weights[axis])
        labels = rest
    return cells


def grid_sample(input: Any, grid: Any, *, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None) -> Any:
    """Read images or volumes at the positions of a grid.

    y[n, c, p] = Σ over i, j of k(Y(p) − i) · k(X(p) − j) · input[n, c, i, j]

    X = ((x + 1)·W − 1) / 2, or (x + 1)·(W − 1) / 2 with align_corners, (x, y) = grid[n, p]; k is max(0, 1 − |t|), or Keys' cubic of
    a = −0.75; nearest takes the nearest cell. Beyond its edges the image continues with zeros, its edge cells ("border"), or its
    reflection about the centres of the corner cells (with align_corners) or their outer edges.

    input (N, C, H, W), grid (N, H′, W′, 2) → (N, C, H′, W′), and with an axis more for volumes
    Source: torch.nn.functional.grid_sample; padding_mode, align_corners.
    """
    reading = Reading(input, grid, padding_mode, align_corners)
    cells = reading.continuation(input)
    if mode != "nearest":
        return read(cells, reading.weights(mode)).reshape(reading.output)
    image = np.arange(len(input))[:, None]
    choices = itertools.product(*reading.nearest())
    return OneOf([np.moveaxis(cells[(image, slice(None), *at)], -1, 1).reshape(reading.output) for at in choices])


def grid_sample_first_axis_first(
    input: Any, grid: Any, *, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Any:
    """The same, beginning with the first axis.

    Source: torch.nn.functional.grid_sample.
    """
    rank = input.ndim - 2
    turned = input.transpose(0, 1, *range(rank + 1, 1, -1))
    return grid_sample(turned, grid[..., ::-1], mode=mode, padding_mode=padding_mode, align_corners=align_corners)


grid_sample.formulations = (grid_sample_first_axis_first,)  # type: ignore[attr-defined]


def grid_sample_gradient(
    dy: Any,
    input: Any,
    grid: Any,
    *,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
    below: bool = False,
) -> dict[str, Any]:
    """The derivatives of Σ dy·y: by input the transpose of its weights, by the grid their slopes; 0 by the grid of nearest.

    Source: the product rule on torch.nn.functional.grid_sample.
    """
    reading = Reading(input, grid, padding_mode, align_corners)
    cells, rank = reading.continuation(input), len(reading.sides)
    dy = dy.reshape(*reading.output[:2], reading.points)
    if mode == "nearest":
        return {"input": nearest_gradient(dy, cells, reading), "grid": np.zeros_like(grid)}
    weights, slopes = reading.weights(mode), reading.slopes(mode, below)
    spread = dy
    labels = ""
    for axis in range(rank - 1):
        spread = contract(f"ncp{labels},npw->ncp{labels}w", spread, weights[axis])
        labels += "ij"[axis]
    dx = contract(f"ncp{labels},npw->nc{labels}w", spread, weights[-1])
    each = [read(cells, [slopes[at] if at == axis else weights[at] for at in range(rank)]) for axis in range(rank)]
    dgrid = np.stack([np.sum(dy * slope, axis=1) for slope in each[::-1]], axis=-1)
    return {"input": reading.back(dx), "grid": dgrid.reshape(grid.shape)}


def nearest_gradient(dy: Any, cells: Any, reading: Reading) -> Any:
    """dy added up where it was read, or at any of several places."""
    ends = reading.nearest()
    doubt = np.any([low != high for low, high in ends], axis=0)[:, None]
    image, channel = np.ogrid[: cells.shape[0], : cells.shape[1]]
    found: Any = 0.0
    for number, at in enumerate(itertools.product(*ends)):
        taken = np.where(Doubtful(np.broadcast_to(number == 0, doubt.shape), doubt), dy, 0 * dy)
        found = found + add_at(cells.shape, (image[..., None], channel[..., None], *(a[:, None] for a in at)), taken)
    return reading.back(found)


def hull(above: Any, below: Any) -> Any:
    """Everything between two derivatives, as of a function with a corner."""
    if not isinstance(above, Bounded):
        return (above + below) / 2
    apart, error = np.abs(above.value - below.value), np.maximum(above.error, below.error)
    middle = above.value + (below.value - above.value) / 2
    return Bounded(np.where(apart > 0, middle, above.value), np.where(apart > 0, (error + apart / 2) * (1 + 2.0**-50), error), above.by)


def gradient_at_corners(dy: Any, input: Any, grid: Any, **options: Any) -> dict[str, Any]:
    """The same, that by the grid between the slopes of both sides.

    Source: the product rule on torch.nn.functional.grid_sample.
    """
    found, below = (grid_sample_gradient(dy, input, grid, **options, below=side) for side in (False, True))
    return {**found, "grid": hull(found["grid"], below["grid"])}


def by_products(last_first: bool) -> Any:
    """The gradient whose part by the grid multiplies dy with the cells before anything else, in one order of the axes."""

    def gradient(
        dy: Any, input: Any, grid: Any, *, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
    ) -> dict[str, Any]:
        found = grid_sample_gradient(dy, input, grid, mode=mode, padding_mode=padding_mode, align_corners=align_corners)
        if mode == "nearest":
            return found
        reading = Reading(input, grid, padding_mode, align_corners)
        labels, points = "ijk"[: len(reading.sides)], dy.reshape(*reading.output[:2], reading.points)
        cells = contract(f"ncp,nc{labels}->np{labels}", points, reading.continuation(input))
        each = [by_axes(cells, reading.weights(mode), reading.slopes(mode, below), last_first) for below in (False, True)]
        return {**found, "grid": hull(*each).reshape(grid.shape)}

    return gradient


def by_axes(cells: Any, weights: list[Any], slopes: list[Any], last_first: bool) -> Any:
    """The products with one axis's slopes and the others' weights, the last axis's first: (N, P, rank)."""
    axes = range(len(weights))
    parts = [read_by_points(cells, [slopes[at] if at == axis else weights[at] for at in axes], last_first) for axis in axes]
    return np.stack(parts[::-1], axis=-1)


grid_sample_gradient.formulations = (gradient_at_corners, by_products(False), by_products(True))  # type: ignore[attr-defined]
