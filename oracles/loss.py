"""What losses share: the reduction of many losses to one number, and the slope of a hinge."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import Bounded, Doubtful
from oracles.conventions import alike, plain


def reduced(losses: Any, reduction: str) -> Any:
    """none: the losses themselves; sum: Σ losses; mean: Σ losses / their number, NaN where there are none."""
    if reduction == "none":
        return losses
    total = np.sum(losses)
    return total / losses.size if reduction == "mean" else total


def shared(dy: Any, shape: tuple[int, ...], reduction: str) -> Any:
    """What each of the losses of a shape gets of the cotangent of their reduction."""
    if reduction == "mean":
        dy = dy / max(1, math.prod(shape))
    return np.broadcast_to(dy, shape)


def averaged(slopes: Any, reduction: str) -> Any:
    """The slopes of losses as those of their reduction."""
    return slopes / max(1, slopes.size) if reduction == "mean" else slopes


def summed_to(x: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of a broadcast operand: the sum over the axes along which it was repeated."""
    x = np.sum(x, axis=tuple(range(x.ndim - len(shape)))) if x.ndim > len(shape) else x
    repeated = tuple(axis for axis, side in enumerate(shape) if side == 1 and x.shape[axis] != 1)
    return np.sum(x, axis=repeated, keepdims=True) if repeated else x


def by_sign(difference: Any, g: Any) -> Any:
    """The gradient of |difference|: g times its sign; at 0 any of −g, 0, g, and at NaN these or NaN, alike throughout a call."""
    value, choices = plain(difference), [g, 0 * g, -g]
    rule = np.where(value > 0, g, -g)
    return alike(rule, (value == 0, choices), (np.isnan(value), [*choices, difference * g]))


def above_zero(x: Any) -> Any:
    """Where max(0, x) has the slope 1 rather than 0; in doubt at 0 and at NaN, where it is open."""
    above = x > 0
    if not isinstance(x, Bounded):
        return np.asarray(above)
    return Doubtful(above.value, above.doubt | (x.error == 0) & ((x.value == 0) | np.isnan(x.value)), x.by)


def gated(x: Any, g: Any) -> Any:
    """The gradient g of max(0, x): g where x is above 0, nothing elsewhere."""
    return np.where(above_zero(x), g, 0.0)


def slope(x: Any) -> Any:
    """The derivative of max(0, x), from 0 to 1."""
    return gated(x, np.ones_like(x))


def softplus(x: Any) -> Any:
    """log(1 + exp(x)), computed as max(x, 0) + log(1 + exp(−|x|))."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(−x)), computed as exp(x) / (1 + exp(x)) below 0."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1 + e)
