"""What a backend promises about its arithmetic: formats, orders of summation, accuracy of functions.

Every number here is a declared property of a subject, with its source or the word "measured"; none belongs to an operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from .formats import FLOAT32, FORMATS, INTEGERS, Array, Format, Integers

ORACLE = 2.0**-53
"""Unit roundoff of the oracle's own float64 arithmetic; it enters every bound beside the subject's."""


ZERO = np.array(0.0)
"""What meets many arrays, as an array without axes: NumPy takes that at once, and Python's numbers by a detour."""


@dataclass(frozen=True)
class Accuracy:
    """Largest error of an elementary function: `ulps` units in the last place, plus `absolute` unit roundoffs.

    `flush`: results below so many times the least normal number, at most twice, may be zero.
    """

    ulps: float
    absolute: float = 0.0
    flush: float = 0.0


@dataclass(frozen=True)
class Split:
    """Long sums of products in parts of at least `least` products: the sum of each is stored in a format, and they are added up in it."""

    storage: Format
    least: int


TABLE: dict[str, Accuracy] = {
    # IEEE 754: correctly rounded.
    **dict.fromkeys(("add", "subtract", "multiply", "square"), Accuracy(0.5)),
    # 1 ulp admits x · (1/y) for x / y; vector libraries' square root is not correctly rounded (0.749 measured in torch).
    **dict.fromkeys(("divide", "reciprocal", "sqrt"), Accuracy(1.0)),
    # SLEEF u10 functions 1.0 ulp (SLEEF reference); Intel VM, high accuracy, 1 ulp.
    **dict.fromkeys(("exp", "exp2", "expm1", "log", "log2", "log1p", "tanh", "sin", "cos", "atan", "power"), Accuracy(1.0)),
    "erf": Accuracy(1.0, 10.0),  # measured: torch's vectorised Abramowitz-Stegun 7.1.26, an absolute approximation
    "erfc": Accuracy(1.5),  # SLEEF u15
    # sin(πx) / (πx), a sine and a quotient of 1 ulp each; π and its product move it by 2u·|cos(πx) − sinc(x)|, at most 2.14 u.
    "sinc": Accuracy(2.0, 2.2),
}
"""Accuracy of each elementary operation, by NumPy's name of it; backends copy and override."""


def any_order(n: Any) -> Any:
    """Most additions that one of n terms passes through, whatever the order: n − 1 (n may be an array)."""
    return np.maximum(n - 1, 0)


def cascade(n: Any) -> Any:
    """Most additions that one of n terms passes through in a cascade sum of short blocks: 8 + ⌈log₂ n⌉ (measured in torch)."""
    return np.minimum(any_order(n), 8 + np.ceil(np.log2(np.maximum(n, 1))))


