"""L-BFGS on quadratic functions: each step from the subject's own points, gradients and directions."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import FORMATS, Bounded, constant, contract, exact

LEAST_CURVATURE = 1e-10  # a pair of which yᵀs is not larger is not remembered


def lbfgs(
    x: Any,
    matrix: Any,
    vector: Any,
    *,
    steps: int,
    lr: float,
    history_size: int,
    tolerance_grad: float,
    split: int,
    resume_at: int | None,
    line_search_fn: str | None = None,
    max_iter: int = 1,
    observed: Any = None,
) -> dict[str, Any]:
    """Minimise ½·xᵀAx − bᵀx with A = matrix, b = vector: x ← x + t·d with d = −H·g, g = Ax − b.

    H is the inverse Hessian that the last history_size pairs s = t·d, y = g − g before stand for, applied by two loops (`direction`);
    d = −g and t = min(1, 1/Σ|g|)·lr at first, then t = lr; nothing happens once max|g| ≤ tolerance_grad.

    x (n), matrix (n, n), vector (n) → x, gradient and direction (T, n), rate (T)
    Source: torch.optim.LBFGS; Nocedal & Wright 2006, Numerical optimization, algorithms 7.4 and 7.5; minFunc (Schmidt), the first step.
    """
    results: dict[str, list[Any]] = {"x": [], "gradient": [], "direction": [], "rate": []}
    pairs: list[tuple[Any, Any]] = []
    before, point, d, t = None, x, x * 0, number(0.0, x)
    for k in range(steps):
        g = contract("ij,j->i", matrix, point) - vector
        results["gradient"].append(g)
        g = told(g, observed, "gradient", k)
        if bool(np.max(np.abs(plain(g))) > tolerance_grad) or np.isnan(plain(g)).any():
            if before is not None:
                pairs = remembered(pairs, entered(t) * d, g - before, history_size)
            d = direction(g, pairs)
            t = number(lr, x) if before is not None else first_rate(g) * lr
            results["direction"].append(d)
            results["rate"].append(alone(t))
            d, t, before = told(d, observed, "direction", k), told(t, observed, "rate", k), g
            point = point + entered(t) * d
        else:
            results["direction"].append(d)
            results["rate"].append(alone(t))
        results["x"].append(point)
        point = told(point, observed, "x", k)
    return {name: np.stack(path) for name, path in results.items()}


def remembered(pairs: list[tuple[Any, Any]], s: Any, y: Any, most: int) -> list[tuple[Any, Any]]:
    """The last pairs, with one more if its curvature is positive; where that is in doubt, a pair of which nothing is known."""
    enough = np.sum(y * s) > LEAST_CURVATURE
    if np.any(getattr(enough, "doubt", False)):
        s, enough = Bounded(s.value, np.full(s.shape, np.inf), s.by), True
    return [*pairs, (s, y)][-most:] if bool(np.asarray(getattr(enough, "value", enough))) else pairs


def direction(g: Any, pairs: list[tuple[Any, Any]]) -> Any:
    """−H·g by the two-loop recursion, H₀ = sᵀy / yᵀy of the last pair, or 1."""
    q, weights = -g, []
    for s, y in reversed(pairs):
        weights.append(np.sum(s * q) * (1 / np.sum(y * s)))
        q = q - weights[-1] * y
    if pairs:
        s, y = pairs[-1]
        q = q * (np.sum(y * s) / np.sum(y * y))
    for s, y in pairs:
        q = q + s * (weights.pop() - np.sum(y * q) * (1 / np.sum(y * s)))
    return q


def first_rate(g: Any) -> Any:
    """A step of length 1 at most, in the norm Σ|g|; of 1 where that is not a number."""
    size = np.sum(np.abs(g))
    return np.where(np.isnan(size), 1.0, np.minimum(1.0, 1 / size))


def plain(x: Any) -> Any:
    """The values alone."""
    return getattr(x, "value", x)


def number(value: float, like: Any) -> Any:
    """A number that is no tensor, as an operation on x takes it."""
    return exact(value, like.by) if isinstance(like, Bounded) else np.asarray(value)


def entered(t: Any) -> Any:
    """A rate as an operation on tensors takes it: rounded to the format that they are computed in."""
    return constant(t.value, t.by) if isinstance(t, Bounded) else t


def alone(t: Any) -> Any:
    """A rate, as a Python float."""
    return Bounded(t.value, t.error, t.by.but(storage=FORMATS["float64"])) if isinstance(t, Bounded) else t


def told(computed: Any, observed: Any, name: str, k: int) -> Any:
    """What the subject itself had, if it was observed."""
    if observed is None:
        return computed
    value = np.asarray(observed[name][k]).astype(float)
    return exact(value, computed.by) if isinstance(computed, Bounded) else value
