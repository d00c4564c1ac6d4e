"""Elements outside the calm: infinities, NaN, overflow and balls of which nothing is known.

A result is followed from a few points of each operand's ball: its ends, its centre, zero where it may be zero, and infinity where the
subject may have overflowed. Monotone operations take their extremes there. What these points do not leave one ball for becomes free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .arithmetic import Arithmetic
from .ball import Bounded
from .formats import Array, Mask

if TYPE_CHECKING:
    from .elementwise import Elementwise


def restless(value: Array, error: Array, by: Arithmetic) -> Mask:
    """Elements that are or may be infinite, NaN or free."""
    return np.asarray(~(np.abs(value) + error < by.compute.overflow))


def repaired(rule: Elementwise, by: Arithmetic, value: Array, error: Array, xs: list[Bounded], rounding: tuple[Any, Any]) -> Array:
    """The errors, with those of restless elements (of the result or of an operand) derived again."""
    odd = restless(value, error, by)
    for x in xs:
        if not x.calm:
            odd = odd | restless(x.value, x.error, by)
    error = np.array(np.broadcast_to(error, value.shape))
    if np.count_nonzero(odd):
        parts = [(np.broadcast_to(x.value, value.shape)[odd], np.broadcast_to(x.error, value.shape)[odd]) for x in xs]
        error[odd] = _again(rule, by, value[odd], parts, rounding)
    return error


def points(value: Array, error: Array, by: Arithmetic) -> list[Array]:
    """Points of each ball at which a monotone function takes its extremes over what the subject may hold."""
    huge, overflow = by.compute.huge, by.compute.overflow
    known = (error == 0) | np.isnan(value) | ~np.isfinite(error)
    base = np.where(known | np.isfinite(value), value, np.copysign(huge, value))  # a sum or product beyond float64 itself
    reach = np.where(known, 0.0, error * (1 + 2.0**-50) + 2.0**-52 * np.abs(base))
    low, high = base - reach, base + reach
    high = np.where(~known & (value == np.inf), np.inf, high)
    low = np.where(~known & (value == -np.inf), -np.inf, low)
    above = np.where(~known & (high >= overflow), np.inf, high)
    below = np.where(~known & (low <= -overflow), -np.inf, low)
    straddles = ~known & (low <= 0) & (high >= 0)  # then a divisor may be a zero of either sign
    return [value, low, high, above, below, np.where(straddles, 0.0, value), np.where(straddles, -0.0, value)]


def _again(rule: Elementwise, by: Arithmetic, value: Array, parts: list[tuple[Array, Array]], rounding: tuple[Any, Any]) -> Array:
    rate, tiny = rounding
    values = [v for v, _ in parts]
    results = _at_every_point(rule, by, parts)
    exact = np.logical_and.reduce([e == 0 for _, e in parts])
    given = np.logical_or.reduce([(e == 0) & np.isinf(v) for v, e in parts])  # an IEEE infinity among the operands
    free = np.logical_or.reduce([~np.isfinite(e) for _, e in parts])
    undefined = np.logical_or.reduce([(e == 0) & np.isnan(v) for v, e in parts])
    pole = rule.pole(*values) if rule.pole else np.zeros(value.shape, dtype=bool)
    agreed = np.all((results == value) | (np.isnan(results) & np.isnan(value)), axis=0)

    error = _finite(by, value, results, rate)
    error = error + np.where(exact & (given | (value == 0)), 0.0, tiny * (np.abs(value) < 2 * by.compute.normal))
    infinite = np.isinf(value)
    error = np.where(infinite & (given | pole), np.where(agreed, 0.0, np.inf), error)
    grown = infinite & ~given & ~pole
    error = np.where(grown, _beyond(by, value, results, rate) if grown.any() else 0.0, error)
    error = np.where(np.isnan(value), np.where(agreed, 0.0, np.inf), error)
    return np.where(np.isnan(value) & undefined, 0.0, np.where(free, np.inf, error))


def _at_every_point(rule: Elementwise, by: Arithmetic, parts: list[tuple[Array, Array]]) -> Array:
    """The results at all combinations of the operands' points, along the first axis; of an exact operand there is one."""
    axes = [np.stack(points(v, e, by)) if np.count_nonzero(e) else v[None] for v, e in parts]
    if len(axes) == 2:
        axes = [axes[0][:, None], axes[1][None]]
    results = np.asarray(rule.function(*axes))
    return results.reshape(-1, results.shape[-1])


def _finite(by: Arithmetic, value: Array, results: Array, rate: float) -> Array:
    """Errors around finite values: the farthest finite result; an infinite one must lie on the ball's own side of overflow."""
    distance = np.where(np.isfinite(results), np.abs(results - value), 0.0)
    spread = np.max(distance, axis=0) * (1 + 2.0**-50)
    error = spread + rate * (np.abs(value) + spread)
    up, down, lost = (np.asarray(np.any(mask, axis=0)) for mask in (results == np.inf, results == -np.inf, np.isnan(results)))
    return unless_free(by, value, error, up, down, lost)


def unless_free(by: Arithmetic, value: Array, error: Array, up: Mask, down: Mask, lost: Mask) -> Array:
    """The error, or inf where the subject may hold an infinity (up, down) that the ball does not reach, or NaN (lost)."""
    high, low = value + error >= by.compute.overflow, value - error <= -by.compute.overflow
    return np.where(lost | (up & ~high) | (down & ~low) | (high & low) | ~np.isfinite(error), np.inf, error)


def _beyond(by: Arithmetic, value: Array, results: Array, rate: float) -> Array:
    """Errors around a value beyond float64 itself, measured from the compute format's largest number."""
    huge = by.compute.huge
    least = np.min(np.sign(value) * np.where(np.isnan(results), -np.inf, results), axis=0)
    error = np.maximum(huge - least, 0.0) + (rate + 2 * by.unit) * huge
    return np.where(error < huge, error, np.inf)
