"""Resampling of images of bytes."""

from __future__ import annotations

from typing import Any

from oracles.bounded import stored, tabulated
from oracles.upsampling import nearest
from oracles.weighing import Grid, along, folded


def interpolate_bytes(x: Any, **options: Any) -> Any:
    """Resample images of bytes: the weighted sums of `interpolate`, rounded to nearest and saturated.

    y[n, c, o, p] = clip(round(Σ over j of w[p, j] · (Σ over i of w[o, i] · x[n, c, i, j])), 0, 255), the sums over the last axis first

    Where a subject keeps the images between the axes as bytes, they too are rounded and saturated. What reaches beyond an edge is part
    of the edge's weight.

    x (N, C, H, W) → (N, C, H′, W′), in nearest modes with one axis or three too
    Source: torch.nn.functional.interpolate; its note on uint8: the result is a saturating cast.
    """
    grid = Grid(x, **options)
    if grid.mode.startswith("nearest"):
        return nearest(x, grid)
    for at, matrix in reversed(list(enumerate(grid.matrices()))):
        x = stored(along(x, 2 + at, tabulated(folded(matrix, 1, grid.edge)), 0))
    return x
