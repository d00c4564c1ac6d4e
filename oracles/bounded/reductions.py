"""Sums, means, extremes and order statistics.

A sum of n terms in any order errs by at most (n − 1)·u·Σ|x|, without a condition on n (Rump 2012, BIT 52:201; Jeannerod & Rump 2013,
SIAM J. Matrix Anal. Appl. 34:338); with each term in at most d additions, by d·u·Σ|x| (Higham, ASNA 2nd ed., section 4.2).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import ORACLE, Arithmetic
from .ball import FUNCTIONS, REDUCTIONS, UFUNCS, Bounded, ball, bounded, exact, rule
from .elementwise import flushed
from .formats import Array, Format, Mask
from .overflow import points, unless_free


def accumulated(
    by: Arithmetic, value: Array, spread: Array, magnitude: Array, roundings: Array, terms: Array, grain: float, fixed: bool = False
) -> Bounded:
    """The ball of a sum.

    value      Σx, finite                    spread     Σe, what the terms' errors add
    magnitude  Σ(|x| + e)                    roundings  most roundings that one term passes through
    terms      how many terms                grain      power of two that divides every term, 0 if they are not exact
    fixed      sums of integers in a fixed-point subject: no rounding
    """
    inner = by.accumulate
    unit = 0.0 if fixed else by.accumulate_unit
    error = spread * (1 + terms * 2.0**-52) + (roundings * unit + terms * ORACLE) * magnitude
    if by.unit > by.accumulate_unit and not fixed:  # the sum is handed on in the coarser compute format
        error = error + by.unit * (np.abs(value) + error)
    if by.rounds_always:
        error = error + np.where(magnitude > 0, 2 * terms * max(by.rounds_always, inner.normal if by.flush else 0.0), 0.0)
    if grain > 0:
        settled = (magnitude <= 2.0**inner.precision * grain) & (grain >= (inner.normal if by.flush else inner.tiny))
        if by.compute.precision < inner.precision:
            settled = settled & by.compute.represents(value)
        error = np.where(settled, 0.0, error)
    least = min(inner.overflow, by.compute.overflow)
    top = np.maximum.reduce(magnitude + error, axis=None, initial=0.0)
    if top < least:
        return ball(value, error, by, calm=True)
    return ball(value, _overflowing(by, value, error, spread, magnitude, inner), by)


def _overflowing(by: Arithmetic, value: Array, error: Array, spread: Array, magnitude: Array, inner: Format) -> Array:
    """Partial sums of either sign may overflow, if the terms of that sign reach so far."""
    over = min(inner.overflow, by.compute.overflow)
    reach = magnitude + error
    up, down = ~((reach + value) / 2 < over), ~((reach - value) / 2 < over)
    if inner.overflow < by.compute.overflow:  # the ball cannot say "infinite" below the compute format's own overflow
        return np.where(up | down, np.inf, error)
    infinite = np.isinf(value)
    error = np.where(infinite, (2 * by.unit + 2 * ORACLE) * by.compute.huge, error)
    return np.where(
        infinite,
        np.where((up & down) | ~(spread < by.unit * by.compute.huge), np.inf, error),
        unless_free(by, value, error, up, down, np.isnan(value)),
    )


def meets_overflow(by: Arithmetic, value: Array, reach: Array, taken: Array) -> Mask:
    """Sums with an exact infinity (`taken`) whose finite terms may overflow on the way, to the other infinity."""
    over = min(by.accumulate.overflow, by.compute.overflow)
    up, down = ~((reach + value) / 2 < over), ~((reach - value) / 2 < over)
    return np.asarray((up & (taken != np.inf)) | (down & (taken != -np.inf)))


def special(by: Arithmetic, value: Array, error: Array, taken: Array, lost: Mask, given: Mask, undefined: Mask) -> Bounded:
    """A sum with restless terms: free where one is lost; the IEEE result `taken` where one is an exact infinity, or NaN (`undefined`)."""
    error = np.where(lost, np.inf, error)
    error = np.where(given, np.where(lost & ~undefined, np.inf, 0.0), error)
    return ball(np.where(given, taken, value), error, by)


@rule(np.sum)
def total(x: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, **_: Any) -> Bounded:
    """Σx: see `accumulated`; zeros that are exact add no rounding and are not counted."""
    by = x.by

    def over(a: Any) -> Array:
        return np.asarray(np.sum(a, axis=axis, keepdims=keepdims))

    with np.errstate(all="ignore"):
        if by.flush:
            x = flushed(x)
        if not x.calm:
            return _restless_total(x, over)
        value, size = over(x.value), np.abs(x.value)
        if x.is_exact:
            terms, spread, magnitude = over(size > 0).astype(np.float64), np.zeros(value.shape), over(size)
        else:
            terms = np.full(value.shape, x.size / max(value.size, 1))
            spread = over(x.error)
            magnitude = over(size) + spread
        return accumulated(by, value, spread, magnitude, _depth(by, terms), terms, x.grain, by.constant_bits is not None)


def _depth(by: Arithmetic, terms: Array) -> Array:
    depth: Array = by.depth(terms)
    return depth + (terms > 0) if by.accumulate_unit > by.unit else depth  # terms are rounded to the coarser format first


def _restless_total(x: Bounded, over: Any) -> Bounded:
    by = x.by
    known = x.error == 0
    given = known & ~np.isfinite(x.value)
    free = np.isinf(x.error) | (~known & ~np.isfinite(x.value))
    terms = ball(np.where(given | free, 0.0, x.value), np.where(given | free, 0.0, x.error), by, calm=True)
    size = np.abs(terms.value) + terms.error
    count = over(np.ones(x.shape))
    value, reach = over(terms.value), over(size)
    result = accumulated(by, value, over(terms.error), reach, _depth(by, count), count, 0.0)
    taken, some = over(np.where(given, x.value, 0.0)), over(given) > 0
    lost = (over(free) > 0) | some & meets_overflow(by, value, reach * (1 + count * by.accumulate_unit), taken)
    return special(by, value, result.error, taken, lost, some, np.isnan(taken))


@rule(np.mean)
def mean(x: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, **_: Any) -> Bounded:
    """Σx / n: a sum, then a division."""
    sums = total(x, axis=axis, keepdims=keepdims)
    return UFUNCS[np.divide](sums, exact(x.size // max(sums.size, 1), x.by))  # type: ignore[no-any-return]


@rule(np.cumsum)
def prefix_sums(x: Any, axis: Any = None, **_: Any) -> Bounded:
    """Every prefix, summed in any order."""
    x = x.reshape(-1) if axis is None else x
    at = axis or 0
    if not x.calm:
        pieces = [total(np.take(x, range(i + 1), axis=at), axis=at) for i in range(x.shape[at])]
        return FUNCTIONS[np.stack](pieces, axis=at)  # type: ignore[no-any-return]
    terms = np.cumsum(np.ones(x.shape), axis=at)
    value, spread = np.cumsum(x.value, axis=at), np.cumsum(x.error, axis=at)
    magnitude = np.cumsum(np.abs(x.value), axis=at) + spread
    with np.errstate(all="ignore"):
        return accumulated(x.by, value, spread, magnitude, terms * 1.0, terms, x.grain, x.by.constant_bits is not None)


@rule(np.prod)
def product(x: Any, axis: Any = None, keepdims: bool = False, **_: Any) -> Bounded:
    """Π x, one multiplication after the other (any order makes as many roundings)."""
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    for at in axes:
        result = np.take(x, [0], axis=at)
        for i in range(1, x.shape[at]):
            result = result * np.take(x, [i], axis=at)
        x = result
    return x if keepdims else np.squeeze(x, axis=tuple(axes))  # type: ignore[no-any-return]


def _extreme(function: Any, name: str) -> Any:
    def extreme(x: Any, axis: Any = None, out: Any = None, keepdims: bool = False, **_: Any) -> Bounded:
        """The extreme of the values, within the extremes of the lower and of the upper ends (max is 1-Lipschitz)."""

        def over(a: Array) -> Array:
            return np.asarray(function.reduce(a, axis=axis, keepdims=keepdims))

        value = over(x.value)
        if x.is_exact:
            return ball(value, np.zeros(value.shape), x.by, exact=True, calm=x._calm or None)
        with np.errstate(all="ignore"):
            ends = _ends(x)
            error = _around(value, over(ends[0]), over(ends[1]))
            if x.calm:
                return ball(value, error, x.by, calm=True)
            free = np.any(x.free, axis=axis, keepdims=keepdims)
            undefined = np.any(np.isnan(x.value) & ~x.free, axis=axis, keepdims=keepdims)
            return ball(value, np.where(undefined, 0.0, np.where(free, np.inf, error)), x.by)

    extreme.__name__ = name
    return extreme


def _ends(x: Bounded) -> tuple[Array, Array]:
    low, high = points(x.value, x.error, x.by)[1:3]
    return np.asarray(low), np.asarray(high)


def _around(value: Array, low: Array, high: Array) -> Array:
    """The radius around a value that reaches both ends; an infinity beyond float64 keeps the distance to its finite end."""
    huge = np.finfo(np.float64).max
    inner = np.clip(value, -huge, huge)
    reach = np.maximum(np.clip(high, -huge, huge) - inner, inner - np.clip(low, -huge, huge))
    return np.where(low == high, 0.0, reach * (1 + 2.0**-50))


largest, smallest = _extreme(np.maximum, "largest"), _extreme(np.minimum, "smallest")
rule(np.max, np.amax)(largest)
rule(np.min, np.amin)(smallest)


def _reduce(rule_of: Any) -> Any:
    def reduce(x: Any, axis: Any = 0, keepdims: bool = False, **_: Any) -> Any:
        return rule_of(x, axis=axis, keepdims=keepdims)

    return reduce


REDUCTIONS.update(
    {
        (np.add, "reduce"): _reduce(total),
        (np.maximum, "reduce"): _reduce(largest),
        (np.minimum, "reduce"): _reduce(smallest),
        (np.multiply, "reduce"): _reduce(product),
        (np.add, "accumulate"): lambda x, axis=0, **_: prefix_sums(x, axis),
    }
)


@rule(np.sort)
def ordered(x: Any, axis: Any = -1, **_: Any) -> Bounded:
    """Order statistics: each lies between those of the lower and of the upper ends."""
    low, high = _ends(x)
    value = np.sort(x.value, axis=axis)
    error = _around(value, np.sort(low, axis=axis), np.sort(high, axis=axis))
    if not x.calm:
        error = np.where(np.any(x.free, axis=axis, keepdims=True), np.inf, error)
    return ball(value, error, x.by)


def _decision(function: Any) -> Any:
    def decide(x: Any, *rest: Any, **options: Any) -> Any:
        """Positions are decided only by exact numbers."""
        if not x.is_exact:
            raise TypeError(f"numpy.{function.__name__} of inexact numbers is in doubt")
        return function(x.value, *rest, **options)

    return decide


for _function in (np.argmax, np.argmin, np.argsort, np.unique, np.nonzero, np.searchsorted):
    rule(_function)(_decision(_function))


def add_at(shape: tuple[int, ...], index: Any, terms: Any) -> Any:
    """Zeros of this shape, with `terms` added at `index` (as numpy.add.at); terms that meet add up in any order."""

    def scattered(a: Array) -> Array:
        target = np.zeros(shape)
        np.add.at(target, index, a)
        return target

    if not isinstance(terms, Bounded):
        return scattered(terms)
    with np.errstate(all="ignore"):
        x = bounded(flushed(terms) if terms.by.flush else terms, terms.by)
        if not x.calm:
            return _restless_total(x, lambda a: scattered(np.asarray(a, dtype=np.float64)))
        value, spread, size = scattered(x.value), scattered(x.error), np.abs(x.value)
        count = scattered(np.where(size + x.error > 0, 1.0, 0.0))
        depth = _depth(x.by, count)
        return accumulated(x.by, value, spread, scattered(size) + spread, depth, count, x.grain, x.by.constant_bits is not None)
