"""Dropout: a set of results, element by element or channel by channel; what is kept is chance.

Whether an element, or a channel as a whole, was kept is read off the subject's own output.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import OneOf, stored
from oracles.conventions import plain

Ways = Callable[[Any, float], list[Any]]
Leading = Callable[[int], int]

ALPHA = -1.7580993408473766
"""Where SELU saturates, −λα. Source: Klambauer et al. 2017, section 2."""


# What an element may become.


def scaled(x: Any, p: float) -> list[Any]:
    """x / (1 − p), by a division, by the reciprocal, or by the reciprocal as the tensor's format stores it."""
    kept = 1.0 - p
    return [x / kept, x * (1.0 / kept), x * stored(np.zeros_like(x) + 1.0 / kept)]


def zeroed(x: Any, p: float) -> list[Any]:
    """Zero; and where 0 · x is NaN, that."""
    zero = np.zeros(x.shape)
    return [zero, np.where(np.isfinite(plain(x)), zero, np.nan)]


def affine(p: float) -> tuple[float, float]:
    """a and b of a·x + b, which restores mean 0 and variance 1: a = 1/√(q + α²·q·p), b = −a·p·α, q = 1 − p.

    Source: Klambauer et al. 2017, section 2, "New Dropout Technique", with α′ = −λα.
    """
    q = 1.0 - p
    a = 1 / math.sqrt(q + ALPHA**2 * q * p)
    return a, -a * p * ALPHA


def shifted(x: Any, p: float) -> list[Any]:
    """a·x + b, from registers or from stored parts."""
    a, b = affine(p)
    none = np.zeros_like(x)
    return [x * a + b, stored(x * stored(none + a)) + stored(none + b)]


def saturated(x: Any, p: float) -> list[Any]:
    """a·α + b, which tends to 0 for p → 1; and where 0 · x is NaN, that."""
    if p == 1:
        return zeroed(x, p)
    a, b = affine(p)
    once = np.zeros_like(x) + (a * ALPHA + b)
    parts = stored(stored(np.zeros_like(x) + a * ALPHA) + stored(np.zeros_like(x) + b))
    return [once, parts, np.where(np.isfinite(plain(x)), once, np.nan)]


def multiplied(x: Any, p: float) -> list[Any]:
    """a·x, the derivative of a·x + b."""
    a, _ = affine(p)
    return [x * a, x * stored(np.zeros_like(x) + a)]


# What the subject chose.


def units(x: np.ndarray, leading: int) -> np.ndarray:
    """What is kept or dropped as one: a row for each, of the elements behind the leading axes."""
    return x.reshape(math.prod(x.shape[:leading]), math.prod(x.shape[leading:]))


def fate(output: Any, kept: list[Any], lost: list[Any], leading: int) -> tuple[np.ndarray, np.ndarray]:
    """Which elements may have been dropped and kept: all of a unit alike, as most of its elements say; either, if it all fits both."""
    shape = np.shape(output)
    either = [units(OneOf(choices).accepts(output) if choices else np.zeros(shape, bool), leading) for choices in (lost, kept)]
    gone, stays = (np.sum(accepted, axis=1, keepdims=True) for accepted in either)
    was_lost = (gone > stays) | (gone == stays) & (gone == either[0].shape[1])
    was_lost, was_kept = (np.broadcast_to(mask, either[0].shape).reshape(shape) for mask in (was_lost, stays >= gone))
    return was_lost, was_kept


def choice(kept: list[Any], lost: list[Any], which: tuple[np.ndarray, np.ndarray]) -> OneOf:
    """The accepted set of what was dropped or kept."""
    return OneOf([*lost, *kept], np.stack([which[0]] * len(lost) + [which[1]] * len(kept)))


