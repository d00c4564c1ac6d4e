"""The Gaussian error linear unit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import erf, erfc
from oracles.conventions import or_limit

ROOT_HALF = math.sqrt(0.5)
DENSITY = 1 / math.sqrt(2 * math.pi)
SLOPE, CUBE = math.sqrt(2 / math.pi), 0.044715


def inside(x: Any) -> Any:
    """√(2/π) · (x + 0.044715 · x³), of which the tanh form takes the hyperbolic tangent."""
    return SLOPE * (x + CUBE * (x * x * x))


def gelu(x: Any, *, approximate: str) -> Any:
    """GELU(x) = x · Φ(x), Φ the normal distribution: x/2 · (1 + erf(x/√2)); with "tanh" x/2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))

    x (*) → (*); at −∞ accepted are the limit 0 and NaN, which IEEE arithmetic makes of ∞ · 0
    Source: torch.nn.GELU, both formulas.
    """
    curve = np.tanh(inside(x)) if approximate == "tanh" else erf(x * ROOT_HALF)
    return or_limit(x, x * (1 + curve) / 2, 0.0, np.inf)


def gelu_of_the_tail(x: Any, *, approximate: str) -> Any:
    """The same with Φ(x) = erfc(−x/√2) / 2."""
    if approximate == "tanh":
        return gelu(x, approximate=approximate)
    return or_limit(x, x * erfc(-x * ROOT_HALF) / 2, 0.0, np.inf)


gelu.formulations = (gelu_of_the_tail,)  # type: ignore[attr-defined]


def gelu_gradient(dy: Any, x: Any, *, approximate: str) -> dict[str, Any]:
    """Φ(x) + x · φ(x), φ the normal density; for "tanh" the derivative of its own formula. At ±∞ the limits 0 and 1, or NaN."""
    if approximate == "tanh":
        curve = np.tanh(inside(x))
        slope = (1 + curve) / 2 + x / 2 * (1 - curve * curve) * (SLOPE * (1 + 3 * CUBE * (x * x)))
    else:
        slope = (1 + erf(x * ROOT_HALF)) / 2 + x * (np.exp(x * x * -0.5) * DENSITY)
    return {"x": or_limit(x, dy * slope, 0.0 * dy, dy)}
