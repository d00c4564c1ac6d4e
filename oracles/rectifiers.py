"""Activations in straight pieces.

Gradients at kinks: the documentation gives none, so both one-sided derivatives are accepted, and at NaN any of the pieces or NaN; but one
convention for all elements of a call. A piece that is constant has the gradient 0 whatever dy is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Bounded, stored
from oracles.conventions import alike, in_pieces, plain

Gradients = dict[str, Any]


def nothing(dy: Any) -> Any:
    """The gradient of a constant piece."""
    return np.zeros_like(dy)


def relu(x: Any) -> Any:
    """ReLU(x) = max(0, x)

    x (*) → (*)
    Source: torch.nn.ReLU, first formula.
    """
    return np.maximum(x, 0)


def relu_gradient(dy: Any, x: Any) -> Gradients:
    """1 above 0, 0 below."""
    return {"x": in_pieces(x, (0,), (nothing(dy), dy))}


def relu6(x: Any) -> Any:
    """ReLU6(x) = min(max(0, x), 6)

    x (*) → (*)
    Source: torch.nn.ReLU6, first formula.
    """
    return np.minimum(np.maximum(x, 0), 6)


def relu6_gradient(dy: Any, x: Any) -> Gradients:
    """1 between 0 and 6, 0 outside."""
    return {"x": in_pieces(x, (0, 6), (nothing(dy), dy, nothing(dy)))}


def leaky_relu(x: Any, *, negative_slope: float) -> Any:
    """LeakyReLU(x) = x if x ≥ 0, negative_slope · x otherwise

    x (*) → (*)
    Source: torch.nn.LeakyReLU, second formula.
    """
    return np.where(x >= 0, x, x * negative_slope)


def leaky_relu_gradient(dy: Any, x: Any, *, negative_slope: float) -> Gradients:
    """1 above 0, negative_slope below."""
    return {"x": in_pieces(x, (0,), (dy * negative_slope, dy))}


def by_channel(x: Any, weight: Any) -> Any:
    """One slope for each element: weight lies along the second axis, or is shared by all."""
    axes = (1, -1, *(1,) * (x.ndim - 2)) if x.ndim > 1 else (1,) * x.ndim
    return np.broadcast_to(weight.reshape(axes), x.shape)


def prelu(x: Any, weight: Any) -> Any:
    """PReLU(x) = x if x ≥ 0, weight · x otherwise

    x (N, C, *) or (*), weight (C,) or (1,) → as x
    Source: torch.nn.PReLU, second formula.
    """
    return np.where(x >= 0, x, x * by_channel(x, weight))


def prelu_with_zero_below(x: Any, weight: Any) -> Any:
    """The same with 0 on the other side, where an infinite weight makes NaN of it, as the first formula does."""
    return np.where(x > 0, x, x * by_channel(x, weight))


prelu.formulations = (prelu_with_zero_below,)  # type: ignore[attr-defined]


def prelu_gradient(dy: Any, x: Any, weight: Any) -> Gradients:
    """1 above 0 and weight below; for weight the sum of dy · min(0, x) over all that shares it."""
    shares = np.where(x > 0, nothing(dy), dy * x)
    axes = tuple(axis for axis in range(x.ndim) if axis != 1 or len(weight) == 1)
    slopes = np.sum(stored(shares), axis=axes).reshape(weight.shape)
    return {"x": in_pieces(x, (0,), (dy * by_channel(x, weight), dy)), "weight": slopes}


def slope(x: Any, lower: float, upper: float, training: bool) -> Any:
    """Somewhere between lower and upper in training; halfway in evaluation."""
    if not training or not isinstance(x, Bounded):
        return (lower + upper) / 2
    anywhere = Bounded(0.5, 0.5, x.by)
    return stored(lower + anywhere * (upper - lower)) if upper > lower else lower


def rrelu(x: Any, *, lower: float, upper: float, training: bool, seed: int) -> Any:
    """RReLU(x) = x if x ≥ 0, a · x otherwise; a between lower and upper in training, (lower + upper) / 2 in evaluation

    x (*) → (*)
    Source: torch.nn.RReLU, first formula.
    """
    return np.where(x >= 0, x, x * slope(x, lower, upper, training))


def rrelu_gradient(dy: Any, x: Any, *, lower: float, upper: float, training: bool, seed: int) -> Gradients:
    """1 above 0, the slope below."""
    return {"x": in_pieces(x, (0,), (dy * slope(x, lower, upper, training), dy))}


def hardtanh(x: Any, *, min_val: float, max_val: float) -> Any:
    """HardTanh(x) = max_val if x > max_val, min_val if x < min_val, x otherwise

    x (*) → (*)
    Source: torch.nn.Hardtanh, first formula.
    """
    return np.clip(x, min_val, max_val)


def hardtanh_gradient(dy: Any, x: Any, *, min_val: float, max_val: float) -> Gradients:
    """1 between min_val and max_val, 0 outside."""
    return {"x": in_pieces(x, (min_val, max_val), (nothing(dy), dy, nothing(dy)))}


def hardsigmoid(x: Any) -> Any:
    """Hardsigmoid(x) = 0 if x ≤ −3, 1 if x ≥ 3, x/6 + 1/2 otherwise; computed as (min(max(x, −3), 3) + 3) / 6

    x (*) → (*)
    Source: torch.nn.Hardsigmoid, first formula.
    """
    return (np.clip(x, -3, 3) + 3) / 6


def hardsigmoid_as_documented(x: Any) -> Any:
    """The same with the sum after the division."""
    return np.where(x <= -3, 0.0, np.where(x >= 3, 1.0, x / 6 + 0.5))


hardsigmoid.formulations = (hardsigmoid_as_documented,)  # type: ignore[attr-defined]


def hardsigmoid_gradient(dy: Any, x: Any) -> Gradients:
    """1/6 between −3 and 3, 0 outside."""
    return {"x": in_pieces(x, (-3, 3), (nothing(dy), dy / 6, nothing(dy)))}


def hardswish(x: Any) -> Any:
    """Hardswish(x) = 0 if x ≤ −3, x if x ≥ 3, x · (x + 3) / 6 otherwise

    x (*) → (*)
    Source: torch.nn.Hardswish, first formula.
    """
    inside = np.clip(x, -3, 3)
    return np.where(x <= -3, 0.0, np.where(x >= 3, x, inside * (inside + 3) / 6))


def hardswish_as_a_product(x: Any) -> Any:
    """The same as x · Hardsigmoid(x) above −3."""
    return np.where(x <= -3, 0.0, x * hardsigmoid(x))


hardswish.formulations = (hardswish_as_a_product,)  # type: ignore[attr-defined]


def hardswish_gradient(dy: Any, x: Any) -> Gradients:
    """0 below −3, x/3 + 1/2 up to 3, 1 above."""
    return {"x": in_pieces(x, (-3, 3), (nothing(dy), dy * (np.clip(x, -3, 3) / 3 + 0.5), dy))}


def hardshrink(x: Any, *, lambd: float) -> Any:
    """HardShrink(x) = x if x > lambd or x < −lambd, 0 otherwise (literally also for NaN: accepted are 0 and NaN)

    x (*) → (*)
    Source: torch.nn.Hardshrink, first formula.
    """
    return alike(np.where((x > lambd) | (x < -lambd), x, nothing(x)), (np.isnan(plain(x)), [nothing(x), x]))


def hardshrink_gradient(dy: Any, x: Any, *, lambd: float) -> Gradients:
    """0 between −lambd and lambd, 1 outside; 1 everywhere if lambd is negative."""
    if lambd < 0:
        return {"x": alike(dy, (np.isnan(plain(x)), [nothing(dy), dy, x]))}
    return {"x": in_pieces(x, (-lambd, lambd), (dy, nothing(dy), dy))}


def softshrink(x: Any, *, lambd: float) -> Any:
    """SoftShrinkage(x) = x − lambd if x > lambd, x + lambd if x < −lambd, 0 otherwise (literally also for NaN: accepted are 0 and NaN)

    x (*) → (*)
    Source: torch.nn.Softshrink, first formula.
    """
    rule = np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, nothing(x)))
    return alike(rule, (np.isnan(plain(x)), [nothing(x), x]))


def softshrink_gradient(dy: Any, x: Any, *, lambd: float) -> Gradients:
    """0 between −lambd and lambd, 1 outside."""
    return {"x": in_pieces(x, (-lambd, lambd), (dy, nothing(dy), dy))}


def threshold(x: Any, *, threshold: float, value: float) -> Any:
    """y = x if x > threshold, value otherwise (literally also for NaN: accepted are value and NaN)

    x (*) → (*)
    Source: torch.nn.Threshold, first formula.
    """
    other = np.full_like(x, value)
    return alike(np.where(x > threshold, x, other), (np.isnan(plain(x)), [other, x]))


def threshold_gradient(dy: Any, x: Any, *, threshold: float, value: float) -> Gradients:
    """1 above the threshold, 0 below."""
    return {"x": in_pieces(x, (threshold,), (nothing(dy), dy))}
