"""Activations with an exponential inside, in forms that do not overflow.

At ±∞ a documented product may be 0 · ∞: accepted are NaN, which IEEE arithmetic makes of it, and the limit. The gradient of ELU and its
relatives at 0 is open where the two sides differ: either is accepted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import stored
from oracles.conventions import in_pieces, or_limit

Gradients = dict[str, Any]
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def elu(x: Any, *, alpha: float) -> Any:
    """ELU(x) = x if x > 0, alpha · (exp(x) − 1) otherwise

    x (*) → (*)
    Source: torch.nn.ELU, first formula.
    """
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_gradient(dy: Any, x: Any, *, alpha: float) -> Gradients:
    """1 above 0, alpha · exp(x) below."""
    return {"x": in_pieces(x, (0,), (dy * alpha * np.exp(np.minimum(x, 0)), dy))}


def selu(x: Any) -> Any:
    """SELU(x) = scale · (max(0, x) + min(0, alpha · (exp(x) − 1)))

    x (*) → (*)
    Source: torch.nn.SELU, first formula.
    """
    return np.where(x > 0, x * SELU_SCALE, np.expm1(np.minimum(x, 0)) * (SELU_SCALE * SELU_ALPHA))


def selu_gradient(dy: Any, x: Any) -> Gradients:
    """scale above 0, scale · alpha · exp(x) below."""
    return {"x": in_pieces(x, (0,), (dy * (SELU_SCALE * SELU_ALPHA) * np.exp(np.minimum(x, 0)), dy * SELU_SCALE))}


def celu(x: Any, *, alpha: float) -> Any:
    """CELU(x) = max(0, x) + min(0, alpha · (exp(x / alpha) − 1))

    x (*) → (*)
    Source: torch.nn.CELU, first formula.
    """
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def celu_gradient(dy: Any, x: Any, *, alpha: float) -> Gradients:
    """1 above 0, exp(x / alpha) below."""
    return {"x": in_pieces(x, (0,), (dy * np.exp(np.minimum(x, 0) / alpha), dy))}


def celu_gradient_by_factors(dy: Any, x: Any, *, alpha: float) -> Gradients:
    """The same by the chain rule: 1 / alpha, alpha and the exponential, one factor after the other."""
    return {"x": in_pieces(x, (0,), (dy / alpha * alpha * np.exp(np.minimum(x, 0) / alpha), dy))}


celu_gradient.formulations = (celu_gradient_by_factors,)  # type: ignore[attr-defined]


def sigmoid(x: Any) -> Any:
    """Sigmoid(x) = 1 / (1 + exp(−x)), computed as exp(x) / (1 + exp(x)) below 0

    x (*) → (*)
    Source: torch.nn.Sigmoid, first formula.
    """
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1 + e)


def sigmoid_as_documented(x: Any) -> Any:
    """The same with exp(−x) of either sign."""
    return 1 / (1 + np.exp(-x))


sigmoid.formulations = (sigmoid_as_documented,)  # type: ignore[attr-defined]


def sigmoid_gradient(dy: Any, x: Any) -> Gradients:
    """y · (1 − y), from the y that was returned."""
    y = stored(sigmoid(x))
    return {"x": dy * (1 - y) * y}


def sigmoid_gradient_as_documented(dy: Any, x: Any) -> Gradients:
    """The same from the other formulation of y."""
    y = stored(sigmoid_as_documented(x))
    return {"x": dy * (1 - y) * y}


def sigmoid_gradient_inside_out(dy: Any, x: Any) -> Gradients:
    """The same, y · (1 − y) first."""
    y = stored(sigmoid(x))
    return {"x": dy * (y * (1 - y))}


sigmoid_gradient.formulations = (sigmoid_gradient_as_documented, sigmoid_gradient_inside_out)  # type: ignore[attr-defined]


def log_sigmoid(x: Any) -> Any:
    """LogSigmoid(x) = log(1 / (1 + exp(−x))), computed as min(x, 0) − log(1 + exp(−|x|))

    x (*) → (*)
    Source: torch.nn.LogSigmoid, first formula.
    """
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def log_sigmoid_gradient(dy: Any, x: Any) -> Gradients:
    """Sigmoid(−x)."""
    return {"x": dy * sigmoid(-x)}


def log_sigmoid_gradient_from_the_exponential(dy: Any, x: Any) -> Gradients:
    """The same from the exponential of the forward pass: e / (1 + e) above 0, 1 − e / (1 + e) below."""
    e = stored(np.exp(-np.abs(x)))
    share = e / (1 + e)
    return {"x": dy * np.where(x < 0, 1 - share, share)}


log_sigmoid_gradient.formulations = (log_sigmoid_gradient_from_the_exponential,)  # type: ignore[attr-defined]


def tanh(x: Any) -> Any:
    """Tanh(x) = (exp(x) − exp(−x)) / (exp(x) + exp(−x))

    x (*) → (*)
    Source: torch.nn.Tanh, first formula.
    """
    return np.tanh(x)


def tanh_gradient(dy: Any, x: Any) -> Gradients:
    """1 − y², from the y that was returned."""
    return {"x": dy * (1 - np.square(stored(np.tanh(x))))}


def tanhshrink(x: Any) -> Any:
    """Tanhshrink(x) = x − tanh(x)

    x (*) → (*)
    Source: torch.nn.Tanhshrink, first formula.
    """
    return x - np.tanh(x)


def tanhshrink_gradient(dy: Any, x: Any) -> Gradients:
    """tanh²(x)."""
    return {"x": dy * np.square(np.tanh(x))}


def tanhshrink_gradient_by_terms(dy: Any, x: Any) -> Gradients:
    """The same as the gradient of x minus that of tanh."""
    return {"x": dy - dy * (1 - np.square(stored(np.tanh(x))))}


tanhshrink_gradient.formulations = (tanhshrink_gradient_by_terms,)  # type: ignore[attr-defined]


def softplus_of(z: Any) -> Any:
    """log(1 + exp(z)) = max(z, 0) + log(1 + exp(−|z|))."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def softplus(x: Any, *, beta: float, threshold: float) -> Any:
    """Softplus(x) = log(1 + exp(beta · x)) / beta; x where beta · x > threshold

    x (*) → (*)
    Source: torch.nn.Softplus, first formula, and "the implementation reverts to the linear function when input × beta > threshold".
    """
    z = x * beta
    return np.where(z > threshold, x, softplus_of(z) / beta)