@dataclass(frozen=True)
class Arithmetic:
    """How a subject computes.

    storage        what its tensors hold (a `Format`, or `Integers` that saturate)
    compute        elementary operations
    accumulate     sums and sums of products
    operand        what the operands of sums of products are rounded to first, if anything (TF32)
    chopped        sums of products cut off what hangs over the largest term's last place, instead of rounding (see `products`)
    split          how sums of products may be split into parts that are stored, if they are
    flush          subnormal operands and results may become zero
    reads_zero     subnormal inputs may be read as zero, by maxima and comparisons too (x86's denormals-are-zero)
    depth          n ↦ most additions one term of an n-term sum passes through (sums; products are any-order always)
    accuracy       name of an elementary operation ↦ its `Accuracy`
    composite      every elementary operation is a kernel of its own, whose result is stored in `compute` (see `as_composite`)
    constant_bits  fixed-point subjects: fractional bits of a formula's constants; None for floating-point constants
    stand_ins      constant of a formula ↦ the number that the subject has in its place, exactly
    grids          name of a quantity ↦ the step of the grid on which a table or fixed point keeps it (see `kept`)
    margins        name of a quantity ↦ how far off the subject may have it, as a function of its value (see `kept`)
    table_bits     subjects that keep weights as integers: fractional bits of a table whose largest weight is 1 (see `tabulated`)
    steps          subjects that read a function off a table, with straight lines between: how many steps it has (see `interpolated`)
    truncated      fixed-point subjects: how much, at most, is cut off from a result before it is rounded
    weights        fixed-point subjects: how they round weights that add up to one; None where each is rounded by itself
    """

    storage: Format | Integers
    compute: Format
    accumulate: Format
    operand: Format | None = None
    chopped: bool = False
    split: Split | None = None
    flush: bool = False
    reads_zero: bool = False
    depth: Callable[[Any], Any] = any_order
    accuracy: Mapping[str, Accuracy] = field(default_factory=lambda: TABLE, hash=False)
    composite: bool = False
    constant_bits: int | None = None
    stand_ins: Mapping[float, float] = field(default_factory=dict, hash=False)
    grids: Mapping[str, float] = field(default_factory=dict, hash=False)
    margins: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict, hash=False)
    table_bits: int | None = None
    steps: int | None = None
    truncated: float = 0.0
    weights: Callable[[Array], Array] | None = None

    def but(self, **changes: Any) -> Arithmetic:
        """The same arithmetic with some properties changed."""
        return replace(self, **changes)

    def as_composite(self) -> Arithmetic:
        """The arithmetic of a chain of kernels that store each intermediate: compute and accumulate become the storage format."""
        if isinstance(self.storage, Integers):
            return self
        return self.but(compute=self.storage, accumulate=self.storage, composite=True)

    @cached_property
    def coarse(self) -> Arithmetic:
        """The same, with sums accumulated in a tensor of the storage format."""
        return self if isinstance(self.storage, Integers) else self.but(accumulate=self.storage)

    @cached_property
    def of_parts(self) -> Arithmetic:
        """The same, with the parts of a split sum added in the format that they are stored in."""
        return self if self.split is None else self.but(accumulate=self.split.storage, split=None)

    @cached_property
    def unit(self) -> float:
        """Unit roundoff of an elementary operation. A composite one may be rounded twice: to a wide format, then to storage."""
        return self.compute.unit * (1 + 2.0**-12) if self.composite else self.compute.unit

    @cached_property
    def accumulate_unit(self) -> float:
        """Unit roundoff of an addition within a sum."""
        return self.accumulate.unit * (1 + 2.0**-12) if self.composite else self.accumulate.unit

    @cached_property
    def rounds_always(self) -> float:
        """Absolute error of additions too, where results may be flushed, or stored on a grid coarser than their operands'."""
        if self.flush:
            return self.compute.normal
        return self.compute.tiny if self.composite else 0.0

    @cached_property
    def edges(self) -> tuple[Array, Array]:
        """Twice the least normal number, and what may overflow: of the compute format, as arrays without axes."""
        return np.array(2 * self.compute.normal), np.array(self.compute.overflow)

    @cached_property
    def _rates(self) -> dict[str, tuple[Array, Array, Array]]:
        return {}

    def rate(self, name: str) -> tuple[Array, Array, Array]:
        """Error of one operation, as arrays without axes.

        (relative with the oracle's rounding, absolute, absolute below twice the least normal)
        """
        if name not in self._rates:
            accuracy = self.accuracy[name]
            k = 2.0 * accuracy.ulps
            exact_below = name in ("add", "subtract") and k <= 1.0
            underflow = max(k, 1.0) * self.compute.tiny + (4 * 2.0**-1074 if self.compute.precision == 53 else 0.0)  # the oracle's own
            below = self.rounds_always if exact_below else max(underflow, self.rounds_always)
            below = max(below, accuracy.flush * self.compute.normal)
            relative = k * (self.unit + ORACLE)
            if self.constant_bits is not None and exact_below:
                relative = ORACLE  # fixed point: additions of integers are exact
            self._rates[name] = (np.array(relative), np.array(accuracy.absolute * self.unit), np.array(below))
        return self._rates[name]

    @cached_property
    def constants(self) -> dict[float, Any]:
        """A memory of the scalar constants met so far, kept by `constant`."""
        return {}


def ieee(name: str) -> Arithmetic:
    """The default arithmetic of a dtype: float32 inside for the short formats and for saturating integers."""
    if name in INTEGERS:
        return Arithmetic(INTEGERS[name], FLOAT32, FLOAT32)
    storage = FORMATS[name]
    inside = storage if storage.precision >= FLOAT32.precision else FLOAT32
    return Arithmetic(storage, inside, inside)
