"""Axes joined into one, and one axis split into several."""

from __future__ import annotations

import math
from typing import Any

from oracles.shapes import flattened
from oracles.windows import Sides


def unflattened(x: Sides, dim: int, unflattened_size: Sides) -> Sides:
    """The axis dim split into unflattened_size, where one −1 stands for what is left.

    Source: torch.nn.Unflatten, Shape.
    """
    at, given = dim % len(x), math.prod(size for size in unflattened_size if size != -1)
    return (*x[:at], *(x[at] // given if size == -1 else size for size in unflattened_size), *x[at + 1 :])


def flatten(x: Any, *, start_dim: int = 1, end_dim: int = -1) -> Any:
    """The same elements in the same order, the axes start_dim to end_dim as one.

    x (…) → (…, Π of the axes' sides, …)
    Source: torch.nn.Flatten, Shape.
    """
    return x.reshape(flattened(x.shape, start_dim, end_dim))


def unflatten(x: Any, *, dim: int, unflattened_size: Sides) -> Any:
    """The same elements in the same order, the axis dim as several.

    x (…, S, …) → (…, U₁, …, Uₙ, …), S = Π U
    Source: torch.nn.Unflatten, Shape.
    """
    return x.reshape(unflattened(x.shape, dim, unflattened_size))


def flattening_gradient(dy: Any, x: Any, **options: Any) -> dict[str, Any]:
    """Every element gets its own cotangent.

    Source: the derivative of torch.nn.Flatten and torch.nn.Unflatten, which only move.
    """
    return {"x": dy.reshape(x.shape)}
