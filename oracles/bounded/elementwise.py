"""Rules of the elementary operations: how each spreads the errors of its operands, and how it rounds.

A rule is a NumPy function, its spread (a bound on |f(x̂) − f(x)| over the operands' balls), where its result is exact, and whether it
can underflow. The accuracy comes from the arithmetic's table. Source: Higham, ASNA 2nd ed., sections 2.2 (the model), 3.3 (running errors).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arithmetic import ORACLE, ZERO, Arithmetic
from .ball import FUNCTIONS, UFUNCS, Bounded, all_below, ball, exact, together
from .exactness import exact_at, exact_power, exact_power_of_two, exact_product, exact_quotient, exact_root, exact_sum
from .formats import Array, Mask
from .overflow import repaired

Spread = Callable[..., Array]

GROWTH = np.array(1 + 2.0**-50)
NEVER_ROUNDED = (ZERO, ZERO, ZERO)


@dataclass(frozen=True)
class Elementwise:
    """One elementary operation; `name` is its row in the accuracy table, or "" if it never rounds."""

    function: Callable[..., Any]
    name: str
    spread: Spread
    exact: Callable[..., Mask | None] | None = None
    underflows: bool = True
    pole: Callable[..., Mask] | None = None

    def __call__(self, *operands: Any, **options: Any) -> Bounded:
        if options:
            raise TypeError(f"{self.name}: no rule for the options {', '.join(options)}")
        xs, by = together(operands)
        with np.errstate(all="ignore"):
            if by.flush and self.name:
                xs = [flushed(x) for x in xs]
            return self._of(xs, by)

    def _of(self, xs: list[Bounded], by: Arithmetic) -> Bounded:
        value = np.asarray(self.function(*[x.value for x in xs]))
        size, known = np.abs(value), all(x.is_exact for x in xs)
        rate, absolute, below = by.rate(self.name) if self.name else NEVER_ROUNDED
        if self.name == "multiply" and by.constant_bits is not None and any(x.grain >= 1 for x in xs):
            rate = np.array(ORACLE)  # fixed point: an integer times a constant of so many bits
        settled = self.exact(by, value, *xs) if known and rate and self.exact else None
        if known and (not rate or (settled is not None and np.count_nonzero(settled) == value.size)):
            if all_below(size, by.edges[1]) and all(x.calm for x in xs):
                return ball(value, np.zeros(value.shape), by, exact=True, calm=True)
            return ball(value, repaired(self, by, value, np.zeros(value.shape), xs, (rate, below)), by)
        error = rate * size
        if not known:
            spread = self.spread(value, *xs)
            error = spread * (rate + GROWTH) + error
            still = spread == ZERO
            if self.exact and rate and np.count_nonzero(still):
                settled = self.exact(by, value, *xs)
                settled = None if settled is None else settled & still
        if absolute:
            error = error + absolute
        if rate and below and (self.underflows or by.rounds_always):
            small = size < by.edges[0]
            if np.count_nonzero(small):
                error = error + small * below
        if settled is not None:
            error = np.where(settled, ZERO, error)
        if all_below(size + error, by.edges[1]) and all(x.calm for x in xs):
            return ball(value, error, by, calm=True)
        return ball(value, repaired(self, by, value, error, xs, (rate, below)), by)


def flushed(x: Bounded) -> Bounded:
    """An operand as a flushing subject may read it: subnormal numbers as they are, or as zero."""
    top = np.abs(x.value) + x.error
    low = np.abs(x.value) - x.error < x.by.compute.normal
    return ball(x.value, np.where(low & (top > 0), x.error + np.minimum(top, x.by.compute.normal), x.error), x.by)


def as_input(x: Any, by: Arithmetic) -> Bounded:
    """An input as the subject may read it: these very numbers, subnormal ones as zero where it does so."""
    return flushed(exact(x, by)) if by.reads_zero else exact(x, by)


def ends(x: Bounded) -> tuple[Array, Array]:
    """Both ends of the balls, rounded outward (an end of an exact value is the value)."""
    reach = np.where(x.error > 0, x.error + 2.0**-52 * np.abs(x.value), 0.0)
    return x.value - reach, x.value + reach


# How errors spread.


def spread_sum(value: Array, x: Bounded, y: Bounded) -> Array:
    return x.error + y.error


def spread_product(value: Array, x: Bounded, y: Bounded) -> Array:
    if x.is_exact:
        return np.abs(x.value) * y.error
    if y.is_exact:
        return np.abs(y.value) * x.error
    return np.abs(x.value) * y.error + (np.abs(y.value) + y.error) * x.error


def spread_quotient(value: Array, x: Bounded, y: Bounded) -> Array:
    if y.is_exact:
        return np.where(y.value == 0, np.inf, x.error / np.abs(y.value))
    room = np.abs(y.value) - y.error * (1 + 2.0**-50)
    size = np.abs(value) + (x.value != 0) * 2.0**-1074  # a quotient that underflows in float64 is rounded too
    return np.where(room > 0, (x.error + size * y.error) / (room * (1 - 2.0**-50)), np.inf)


def spread_reciprocal(value: Array, x: Bounded) -> Array:
    room = np.abs(x.value) - x.error * (1 + 2.0**-50)
    return np.where(room > 0, np.abs(value) * x.error / (room * (1 - 2.0**-50)), np.where(x.error > 0, np.inf, 0.0))


def spread_larger(function: Callable[..., Array]) -> Spread:
    """maximum, minimum: the chosen operand's error, or the change of the interval's ends where either may be chosen."""

    def spread(value: Array, x: Bounded, y: Bounded) -> Array:
        clear, both = np.where(value == x.value, x.error, y.error), x.error + y.error
        near = np.abs(x.value - y.value) <= both * GROWTH
        if not np.count_nonzero(near):
            return clear
        high = function(x.value + x.error, y.value + y.error) - value
        low = value - function(x.value - x.error, y.value - y.error)
        straddle = np.maximum(high, low) + 2.0**-52 * np.abs(value)
        return np.where(near, np.where(both > 0, straddle, 0.0), clear)

    return spread


def monotone(function: Callable[[Array], Array]) -> Spread:
    """Monotone functions: the values at the ends; NumPy's own rounding of the three values is added."""

    def spread(value: Array, x: Bounded) -> Array:
        low, high = ends(x)
        far = np.maximum(np.abs(function(high) - value), np.abs(value - function(low)))
        return np.where(x.error > 0, far + 2.0**-51 * np.abs(value), 0.0)

    return spread


