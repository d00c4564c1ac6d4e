"""Where the cells of a resampled image lie in the original, and how much each original cell weighs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

KEYS, PILLOW = -0.75, -0.5
"""The slope of the cubic kernel at 1: of bicubic interpolation as most libraries have it, and as Pillow has it."""


def sides_after(sides: tuple[int, ...], size: Any, scale_factor: Any) -> tuple[int, ...]:
    """The given size, or ⌊side · scale_factor⌋ of the product in double precision."""
    if size is not None:
        return tuple(int(m) for m in np.broadcast_to(size, len(sides)))
    factors = scale_factor if isinstance(scale_factor, tuple) else (scale_factor,) * len(sides)
    return tuple(math.floor(float(n * s)) for n, s in zip(sides, factors, strict=True))


class Axis:
    """One axis that is resampled from n cells to m; `step` is how far apart new cells lie: n / m, or 1 / scale, if scale is to be used.

    `one` is the number 1 in the arithmetic that positions are computed in.
    """

    def __init__(self, one: Any, n: int, m: int, scale: float | None, align_corners: bool) -> None:
        self.n, self.m, self.one = n, m, one
        self.step = one * n / m if scale is None else one / scale
        self.align_corners = align_corners

    def centres(self) -> Any:
        """Where new cells lie, the centre of the first old one at 0: (o + ½)·step − ½, or corner on corner o·(n − 1)/(m − 1)."""
        if self.align_corners:
            return np.arange(self.m) * (self.one * (self.n - 1) / max(self.m - 1, 1))
        return (np.arange(self.m) + 0.5) * self.step - 0.5

    def nearest(self, mode: str) -> tuple[np.ndarray, np.ndarray]:
        """The least and the greatest old cell that ⌊o·step⌋ ("nearest") or ⌊(o + ½)·step⌋ ("nearest-exact") can be."""
        at = (np.arange(self.m) + (0.5 if mode == "nearest-exact" else 0)) * self.step
        value, error = getattr(at, "value", at), getattr(at, "error", 0.0)
        low, high = (np.clip(np.floor(end), 0, self.n - 1).astype(int) for end in (value - error, value + error))
        return low, high

    def weights(self, mode: str) -> Any:
        """The weight (m, n + 4) of the old cells −2 … n + 1, of which those outside repeat the edge, in each new one."""
        distance = self.centres()[:, None] - np.arange(-2, self.n + 2)
        return cubic(distance, KEYS) if mode == "bicubic" else hat(distance)

    def antialiased(self, mode: str) -> Any:
        """The weight (m, n) of old cells in each new one under a kernel as wide as the coarser of both grids, with sum 1."""
        distance = self.distances((np.arange(self.m) + 0.5) * self.step)
        weights = lanczos(distance) if mode == "lanczos" else cubic(distance, PILLOW) if mode == "bicubic" else hat(distance)
        return weights / np.sum(weights, axis=1, keepdims=True)

    def beside(self, mode: str, antialias: bool) -> np.ndarray:
        """Cells, as of the weights, within the reach of the kernel around new cells at which it is 0 in one of them.

        The kernel of linear modes may lie around the edge instead of around a new cell that is beyond it.
        """
        if antialias:
            return touching(self.distances((np.arange(self.m) + 0.5) * self.step), mode)
        centres = self.centres() if mode == "bicubic" else np.clip(self.centres(), 0, self.n - 1)
        return touching(centres[:, None] - np.arange(-2, self.n + 2), mode)

    def distances(self, centres: Any) -> Any:
        """How far old cells lie from new ones, in steps of the coarser of both grids."""
        return (np.arange(self.n) + 0.5 - centres[:, None]) / np.maximum(self.step, 1)

    def windows(self) -> np.ndarray:
        """1 where an old cell (columns) overlaps a new one (rows): ⌊o·n/m⌋ … ⌈(o + 1)·n/m⌉ − 1."""
        o, i = np.arange(self.m)[:, None], np.arange(self.n)
        return np.asarray((i >= o * self.n // self.m) & (i < -((-(o + 1) * self.n) // self.m))).astype(float)


def hat(distance: Any) -> Any:
    """max(0, 1 − |t|)."""
    return np.maximum(1 - np.abs(distance), 0)


def cubic(distance: Any, a: float) -> Any:
    """(a + 2)|t|³ − (a + 3)|t|² + 1 up to 1, a|t|³ − 5a|t|² + 8a|t| − 4a up to 2, 0 beyond (Keys 1981, IEEE ASSP 29:1153)."""
    t = np.minimum(np.abs(distance), 2)
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.where(t <= 1, near, far)


def lanczos(distance: Any) -> Any:
    """sinc(t) · sinc(t / 3) up to 3, 0 beyond, with sinc(t) = sin(πt) / (πt) (Duchon 1979, J. Applied Meteorology 18:1016)."""
    return np.where(np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0)


def touching(distance: Any, mode: str) -> np.ndarray:
    """Cells within the reach of the kernel along the last axis, if one of them is where it is 0: at its end, or at a whole distance."""
    size, error = np.abs(getattr(distance, "value", distance)), getattr(distance, "error", 0.0)
    ends = range(1, {"bicubic": 2, "lanczos": 3}.get(mode, 1) + 1)
    zero = np.logical_or.reduce([np.abs(size - end) <= error for end in ends])
    return np.asarray((size <= ends[-1] + error) & np.any(zero, axis=-1, keepdims=True))
