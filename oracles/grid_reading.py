"""Where in an image, continued beyond its edges, the positions of a grid lie, and how its cells weigh there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import Bounded, Doubtful, add_at
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

    def besides(self, mode: str, zeros: bool) -> list[Any]:
        """Masks like the weights of what may be multiplied by 0, where a position beyond an edge may be put on the edge first.

        None without `zeros`, where nothing is multiplied by 0.
        """
        if not zeros:
            return [None] * len(self.sides)
        found = []
        for p, n, cells in zip(self.at, self.sides, self.cells, strict=True):
            inside = p if mode == "bicubic" or self.continued == "constant" else np.clip(reflected(p, self.continued), 0, n - 1)
            found.append(touching(inside[..., None] - cells, mode))
        return found

    def put_on_edges(self) -> np.ndarray:
        """Put the positions into the image, with zeros around it, and say which may be on an edge or beyond: (N, points, axes)."""
        beyond = []
        for p, n in zip(self.at, self.sides, strict=True):
            inside = reflected(p, self.continued)
            value, error = getattr(inside, "value", inside), getattr(inside, "error", 0.0)
            beyond.append((value - error <= 0) | (value + error >= n - 1))
        self.at = [np.clip(reflected(p, self.continued), 0, n - 1) for p, n in zip(self.at, self.sides, strict=True)]
        self.continued = "constant"
        return np.stack(beyond[::-1], axis=-1)

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
        return [cubic(t, KEYS) if mode == "bicubic" else hat(t) for t in self.distances(mode)]

    def slopes(self, mode: str, below: bool = False) -> list[Any]:
        """The derivatives of the weights by the positions, from above or from below where the kernel has a corner."""
        return [cubic_slope(t, KEYS) if mode == "bicubic" else hat_slope(t, below) for t in self.distances(mode)]

    def distances(self, mode: str) -> list[Any]:
        """How far the positions lie from cells, axis by axis: (N, points, cells); of bicubic by the fraction p − ⌊p⌋, which is rounded."""
        found = []
        for p, cells in zip(self.at, self.cells, strict=True):
            below = np.floor(getattr(p, "value", p) - getattr(p, "error", 0.0))[..., None] if mode == "bicubic" else 0.0
            found.append((p[..., None] - below) - (cells - below))
        return found

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
        """From the continued image, (N, C, …), to the image: what was continued is added up."""
        return self.back_from_points(dx.reshape(*dx.shape[:2], 1, math.prod(dx.shape[2:])))

    def back_from_points(self, terms: Any) -> Any:
        """The same for terms of several points, (N, C, points, cells), all that reach a cell of the image in one sum."""
        flat, planes = math.prod(self.sides), terms.shape[:2]
        at = np.pad(np.arange(flat).reshape(self.sides) + 1, self.margins, self.continued).ravel()
        terms = terms[..., np.flatnonzero(at)]
        cells = np.broadcast_to(at[at > 0] - 1, terms.shape[2:])
        return add_at((*planes, flat), (slice(None), slice(None), cells), terms).reshape(*planes, *self.sides)


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


def reflected(p: Any, continued: str) -> Any:
    """The position to which one beyond an edge is reflected, if it is: about the centre of the first cell, or about its outer edge."""
    return {"edge": lambda: p, "reflect": lambda: np.abs(p), "symmetric": lambda: np.abs(p + 0.5) - 0.5}[continued]()


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
