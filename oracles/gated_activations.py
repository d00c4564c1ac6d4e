"""Activations that multiply by a smooth gate: numbers, or their own halves, times a share between 0 and 1.

At ±∞ a documented product may be 0 · ∞: accepted are NaN, which IEEE arithmetic makes of it, and the limit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import stored
from oracles.conventions import or_limit
from oracles.smooth_activations import Gradients, sigmoid, sigmoid_as_documented, softplus_of


def silu(x: Any) -> Any:
    """SiLU(x) = x · Sigmoid(x)

    x (*) → (*)
    Source: torch.nn.SiLU, first formula.
    """
    return or_limit(x, x * sigmoid(x), 0.0, x)


def silu_as_a_quotient(x: Any) -> Any:
    """The same as x / (1 + exp(−x))."""
    return x / (1 + np.exp(-x))


silu.formulations = (silu_as_a_quotient,)  # type: ignore[attr-defined]


def silu_gradient(dy: Any, x: Any) -> Gradients:
    """Sigmoid(x) · (1 + x · (1 − Sigmoid(x))), where 1 − Sigmoid(x) is Sigmoid(−x)."""
    return {"x": or_limit(x, dy * (sigmoid(x) * (1 + x * sigmoid(-x))), dy * 0.0, dy)}


def silu_gradient_by_difference(dy: Any, x: Any) -> Gradients:
    """The same with 1 − Sigmoid(x) as a difference, from left to right."""
    y = sigmoid_as_documented(x)
    return {"x": dy * y * (1 + x * (1 - y))}


silu_gradient.formulations = (silu_gradient_by_difference,)  # type: ignore[attr-defined]


def mish(x: Any) -> Any:
    """Mish(x) = x · tanh(Softplus(x))

    x (*) → (*)
    Source: torch.nn.Mish, first formula.
    """
    return or_limit(x, x * np.tanh(softplus_of(x)), 0.0, x)


def mish_gradient(dy: Any, x: Any) -> Gradients:
    """t + x · Sigmoid(x) · (1 − t²) with t = tanh(Softplus(x)).

    As a fraction of n = exp(−|x|): t = (1 + 2n) / d, d = 1 + 2n + 2n² above 0, t = (n² + 2n) / d, d = n² + 2n + 2 below, and
    1 − t² = 4 (1 + n)² n² / d² above 0, 4 (1 + n)² / d² below.
    """
    n = np.exp(-np.abs(x))
    below = n * (n + 2)
    d = np.where(x < 0, below + 2, 1 + 2 * n + 2 * n * n)
    t = np.where(x < 0, below, 1 + 2 * n) / d
    bend = 4 * n * (1 + n) * np.where(x < 0, 1.0, n) / d / d
    return {"x": or_limit(x, dy * (t + x * bend), dy * 0.0, dy)}


def mish_gradient_as_documented(dy: Any, x: Any) -> Gradients:
    """The same by the chain rule from tanh and Sigmoid."""
    t = np.tanh(softplus_of(x))
    return {"x": dy * (t + x * sigmoid(x) * (1 - t * t))}


def mish_gradient_with_any_exponential(dy: Any, x: Any) -> Gradients:
    """The same with exp(−x) of either sign in Sigmoid."""
    t = np.tanh(softplus_of(x))
    return {"x": dy * (t + x * sigmoid_as_documented(x) * (1 - t * t))}


mish_gradient.formulations = (mish_gradient_as_documented, mish_gradient_with_any_exponential)  # type: ignore[attr-defined]


def glu(x: Any, *, dim: int) -> Any:
    """GLU(a, b) = a · Sigmoid(b), a and b the halves of x along dim

    x (*, N, *) → (*, N/2, *)
    Source: torch.nn.GLU, first formula.
    """
    a, b = np.split(x, 2, axis=dim)
    return a * sigmoid(b)


def glu_as_documented(x: Any, *, dim: int) -> Any:
    """The same with exp(−b) of either sign."""
    a, b = np.split(x, 2, axis=dim)
    return a * sigmoid_as_documented(b)


glu.formulations = (glu_as_documented,)  # type: ignore[attr-defined]


def glu_gradient(dy: Any, x: Any, *, dim: int) -> Gradients:
    """Sigmoid(b) for a, a · y · (1 − y) with y = Sigmoid(b) for b."""
    a, b = np.split(x, 2, axis=dim)
    y = stored(sigmoid(b))
    return {"x": np.concatenate([dy * y, (1 - y) * y * a * dy], axis=dim)}


def glu_gradient_as_documented(dy: Any, x: Any, *, dim: int) -> Gradients:
    """The same from the other formulation of Sigmoid."""
    a, b = np.split(x, 2, axis=dim)
    y = stored(sigmoid_as_documented(b))
    return {"x": np.concatenate([dy * y, (1 - y) * y * a * dy], axis=dim)}


def glu_gradient_from_dy(dy: Any, x: Any, *, dim: int) -> Gradients:
    """The same with dy as the first factor."""
    a, b = np.split(x, 2, axis=dim)
    y = stored(sigmoid(b))
    return {"x": np.concatenate([dy * y, dy * a * ((1 - y) * y)], axis=dim)}


glu_gradient.formulations = (glu_gradient_as_documented, glu_gradient_from_dy)  # type: ignore[attr-defined]