def steps(function: Callable[[Array], Array]) -> Spread:
    def spread(value: Array, x: Bounded) -> Array:
        low, high = ends(x)
        return np.maximum(function(high) - value, value - function(low))

    return spread


def spread_power(value: Array, x: Bounded, y: Bounded) -> Array:
    """The four corners, and 0 if the base may be 0; a base of doubtful sign with a fractional exponent gives NaN, hence inf."""
    corners = [np.abs(np.power(a, b) - value) for a in ends(x) for b in ends(y)]
    far = np.maximum.reduce(np.broadcast_arrays(*corners))
    origin = np.abs(np.power(0.0, y.value) - value)
    far = np.where((np.abs(x.value) <= x.error) & (x.error > 0), np.maximum(far, origin), far)
    return np.where(x.error + y.error > 0, far + 2.0**-51 * np.abs(value), 0.0)


def same(value: Array, x: Bounded) -> Array:
    return x.error


def _two(value: Array, x: Bounded) -> Array:
    return np.minimum(x.error, 2.0)


def _square(value: Array, x: Bounded) -> Array:
    return (2 * np.abs(x.value) + x.error) * x.error


STEEPEST, TALLEST = 1.3705, 1.2173  # of sinc: its largest slope, and how far apart two of its values are


def _sinc(x: Any) -> Array:
    """sin(πx) / (πx) from the distance to the nearest whole number, so that it is 0 at whole numbers."""
    whole = np.rint(x)
    sine = np.where(whole % 2 == 0, 1.0, -1.0) * np.sin(np.pi * (x - whole))
    return np.asarray(np.where(x == 0, 1.0, sine / (np.pi * np.where(x == 0, 1.0, x))))


def _at_most_steep(value: Array, x: Bounded) -> Array:
    return np.minimum(STEEPEST * x.error, TALLEST)