def softplus_as_documented(x: Any, *, beta: float, threshold: float) -> Any:
    """The same with exp(beta · x) of either sign."""
    z = x * beta
    return np.where(z > threshold, x, np.log1p(np.exp(z)) / beta)


softplus.formulations = (softplus_as_documented,)  # type: ignore[attr-defined]


def softplus_gradient(dy: Any, x: Any, *, beta: float, threshold: float) -> Gradients:
    """Sigmoid(beta · x); 1 where beta · x > threshold."""
    z = x * beta
    return {"x": np.where(z > threshold, dy, dy * sigmoid(z))}


def softplus_gradient_as_documented(dy: Any, x: Any, *, beta: float, threshold: float) -> Gradients:
    """The same as e / (1 + e) with e = exp(beta · x)."""
    z = x * beta
    e = np.exp(z)
    return {"x": np.where(z > threshold, dy, dy * e / (1 + e))}


softplus_gradient.formulations = (softplus_gradient_as_documented,)  # type: ignore[attr-defined]


def softsign(x: Any) -> Any:
    """SoftSign(x) = x / (1 + |x|)

    x (*) → (*)
    Source: torch.nn.Softsign, first formula.
    """
    return or_limit(x, x / (1 + np.abs(x)), -1.0, 1.0)


def softsign_gradient(dy: Any, x: Any) -> Gradients:
    """1 / (1 + |x|)²."""
    d = 1 + np.abs(x)
    return {"x": or_limit(x, dy / d / d, dy * 0.0, dy * 0.0)}


def softsign_gradient_by_terms(dy: Any, x: Any) -> Gradients:
    """The same by the rule for quotients: 1 / d − sign(x) · x / d² with d = 1 + |x|."""
    d = 1 + np.abs(x)
    return {"x": dy / d - dy * (x / d / d) * np.sign(x)}


softsign_gradient.formulations = (softsign_gradient_by_terms,)  # type: ignore[attr-defined]
