"""Mean and variance of groups of numbers, what is normalised by them, and its derivative.

Every statistic keeps the axes that it goes over, with one element each, so that it meets x, weight and bias by broadcasting.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import Bounded, blurred

Axes = tuple[int, ...]


def group_size(x: Any, axes: Axes) -> int:
    """How many numbers a statistic is taken of."""
    return math.prod(x.shape[axis] for axis in axes)


def moments(x: Any, axes: Axes) -> tuple[Any, Any]:
    """Mean and biased variance over some axes, the mean first."""
    mean = np.mean(x, axis=axes, keepdims=True)
    return mean, np.mean(np.square(x - mean), axis=axes, keepdims=True)


def updated_moments(x: Any, axes: Axes) -> tuple[Any, Any]:
    """The same by updates, in whatever order and grouping: m ← m + (x − m)/n, M ← M + (x − m_before)·(x − m).

    Source: Welford 1962; Chan, Golub & LeVeque 1983, Algorithms for computing the sample variance.
    """
    return moments(blurred(x, 3 * (2 + math.log(max(1, group_size(x, axes))))), axes)


def scaled(x: Any, mean: Any, variance: Any, weight: Any, bias: Any, eps: float) -> Any:
    """(x − mean) / √(variance + eps) · weight + bias; weight and bias may be None."""
    y = (x - mean) / np.sqrt(variance + eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def certain(x: Any) -> Any:
    """A subject's own number, as if it had no error: where it is used twice, its error is the same both times (unless it overflows).

    Where it has one its last bit is set, as that of a subject's may be: 1/3 · 3 would else be 1, and products with it exact.
    """
    if not isinstance(x, Bounded):
        return x
    last = x.by.compute.precision - 1
    mantissa, exponent = np.frexp(x.value)
    with np.errstate(invalid="ignore"):
        odd = np.ldexp(2 * np.floor(np.ldexp(mantissa, last)) + 1, exponent - last - 1)
    value = np.where((x.error > 0) & (x.value != 0) & np.isfinite(x.value), odd, x.value)
    return Bounded(value, np.where(np.abs(x.value) + x.error < x.by.compute.overflow, 0.0, x.error), x.by)


def folded(x: Any, mean: Any, variance: Any, weight: Any, bias: Any, eps: float) -> Any:
    """The same as one factor and one shift: x · s + (bias − mean · s), s = weight / √(variance + eps).

    Both products hold the same mean and the same s, so that this differs from (x − mean) · s + bias by the rounding of the products only.
    """
    s, shift = 1 / np.sqrt(variance + eps), 0 if bias is None else bias
    s = s if weight is None else s * weight
    same, mean_ = certain(s), certain(mean)
    rounding = (x * same + (shift - mean_ * same)) - ((x - mean_) * same + shift)
    return (x - mean) * s + shift + rounding


def shared_first(total: Any, inverse: Any, n: int) -> Any:
    """A sum divided by how many it is of, then by the variance."""
    return total / n * np.square(inverse)


def shared_last(total: Any, inverse: Any, n: int) -> Any:
    """A sum divided by the variance, then by how many it is of: it may overflow where the other does not."""
    return total * inverse * inverse / n


def centred_gradient(dy: Any, x: Any, mean: Any, inverse: Any, axes: Axes, share: Any = shared_first) -> Any:
    """The derivative of Σ dy·x̂ by x, divided by `inverse` = 1/√(variance + eps): dy − mean(dy) − x̂·mean(dy·x̂), x̂ = (x − mean)·inverse.

    Source: Ioffe & Szegedy 2015, the chain rule after Algorithm 1.
    """
    centred = x - mean
    total = np.sum(dy * centred, axis=axes, keepdims=True)
    return dy - np.mean(dy, axis=axes, keepdims=True) - centred * share(total, inverse, group_size(x, axes))
