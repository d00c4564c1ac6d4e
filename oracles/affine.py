"""Sampling grids from affine maps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import contract, stored


def base_grid(one: Any, sides: tuple[int, ...], align_corners: bool, by_steps: bool) -> Any:
    """The positions (x, y, …, 1) of all cells: −1 and 1 are the centres of the corner cells, or their outer edges: (cells, rank + 1)."""
    positions = [(axis_by_steps if by_steps else axis)(one, side, align_corners) for side in sides]
    spans = [p.reshape([-1 if i == at else 1 for i in range(len(sides))]) for at, p in enumerate(positions)]
    columns = [np.broadcast_to(span, sides) for span in spans[::-1]]
    return np.stack([*columns, np.broadcast_to(one, sides)], axis=-1).reshape(math.prod(sides), len(sides) + 1)


def axis_by_steps(one: Any, side: int, align_corners: bool) -> Any:
    """The same by even steps from −1, made narrower by (m − 1)/m without align_corners."""
    if side == 1:
        return one * np.zeros(1, int)
    steps = stored(np.arange(side) * (2 * one / (side - 1)) - 1)
    return steps if align_corners else stored(steps * (side - 1) / side)


def axis(one: Any, side: int, align_corners: bool) -> Any:
    """(2o + 1)/m − 1, or 2o/(m − 1) − 1 with align_corners; 0 if there is one cell."""
    if side == 1:
        return one * np.zeros(1, int)
    if align_corners:
        return stored(2 * np.arange(side) * one / (side - 1) - 1)
    return stored((2 * np.arange(side) + 1) * one / side - 1)


def affine_grid(theta: Any, *, size: tuple[int, ...], align_corners: bool = False, by_steps: bool = False) -> Any:
    """Map the positions of an image's cells.

    y[n, h, w, j] = Σ over k of theta[n, j, k] · (x(w), y(h), 1)[k], x(w) = (2w + 1)/W − 1, or 2w/(W − 1) − 1 with align_corners

    theta (N, 2, 3) → (N, H, W, 2), or (N, 3, 4) → (N, D, H, W, 3)
    Source: torch.nn.functional.affine_grid; align_corners: −1 and 1 are the centres of the corner pixels, or the image corners.
    """
    base = base_grid(np.ones_like(theta, shape=()), size[2:], align_corners, by_steps)
    return contract("pk,njk->npj", base, theta).reshape(size[0], *size[2:], theta.shape[1])


def affine_grid_gradient(
    dy: Any, theta: Any, *, size: tuple[int, ...], align_corners: bool = False, by_steps: bool = False
) -> dict[str, Any]:
    """The derivative of Σ dy·y: dtheta[n, j, k] = Σ over h, w of dy[n, h, w, j] · (x(w), y(h), 1)[k].

    Source: the product rule on torch.nn.functional.affine_grid.
    """
    base = base_grid(np.ones_like(theta, shape=()), size[2:], align_corners, by_steps)
    return {"theta": contract("npj,pk->njk", dy.reshape(size[0], len(base), theta.shape[1]), base)}


def affine_grid_by_steps(theta: Any, **options: Any) -> Any:
    """The same from positions that are even steps.

    Source: torch.nn.functional.affine_grid.
    """
    return affine_grid(theta, **options, by_steps=True)


def affine_grid_gradient_by_steps(dy: Any, theta: Any, **options: Any) -> dict[str, Any]:
    """The same from positions that are even steps.

    Source: the product rule on torch.nn.functional.affine_grid.
    """
    return affine_grid_gradient(dy, theta, **options, by_steps=True)


affine_grid.formulations = (affine_grid_by_steps,)  # type: ignore[attr-defined]
affine_grid_gradient.formulations = (affine_grid_gradient_by_steps,)  # type: ignore[attr-defined]
