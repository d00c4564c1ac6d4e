"""Quantities that a subject keeps in a table, or in fixed point, as its arithmetic declares by their names."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import ORACLE
from .ball import Bounded, ball


def kept(x: Any, name: str) -> Any:
    """The quantity as the subject has it: with the margin, then to nearest on the grid, that are declared for it; either way at a tie.

    Plain arrays, and quantities of which nothing is declared, stay as they are.
    """
    if not isinstance(x, Bounded):
        return x
    margin, step = x.by.margins.get(name), x.by.grids.get(name)
    if margin is not None:
        with np.errstate(all="ignore"):
            reach = np.maximum(margin(x.value - x.error), margin(x.value + x.error))
            x = ball(x.value, np.where(np.isfinite(x.error), x.error + reach, x.error), x.by)
    if step is None:
        return x
    with np.errstate(all="ignore"):
        low, high = (np.asarray(end) for end in ((x.value - x.error) / step, (x.value + x.error) / step))
        least, most = np.ceil(low - 0.5 - ORACLE * np.abs(low)), np.floor(high + 0.5 + ORACLE * np.abs(high))
        value = (least + most) / 2 * step
        error = (most - least) / 2 * step + (0.0 if np.frexp(step)[0] == 0.5 else ORACLE * np.abs(value))
    return ball(np.where(np.isfinite(x.error), value, x.value), np.where(np.isfinite(x.error), error, np.inf), x.by)


def _rounded(x: Bounded, half: float) -> Bounded:
    """Each number rounded to nearest on a grid of the step 2·half, a power of two; what lies on it stays."""
    units = x.value / (2 * half)
    return ball(x.value, np.where((x.error == 0) & (units == np.rint(units)), 0.0, x.error + half), x.by)


def fixed(x: Any) -> Any:
    """Weights as a fixed-point subject holds them, each rounded to nearest in `constant_bits`; others and plain arrays stay."""
    if not isinstance(x, Bounded) or x.by.constant_bits is None:
        return x
    return _rounded(x, 2.0 ** -(x.by.constant_bits + 1))


def tabulated(weights: Any) -> Any:
    """Weights as a subject keeps them: rounded to nearest integers of one scale, if it keeps integers; plain arrays stay.

    The scale is 2^(table_bits − ⌊log₂ of the largest weight⌋), at most 2²², so that products with bytes add up in 32 bits.
    """
    if not isinstance(weights, Bounded) or weights.by.table_bits is None or not weights.size:
        return weights
    largest = np.max(weights.value + weights.error) * (1 + 2.0 ** -(weights.by.table_bits + 1))
    return _rounded(weights, 2.0 ** -(min(weights.by.table_bits + 1 - int(np.frexp(largest)[1]), 22) + 1))


def truncated(x: Any) -> Any:
    """A result from which a fixed-point subject may have cut off so much; others and plain arrays stay."""
    if not isinstance(x, Bounded) or not x.by.truncated:
        return x
    half = x.by.truncated / 2
    return ball(x.value - half, x.error + half, x.by)


def limited(x: Any, lowest: float, highest: float) -> Any:
    """Where nothing is known of a ball: what lies between two numbers."""
    if not isinstance(x, Bounded) or not x.free.any():
        return x
    middle, half = (lowest + highest) / 2, (highest - lowest) / 2
    return ball(np.where(x.free, middle, x.value), np.where(x.free, half, x.error), x.by)


def anything_where(mask: Any, x: Any) -> Any:
    """The same, with nothing known where the mask is true: the documentation says nothing there."""
    if not isinstance(x, Bounded) or not np.any(mask):
        return x
    return ball(np.where(mask, 0.0, x.value), np.where(mask, np.inf, x.error), x.by)
