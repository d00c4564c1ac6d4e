"""How alike and how far apart vectors are."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from oracles.bounded import Doubtful, anything_where, stored
from oracles.bounded.doubtful import doubtful
from oracles.conventions import plain
from oracles.embedding_loss import norm, norm_pullback
from oracles.loss import above_zero, slope, summed_to

Gradients = dict[str, Any]


def lengths(x: Any, dim: int) -> Any:
    """‖x‖₂ along an axis that is kept."""
    return stored(np.sqrt(np.sum(np.square(x), axis=dim, keepdims=True)))


def nought(x1: Any, x2: Any, dim: int) -> np.ndarray:
    """Where a vector is 0 and the other is finite: 0 / eps is 0 for every eps > 0, also for one that the storage format has not."""
    zero = [np.all(plain(x) == 0, axis=dim) for x in (x1, x2)]
    finite = [np.all(np.isfinite(plain(x)), axis=dim) for x in (x1, x2)]
    return np.asarray((zero[0] | zero[1]) & finite[0] & finite[1])


def cosine_similarity(x1: Any, x2: Any, *, dim: int, eps: float) -> Any:
    """The cosine of the angle between vectors.

    output = x₁ · x₂ / max(‖x₁‖₂ · ‖x₂‖₂, eps)

    x1, x2 (∗₁, D, ∗₂), sides of one repeated → (∗₁, ∗₂)
    Source: torch.nn.CosineSimilarity, first formula.
    """
    cosine = np.sum(x1 * x2, axis=dim) / np.squeeze(np.maximum(lengths(x1, dim) * lengths(x2, dim), eps), axis=dim)
    return np.where(nought(x1, x2, dim), 0.0, cosine)


def cosine_similarity_of_bounded_lengths(x1: Any, x2: Any, *, dim: int, eps: float) -> Any:
    """output = x₁ · x₂ / (max(‖x₁‖₂, eps) · max(‖x₂‖₂, eps)), every vector divided by its own length first

    Source: torch.nn.functional.cosine_similarity, first formula.
    """
    first, second = (stored(x / stored(np.maximum(lengths(x, dim), eps))) for x in (x1, x2))
    return np.where(nought(x1, x2, dim), 0.0, np.sum(stored(first * second), axis=dim))


cosine_similarity.formulations = (cosine_similarity_of_bounded_lengths,)  # type: ignore[attr-defined]


def undefined(dy: Any, x1: Any, x2: Any, dim: int) -> np.ndarray:
    """Where vectors or cotangents are infinite: there the derivative is none."""
    return np.asarray(
        np.isinf(plain(dy)) | np.isinf(plain(x1)).any(axis=dim, keepdims=True) | np.isinf(plain(x2)).any(axis=dim, keepdims=True)
    )


def cosine_similarity_gradient(dy: Any, x1: Any, x2: Any, *, dim: int, eps: float) -> Gradients:
    """With P = max(‖x₁‖·‖x₂‖, eps): ∂/∂x₁ = dy·(x₂/P − (x₁·x₂)/P² · ‖x₂‖ · x₁/‖x₁‖), the latter where P is not eps; 1 and 2 exchanged."""
    dy, n1, n2 = np.expand_dims(dy, dim), lengths(x1, dim), lengths(x2, dim)
    most, above = np.maximum(n1 * n2, eps), above_zero(n1 * n2 - eps)
    of_lengths = dy * np.sum(x1 * x2, axis=dim, keepdims=True) / most / most
    first = dy * x2 / most - np.where(above, of_lengths * n2 / n1 * x1, 0.0)
    second = dy * x1 / most - np.where(above, of_lengths * n1 / n2 * x2, 0.0)
    anywhere = undefined(dy, x1, x2, dim)
    return {name: summed_to(anything_where(anywhere, g), x.shape) for name, g, x in (("x1", first, x1), ("x2", second, x2))}


def cosine_similarity_gradient_of_bounded_lengths(dy: Any, x1: Any, x2: Any, *, dim: int, eps: float) -> Gradients:
    """The same for the other formula, x₁/m₁ · x₂/m₂ with m = max(‖x‖, eps): a product of two factors each, of which m has its own slope."""
    dy, bounds = np.expand_dims(dy, dim), [stored(np.maximum(lengths(x, dim), eps)) for x in (x1, x2)]
    units = [stored(x / m) for x, m in zip((x1, x2), bounds, strict=True)]

    def by(x: Any, m: Any, other: Any) -> Any:
        direct = stored(stored(dy * other) / m)
        of_length = stored(np.sum(stored(stored(dy * other) * stored(stored(x / m) / m)), axis=dim, keepdims=True))
        n = lengths(x, dim)
        g = direct - np.where(above_zero(n - eps), stored(of_length * stored(x / n)), 0.0)
        return summed_to(anything_where(undefined(dy, x1, x2, dim), g), x.shape)

    return {"x1": by(x1, bounds[0], units[1]), "x2": by(x2, bounds[1], units[0])}


cosine_similarity_gradient.formulations = (cosine_similarity_gradient_of_bounded_lengths,)  # type: ignore[attr-defined]


def difference(x1: Any, x2: Any, eps: float) -> Any:
    """x₁ − x₂ + eps."""
    return stored(stored(x1 - x2) + eps)


def pairwise_distance(x1: Any, x2: Any, *, p: float, eps: float, keepdim: bool) -> Any:
    """The p-norm of the difference of vectors.

    output = ‖x₁ − x₂ + eps‖ₚ, ‖x‖ₚ = (Σ |x_i|^p)^(1/p); for p = 0 how many are not 0, for ±∞ the largest or the least |x_i|

    x1, x2 (N, D) or (D,), sides of one repeated → (N,) or (), with keepdim (N, 1) or (1,)
    Source: torch.nn.PairwiseDistance, both formulas; torch.linalg.vector_norm for p of 0 and ±∞.
    """
    d = difference(x1, x2, eps)
    lengths = {0: lambda: np.sum(np.where(d != 0, np.ones_like(d), 0.0), axis=-1), -np.inf: lambda: np.min(np.abs(d), axis=-1)}
    y = lengths.get(p, lambda: norm(d, p))()
    return np.expand_dims(y, -1) if keepdim else y


def pairwise_distance_gradient(dy: Any, x1: Any, x2: Any, *, p: float, eps: float, keepdim: bool, first: str | None = None) -> Gradients:
    """dy · sign(d_i) · (|d_i| / ‖d‖ₚ)^(p−1) for x₁, with the other sign for x₂; a count, p = 0, has none.

    Where the norm has no derivative, anything in its range is accepted: at 0, at infinity, where several, or NaN, are the extreme.
    `first` is what a cotangent meets first, see `norm_pullback`.
    """
    d, dy = difference(x1, x2, eps), dy if keepdim else np.expand_dims(dy, -1)
    g = dy * of_the_least(d) if p == -np.inf else norm_pullback(dy, d, p, first) if p else d
    return of_both(g, d, x1, x2, p)


pairwise_distance_gradient.formulations = tuple(  # type: ignore[attr-defined]
    functools.partial(pairwise_distance_gradient, first=factor) for factor in ("length", "entry")
)


def of_both(g: Any, d: Any, x1: Any, x2: Any, p: float) -> Gradients:
    """The gradient by the difference d as that by both vectors."""
    anywhere = np.isinf(plain(d)).any(axis=-1, keepdims=True)
    if np.isinf(p):
        anywhere = anywhere | np.isnan(plain(d)).any(axis=-1, keepdims=True)
    if p < 1:
        anywhere = anywhere | (plain(d) == 0) | (p < 0) & (plain(d) == 0).any(axis=-1, keepdims=True)
    g = anything_where(anywhere, g)
    return {"x1": summed_to(g, x1.shape), "x2": summed_to(-g, x2.shape)} if p else {}


def of_the_least(d: Any) -> Any:
    """The sign of the only one of the least |d_i|, from 0 to that where there may be several, 0 for all others."""
    least = doubtful(np.abs(d) <= np.min(np.abs(d), axis=-1, keepdims=True))
    possible = least.possible()
    several = np.sum(possible, axis=-1, keepdims=True) > 1
    chosen = Doubtful(possible, possible & several, getattr(d, "by", None))
    return (2 * slope(d) - 1) * np.where(chosen, np.ones_like(d), np.zeros_like(d))
