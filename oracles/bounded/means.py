"""Means whose weights are balls: what is wrong with a weight moves the mean by no more than the data differ from each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .arithmetic import ORACLE
from .ball import Bounded, ball, bounded, exact


def weighted_mean(x: Any, weights: Any) -> Any:
    """Σ w·x / Σ w over the last axis, of weights that are not negative; plain arrays and balls.

    With weights w + δ, |δ| ≤ e, about the mean m of the weights w it is m + Σ δ·(x − m) / Σ (w + δ), since Σ w·(x − m) = 0. A sum of n
    products errs by n·u·Σ w·|x|, one of n weights by (n − 1)·u·Σ w, in any order (Jeannerod & Rump 2013), and the quotient is rounded.

    x (…, n) exact, weights broadcast with it → (…)
    """
    if not isinstance(x, Bounded):
        return np.sum(weights * x, axis=-1) / np.sum(weights, axis=-1)
    by, w = x.by, bounded(weights, x.by)
    with np.errstate(all="ignore"):
        value = np.sum(w.value * x.value, axis=-1) / np.sum(w.value, axis=-1)
        least = np.sum(w.value - w.error, axis=-1)
        moved = np.sum(w.error * np.abs(x.value - value[..., None]), axis=-1) / least
        size = np.sum((w.value + w.error) * np.abs(x.value), axis=-1) / least
        terms = float(x.shape[-1])
        rate, _, below = by.rate("divide")
        relative = ((2 * terms - 1) * by.accumulate_unit + rate) * (1 + 2.0**-10) + 4 * terms * ORACLE
        lost = terms * by.accumulate.tiny / least + below
        error = (moved + size * relative) * (1 + 2.0**-40) + np.where(size > 0, lost, 0.0)
        known = (least > 0) & (least * size * (1 + 2.0**-10) < min(by.accumulate.overflow, by.compute.overflow))
    return ball(np.where(known, value, 0.0), np.where(known, error, np.inf), by)


def interpolated(function: Callable[[Any], Any], x: Any, span: float, curvature: float) -> Any:
    """A decreasing function of x ≥ 0 as a subject has it that keeps a table of `steps` steps over a span, straight lines between them.

    A line is off by h²/8 times the curvature |f″|, the step h = span / steps, and lies between the values a step before and a step after;
    its place in the table is rounded three times. Plain arrays, and subjects without a table, have the function itself.
    """
    if not isinstance(x, Bounded) or x.by.steps is None:
        return function(x)
    by, step, rounding = x.by, span / x.by.steps, 3 * x.by.unit
    with np.errstate(all="ignore"):
        placed = ball(x.value, x.error + rounding * (x.value + x.error) * (1 + 2.0**-20), by)
        y, reach = function(placed), placed.error + step
        before, after = function(exact(np.maximum(x.value - reach, 0), by)), function(exact(x.value + reach, by))
        between = np.maximum(before.value + before.error - y.value, y.value - after.value + after.error)
        line = curvature * step * (step / 8 + rounding * (x.value + x.error)) * (1 + 2.0**-20)
        return ball(y.value, y.error + np.where(x.value + x.error > 0, np.minimum(line, between), 0.0), by)
