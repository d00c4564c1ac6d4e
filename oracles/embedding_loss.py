"""Losses of vectors by their angles and distances."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import Doubtful, anything_where
from oracles.bounded.doubtful import doubtful
from oracles.conventions import plain
from oracles.loss import gated, reduced, shared, slope

Gradients = dict[str, Any]


def zero(*vectors: Any) -> np.ndarray:
    """Which rows have no direction in one of the arrays."""
    return np.asarray(np.logical_or.reduce([np.all(plain(x) == 0, axis=-1) for x in vectors]))


def cosine(input1: Any, input2: Any) -> tuple[Any, Any, Any, Any]:
    """The cosine of two vectors, the product of their lengths, and the square of either."""
    squares = np.sum(input1 * input1, axis=-1), np.sum(input2 * input2, axis=-1)
    lengths = np.sqrt(squares[0] * squares[1])
    return np.sum(input1 * input2, axis=-1) / lengths, lengths, *squares


def cosine_embedding_loss(input1: Any, input2: Any, target: np.ndarray, *, margin: float, reduction: str) -> Any:
    """1 − cos(input1, input2) where the target is 1, max(0, cos(input1, input2) − margin) where it is −1

    The zero vector has no direction: anything is accepted of it.

    input1 and input2 (N, D) or (D,), target (N,) or () of 1 and −1 → as target, or () if it is reduced
    Source: torch.nn.CosineEmbeddingLoss, first formula.
    """
    angle = cosine(input1, input2)[0]
    losses = np.where(target == 1, 1 - angle, np.maximum(0, angle - margin))
    return reduced(anything_where(zero(input1, input2), losses), reduction)


def cosine_embedding_loss_gradient(dy: Any, input1: Any, input2: Any, target: np.ndarray, *, margin: float, reduction: str) -> Gradients:
    """With c the cosine: ∂c/∂input1 = input2 / (|input1| · |input2|) − c · input1 / |input1|², and with 1 and 2 exchanged."""
    angle, lengths, *squares = cosine(input1, input2)
    g = shared(dy, target.shape, reduction)
    g = np.where(target == 1, -g, gated(angle - margin, g))
    of_lengths = (-g * angle / lengths / (2 * lengths))[..., None]
    direct, undefined = (g / lengths)[..., None], zero(input1, input2)[..., None]
    first = direct * input2 + of_lengths * squares[1][..., None] * (2 * input1)
    second = direct * input1 + of_lengths * squares[0][..., None] * (2 * input2)
    return {"input1": anything_where(undefined, first), "input2": anything_where(undefined, second)}


def norm(d: Any, p: float) -> Any:
    """The p-norm of the last axis."""
    if p == np.inf:
        return np.max(np.abs(d), axis=-1)
    if p in (1, 2):
        return np.sum(np.abs(d), axis=-1) if p == 1 else np.sqrt(np.sum(np.square(d), axis=-1))
    return np.sum(np.abs(d) ** p, axis=-1) ** (1 / p)


def norm_gradient(d: Any, p: float, length: Any) -> Any:
    """The gradient of the p-norm, which is `length`, by d; where it has none, anything from −1 to 1."""
    sign = 2 * slope(d) - 1
    if p == 1:
        return sign
    if p == np.inf:
        largest = doubtful(np.abs(d) >= length)
        possible = largest.possible()
        several = np.sum(possible, axis=-1, keepdims=True) > 1
        return sign * np.where(Doubtful(possible, possible & several, getattr(d, "by", None)), np.ones_like(d), np.zeros_like(d))
    ratio = d / length if p == 2 else sign * np.abs(d) ** (p - 1) / length ** (p - 1)
    return np.where((plain(length) == 0) & (np.asarray(getattr(length, "error", 0.0)) == 0), sign, ratio)


def norm_pullback(dy: Any, d: Any, p: float, first: str | None = None) -> Any:
    """dy times the gradient of the p-norm by d: sign(d_i) · |d_i|^(p−1) · dy · ‖d‖ₚ^(1−p), dy by the "length" or the "entry" first.

    At 0 the gradient may be taken for 0, also beside a dy that is NaN: there it is open.
    """
    length = norm(d, p)[..., None]
    if first is None or p in (1, 2, np.inf):
        g = dy * norm_gradient(d, p, length)
    else:
        entry = (2 * slope(d) - 1) * np.abs(d) ** (p - 1)
        g = entry * (dy / length ** (p - 1)) if first == "length" else entry * dy * length ** (1 - p)
    return anything_where(doubtful(length <= 0).possible() & np.isnan(plain(dy)), g)


Distance = tuple[Callable[[Any, Any], Any], Callable[[Any, Any, Any], Any]]


def pairwise(p: float, eps: float, first: str | None = None) -> Distance:
    """The distance |x − y + eps|ₚ, and a cotangent times its gradient by x."""
    return lambda x, y: norm(x - y + eps, p), lambda dy, x, y: norm_pullback(dy, x - y + eps, p, first)


DISTANCES: dict[str | None, Distance] = {
    None: pairwise(2, 1e-6),
    "manhattan": (lambda x, y: np.sum(np.abs(x - y), axis=-1), lambda dy, x, y: dy * (2 * slope(x - y) - 1)),
    "squared": (lambda x, y: np.sum(np.square(x - y), axis=-1), lambda dy, x, y: dy * (2 * (x - y))),
}


def triplet(anchor: Any, positive: Any, negative: Any, distance: Callable[..., Any], margin: float, swap: bool) -> Any:
    """margin + d(anchor, positive) − d(anchor, negative), or with swap − min(d(anchor, negative), d(positive, negative))."""
    away = distance(anchor, negative)
    away = np.minimum(away, distance(positive, negative)) if swap else away
    return margin + distance(anchor, positive) - away


def triplet_gradient(g: Any, arrays: tuple[Any, Any, Any], distances: Distance, margin: float, swap: bool) -> Gradients:
    """The gradients of max(0, triplet), by the chain rule; anything is accepted of infinite distances and cotangents."""
    (anchor, positive, negative), (distance, by_first) = arrays, distances
    s = gated(triplet(*arrays, distance, margin, swap), g)
    towards = by_first(s[..., None], anchor, positive)
    nearer = distance(positive, negative) - distance(anchor, negative) if swap else 0
    away = by_first((gated(nearer, s) if swap else s)[..., None], anchor, negative)
    of_anchor, of_positive, of_negative = towards - away, -towards, away
    if swap:
        other = by_first(gated(-nearer, s)[..., None], positive, negative)
        of_positive, of_negative = of_positive - other, of_negative + other
    infinite = np.logical_or.reduce([np.isinf(plain(x)).any(axis=-1, keepdims=True) for x in arrays]) | np.isinf(plain(s))[..., None]
    found = {"anchor": of_anchor, "positive": of_positive, "negative": of_negative}
    return {name: anything_where(infinite, gradient) for name, gradient in found.items()}


def triplet_margin_loss(
    anchor: Any, positive: Any, negative: Any, *, margin: float, p: float, eps: float, swap: bool, reduction: str
) -> Any:
    """max(d(anchor, positive) − d(anchor, negative) + margin, 0), d(x, y) = |x − y + eps|ₚ

    swap: the lesser of d(anchor, negative) and d(positive, negative) is subtracted.

    anchor, positive, negative (N, D) or (D,) → (N,) or (), or () if it is reduced
    Source: torch.nn.TripletMarginLoss, both formulas; torch.nn.PairwiseDistance (eps); Balntas et al. 2016 (swap).
    """
    return reduced(np.maximum(triplet(anchor, positive, negative, pairwise(p, eps)[0], margin, swap), 0), reduction)


def triplet_margin_loss_gradient(
    dy: Any,
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    margin: float,
    p: float,
    eps: float,
    swap: bool,
    reduction: str,
    first: str | None = None,
) -> Gradients:
    """The gradients of the distances, where the margin is not kept; `first` is what a cotangent meets first, see `norm_pullback`."""
    g = shared(dy, anchor.shape[:-1], reduction)
    return triplet_gradient(g, (anchor, positive, negative), pairwise(p, eps, first), margin, swap)


triplet_margin_loss_gradient.formulations = tuple(  # type: ignore[attr-defined]
    functools.partial(triplet_margin_loss_gradient, first=factor) for factor in ("length", "entry")
)


def triplet_margin_with_distance_loss(
    anchor: Any, positive: Any, negative: Any, *, distance_function: str | None, margin: float, swap: bool, reduction: str
) -> Any:
    """max(d(anchor, positive) − d(anchor, negative) + margin, 0) with a given distance d, by default |x − y + 1e−6|₂

    anchor, positive, negative (N, D) → (N,), or () if it is reduced
    Source: torch.nn.TripletMarginWithDistanceLoss, first formula; torch.nn.PairwiseDistance.
    """
    return reduced(np.maximum(triplet(anchor, positive, negative, DISTANCES[distance_function][0], margin, swap), 0), reduction)


def triplet_margin_with_distance_loss_gradient(
    dy: Any, anchor: Any, positive: Any, negative: Any, *, distance_function: str | None, margin: float, swap: bool, reduction: str
) -> Gradients:
    """The gradients of the distances, where the margin is not kept."""
    g = shared(dy, anchor.shape[:-1], reduction)
    return triplet_gradient(g, (anchor, positive, negative), DISTANCES[distance_function], margin, swap)
