"""Where elementary operations on exact operands are certainly exact in every subject, so that the error is 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .arithmetic import ZERO, Arithmetic
from .ball import Bounded
from .formats import FLOAT32, Array, Format, Mask


def certain(by: Arithmetic) -> Format:
    """The format whose numbers, as operands and result, make NumPy's float64 result certainly exact."""
    return FLOAT32 if by.compute.precision == 53 else by.compute


def representable(by: Arithmetic, value: Array) -> Mask:
    mask = certain(by).holds(value)
    return mask & ((np.abs(value) >= by.compute.normal) | (value == 0)) if by.flush else mask


def exact_sum(by: Arithmetic, value: Array, *xs: Bounded) -> Mask | None:
    if by.accuracy["add"].ulps > 0.5:
        return None
    mask = representable(by, value)
    return _operands(by, mask, xs)


def exact_product(by: Arithmetic, value: Array, *xs: Bounded) -> Mask | None:
    mask, nothing = _operands(by, representable(by, value), xs), value == ZERO
    if np.count_nonzero(nothing):
        for x in xs:
            mask = mask | ((x.value == ZERO) & (x.error == ZERO) & nothing)
    return mask


def exact_quotient(by: Arithmetic, value: Array, *xs: Bounded) -> Mask | None:
    """A quotient is exact for certain only if the divisor is a power of two (x · (1/y) is then exact too), or the numerator 0."""
    power = np.abs(np.frexp(xs[-1].value)[0]) == 0.5
    mask = _operands(by, representable(by, value) & power, xs)
    return mask | (value == 0) & (xs[0].value == 0) if len(xs) == 2 else mask


def _operands(by: Arithmetic, mask: Mask, xs: tuple[Bounded, ...]) -> Mask:
    """Arrays hold numbers of the format that is computed in; a single number, 0.1 say, need not be one of them."""
    if np.count_nonzero(mask):
        for x in xs:
            if by.compute.precision == 53 or x.value.ndim == 0:
                mask = mask & certain(by).holds(x.value)
    return mask


def exact_at(point: float, name: str) -> Callable[..., Mask | None]:
    """Functions whose value at one point is exact in C99, annex F (not if they are approximated: absolutely, or by several ulps)."""
    return lambda by, value, x: None if by.accuracy[name].absolute or by.accuracy[name].ulps > 2 else x.value == point


def exact_power_of_two(name: str, of_result: bool) -> Callable[..., Mask | None]:
    def mask(by: Arithmetic, value: Array, x: Bounded) -> Mask | None:
        whole, power = (x.value, value) if of_result else (value, x.value)
        settled: Mask = (np.abs(np.frexp(power)[0]) == 0.5) & (np.rint(whole) == whole) & representable(by, value)
        return settled if by.accuracy[name].ulps <= 1 else None

    return mask


def exact_root(by: Arithmetic, value: Array, x: Bounded) -> Mask | None:
    half = value.astype(np.float32).astype(np.float64)  # squares of these are exact in float64
    settled: Mask = (half == value) & (half * half == x.value) & representable(by, value)
    return settled if by.accuracy["sqrt"].ulps <= 1 else None


def exact_power(by: Arithmetic, value: Array, x: Bounded, y: Bounded) -> Mask | None:
    settled: Mask = (y.value == 0) | (x.value == 1) | ((y.value == 1) & representable(by, value))
    return settled