def _zero(*values: Array) -> Mask:
    return np.asarray(values[-1] == 0)


_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)


def _error_function(x: Any) -> Array:
    return np.asarray(_erf(x), dtype=np.float64)


def _complement(x: Any) -> Array:
    return np.asarray(_erfc(x), dtype=np.float64)


def _function(ufunc: Any, name: str, exact: Any = None, pole: Any = None, underflows: bool = True) -> Elementwise:
    return Elementwise(ufunc, name, monotone(ufunc), exact, underflows, pole)


RULE_ERF = _function(_error_function, "erf", exact_at(0.0, "erf"))
RULE_ERFC = _function(_complement, "erfc", exact_at(0.0, "erfc"))


def erf(x: Any) -> Any:
    """The error function 2/√π ∫₀ˣ exp(−t²) dt, which NumPy does not have; arrays and balls."""
    return RULE_ERF(x) if isinstance(x, Bounded) else _error_function(x)


def erfc(x: Any) -> Any:
    """1 − erf(x) without cancellation; arrays and balls."""
    return RULE_ERFC(x) if isinstance(x, Bounded) else _complement(x)


MAXIMUM = Elementwise(np.maximum, "", spread_larger(np.maximum))
MINIMUM = Elementwise(np.minimum, "", spread_larger(np.minimum))
DIVIDE = Elementwise(np.divide, "divide", spread_quotient, exact_quotient, pole=_zero)
SQUARE = Elementwise(np.square, "square", _square, exact_product)
POWER = Elementwise(np.power, "power", spread_power, exact_power, pole=lambda x, y: (x == 0) & (y < 0))


def power(x: Any, y: Any, **options: Any) -> Bounded:
    """x ** y; a square is a product."""
    return SQUARE(x, **options) if isinstance(y, int | float) and y == 2 else POWER(x, y, **options)


_RULES: dict[Any, Callable[..., Any]] = {
    np.add: Elementwise(np.add, "add", spread_sum, exact_sum, underflows=False),
    np.subtract: Elementwise(np.subtract, "subtract", spread_sum, exact_sum, underflows=False),
    np.multiply: Elementwise(np.multiply, "multiply", spread_product, exact_product),
    np.divide: DIVIDE,
    np.reciprocal: Elementwise(np.reciprocal, "reciprocal", spread_reciprocal, exact_quotient, pole=_zero),
    np.square: SQUARE,
    np.power: power,
    np.float_power: power,
    np.maximum: MAXIMUM,
    np.minimum: MINIMUM,
    np.negative: Elementwise(np.negative, "", same),
    np.positive: Elementwise(np.positive, "", same),
    np.absolute: Elementwise(np.absolute, "", same),
    np.fabs: Elementwise(np.absolute, "", same),
    np.sin: Elementwise(np.sin, "sin", _two, exact_at(0.0, "sin")),
    np.cos: Elementwise(np.cos, "cos", _two, exact_at(0.0, "cos")),
    np.sqrt: _function(np.sqrt, "sqrt", exact_root, underflows=False),
    np.exp: _function(np.exp, "exp", exact_at(0.0, "exp")),
    np.exp2: _function(np.exp2, "exp2", exact_power_of_two("exp2", of_result=True)),
    np.expm1: _function(np.expm1, "expm1", exact_at(0.0, "expm1")),
    np.log: _function(np.log, "log", exact_at(1.0, "log"), _zero),
    np.log2: _function(np.log2, "log2", exact_power_of_two("log2", of_result=False), _zero),
    np.log1p: _function(np.log1p, "log1p", exact_at(0.0, "log1p"), lambda x: x == -1),
    np.tanh: _function(np.tanh, "tanh", exact_at(0.0, "tanh")),
    np.arctan: _function(np.arctan, "atan", exact_at(0.0, "atan")),
    **{f: Elementwise(f, "", steps(f)) for f in (np.floor, np.ceil, np.rint, np.trunc, np.sign)},
}
UFUNCS.update(_RULES)
FUNCTIONS[np.sinc] = Elementwise(_sinc, "sinc", _at_most_steep, _zero)  # 1 at 0 by definition
