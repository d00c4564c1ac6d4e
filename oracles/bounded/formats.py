"""The number formats in which a subject computes and stores.

Values are always held in float64; a `Format` says which of them exist and how the others are rounded.
Source: IEEE 754-2019; Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., section 2.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_NATIVE: dict[str, Any] = {"float16": np.float16, "float32": np.float32}


@dataclass(frozen=True)
class Format:
    """Binary floating-point numbers ±m · 2^(e − precision + 1) with m < 2^precision and emin ≤ e ≤ emax."""

    name: str
    precision: int
    emin: int
    emax: int

    @cached_property
    def unit(self) -> float:
        """The unit roundoff u = 2^−p: the largest relative error of one rounding to nearest."""
        return 2.0**-self.precision

    @cached_property
    def normal(self) -> float:
        """The least positive normal number."""
        return 2.0**self.emin

    @cached_property
    def tiny(self) -> float:
        """The least positive (subnormal) number, and the spacing of all subnormal ones."""
        return 2.0 ** (self.emin - self.precision + 1)

    @cached_property
    def huge(self) -> float:
        """The largest finite number."""
        return (2.0 - 2.0 ** (1 - self.precision)) * 2.0**self.emax

    @cached_property
    def overflow(self) -> float:
        """What is at least this large may round to infinity: huge and half a spacing (in float64: huge itself)."""
        return self.huge if self.precision == 53 else self.huge + 2.0 ** (self.emax - self.precision)

    def round(self, x: Array) -> Array:
        """Round to nearest, ties to even, what is too large to infinity; float64 in, float64 out."""
        with np.errstate(all="ignore"):
            return self.nearest(np.asarray(x, dtype=np.float64))

    def represents(self, x: Array) -> Mask:
        """Which elements are numbers of this format (infinities are, NaN is)."""
        with np.errstate(all="ignore"):
            return self.holds(np.asarray(x, dtype=np.float64))

    # The same where NumPy's warnings are off already.

    def nearest(self, x: Array) -> Array:
        """`round`, of float64 arrays."""
        if self.precision == 53:
            return x
        if self._native is not None:
            return x.astype(self._native).astype(np.float64)
        return self._nearest_by_bits(x)

    def holds(self, x: Array) -> Mask:
        """`represents`, of float64 arrays."""
        if self.precision == 53:
            return np.ones(x.shape, dtype=bool)
        return np.asarray((self.nearest(x) == x) | np.isnan(x))

    @cached_property
    def _native(self) -> Any:
        return _NATIVE.get(self.name)

    def _nearest_by_bits(self, x: Array) -> Array:
        """Half of the last kept bit is added to the bits, less one where that bit is 0: a carry goes on into the exponent."""
        cut, size = 53 - self.precision, np.abs(x)
        bits = x.view(np.int64)
        nearest = np.asarray((bits + ((bits >> cut & 1) + ((1 << cut - 1) - 1))) >> cut << cut).view(np.float64)
        small = size < self.normal
        if np.count_nonzero(small):  # the spacing no longer shrinks: adding 1.5 · 2⁵² spacings rounds to it
            shift = 1.5 * 2.0**52 * self.tiny
            nearest = np.where(small, np.copysign((size + shift) - shift, x), nearest)
        if np.count_nonzero(size < self.huge) < x.size:
            nearest = np.where(np.abs(nearest) > self.huge, np.copysign(np.inf, x), nearest)
            nearest = np.where(np.isfinite(x), nearest, x)
        return nearest


@dataclass(frozen=True)
class Integers:
    """The integers lowest … highest, as a storage format of libraries that round to nearest and saturate."""

    name: str
    lowest: int
    highest: int

    @property
    def huge(self) -> float:
        """The largest of them."""
        return float(self.highest)

    def round(self, x: Array) -> Array:
        """Round to the nearest integer, ties to even, then clip to the range; float64 in, float64 out."""
        return np.clip(np.rint(np.asarray(x, dtype=np.float64)), self.lowest, self.highest)

    def represents(self, x: Array) -> Mask:
        """Which elements are integers in the range."""
        x = np.asarray(x, dtype=np.float64)
        return np.asarray(self.round(x) == x)


FLOAT64 = Format("float64", 53, -1022, 1023)
FLOAT32 = Format("float32", 24, -126, 127)
FLOAT16 = Format("float16", 11, -14, 15)
BFLOAT16 = Format("bfloat16", 8, -126, 127)
TF32 = Format("tf32", 11, -126, 127)

FORMATS: dict[str, Format] = {f.name: f for f in (FLOAT64, FLOAT32, FLOAT16, BFLOAT16, TF32)}
INTEGERS: dict[str, Integers] = {
    name: Integers(name, int(np.iinfo(name).min), int(np.iinfo(name).max))
    for name in ("uint8", "uint16", "int8", "int16", "int32", "int64")
}