def dropping(what: str, source: str, leading: Leading, kept: Ways, lost: Ways, derivative: Ways) -> tuple[Any, Any]:
    """A dropout and its gradient: `leading` axes index what is dropped as one; what becomes of the kept and of the lost."""

    def dropout(x: Any, *, p: float, training: bool, seed: int, observed: Any = None) -> Any:
        if not training or p == 0:
            return x * 1
        stays, gone = kept(x, p) if p < 1 else [], lost(x, p)
        return choice(stays, gone, fate(observed["output"], stays, gone, leading(x.ndim)))

    def gradient(dy: Any, x: Any, *, p: float, training: bool, seed: int, observed: Any = None) -> dict[str, Any]:
        if not training or p == 0:
            return {"x": dy * 1}
        which = fate(observed["output"], kept(x, p) if p < 1 else [], lost(x, p), leading(x.ndim))
        return {"x": choice(derivative(dy, p) if p < 1 else [], zeroed(dy, p), which)}

    dropout.__doc__ = f"""In training each {what} is dropped with probability p; in evaluation x. What `seed` chooses is not said.

    x → as x
    Source: {source}.
    """
    gradient.__doc__ = f"""The factor times dy where the output was kept, 0 where it was dropped; both where the output does not tell.

    Source: the derivative of {source}.
    """
    return dropout, gradient


def elements(ndim: int) -> int:
    """Every element is dropped by itself."""
    return ndim


def channels(unbatched: int) -> Leading:
    """Every channel, of (N, C, …) or, with so many axes, (C, …); 0: there is always a batch."""
    return lambda ndim: 1 if ndim == unbatched else 2


ZEROS, SATURATION = (scaled, zeroed, scaled), (shifted, saturated, multiplied)
dropout, dropout_gradient = dropping("element", "torch.nn.Dropout, first paragraphs", elements, *ZEROS)
dropout1d, dropout1d_gradient = dropping("channel", "torch.nn.Dropout1d, Shape and first paragraphs", channels(2), *ZEROS)
dropout2d, dropout2d_gradient = dropping("channel", "torch.nn.Dropout2d, Shape and first paragraphs", channels(0), *ZEROS)
dropout3d, dropout3d_gradient = dropping("channel", "torch.nn.Dropout3d, Shape and first paragraphs", channels(4), *ZEROS)
alpha_dropout, alpha_dropout_gradient = dropping(
    "element", "torch.nn.AlphaDropout; Klambauer et al. 2017, section 2", elements, *SATURATION
)
feature_alpha_dropout, feature_alpha_dropout_gradient = dropping(
    "channel", "torch.nn.FeatureAlphaDropout, Shape; Klambauer et al. 2017, section 2", channels(4), *SATURATION
)


# What chance there was.


def telling(x: np.ndarray, alpha: bool) -> np.ndarray:
    """The elements from which it is seen what became of them: not where both give the same."""
    if not alpha:
        return np.asarray(np.isfinite(x) & (x != 0))
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(x) < 2.0**10) & (np.abs(x - ALPHA) > 2.0**-3 * (np.abs(x) + 2)))


def was_kept(x: np.ndarray, y: np.ndarray, p: float, training: bool, alpha: bool) -> np.ndarray:
    """Which elements were kept."""
    if not training:
        return np.asarray(y == x)
    if not alpha or p == 1:
        return np.asarray(y != 0)
    a, b = affine(p)
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(y - (a * x + b)) < np.abs(y - (a * ALPHA + b)))


def chances_of(leading: Leading, alpha: bool) -> Callable[..., dict[str, tuple[int, int, float]]]:
    """How many elements or channels were kept, and pairs of neighbours, out of how many, at which probability."""

    def chances(x: Any, *, p: float, training: bool, seed: int, observed: Any) -> dict[str, tuple[int, int, float]]:
        x, y = plain(x).astype(float), np.asarray(observed["output"]).astype(float)
        axes, seen = leading(x.ndim), telling(x, alpha)
        known = np.asarray(units(seen, axes).any(axis=1))
        kept = np.asarray(units(seen & was_kept(x, y, p, training, alpha), axes).any(axis=1))
        stays = 1.0 - p if training else 1.0
        found = {"were kept": (int(np.sum(kept & known)), int(np.sum(known)), stays)}
        distances = {"neighbours were both kept": 1}
        if axes == 2 and x.ndim > 2 and len(x) > 1:
            distances["channels of two images were both kept"] = x.shape[1]
        for event, distance in distances.items():
            pairs = (len(known) // (2 * distance) if distance else 0, 2, distance)
            both, sure = (a[: math.prod(pairs)].reshape(pairs).all(axis=1) for a in (kept & known, known))
            found[event] = (int(np.sum(both)), int(np.sum(sure)), stays * stays)
        return found

    return chances
