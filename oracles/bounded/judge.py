"""Judgement of a subject's numbers by balls. Rounding to storage is monotone, so the rounded ends of a ball are rigorous and sharp."""

from __future__ import annotations

from typing import Any

import numpy as np

from .ball import Bounded
from .formats import Array, Format, Integers, Mask
from .sets import Between


def numbers(y: Any) -> Array:
    """What a subject returned, as float64."""
    return np.asarray(y).astype(np.float64)


def limits(x: Bounded) -> tuple[Array, Array]:
    """The least and the greatest accepted number."""
    storage = x.by.storage
    if isinstance(storage, Integers):
        between = saturated(x, storage)
        return between.low, between.high
    with np.errstate(all="ignore"):
        low, high = ends(x)
        least = storage.nearest(low)
        return least, least if high is low else storage.nearest(high)


def ends(x: Bounded) -> tuple[Array, Array]:
    """Both ends of the balls, outward by one float64 spacing where there is an error; beyond float64, from the largest number."""
    if x.calm and x.is_exact:
        return x.value, x.value
    if x.calm:
        inexact = x.error > 0
        low, high = np.nextafter(x.value - x.error, -np.inf), np.nextafter(x.value + x.error, np.inf)
        return np.where(inexact, low, x.value), np.where(inexact, high, x.value)
    huge = x.by.compute.huge
    beyond = np.isinf(x.value) & (x.error > 0)
    base = np.where(beyond, np.copysign(huge, x.value), x.value)
    low, high = base - x.error, base + x.error
    low = np.where(x.error > 0, np.nextafter(low, -np.inf), x.value)
    high = np.where(x.error > 0, np.nextafter(high, np.inf), x.value)
    low = np.where(beyond & (x.value < 0), -np.inf, low)
    high = np.where(beyond & (x.value > 0), np.inf, high)
    free = np.isinf(x.error)
    return np.where(free, -np.inf, low), np.where(free, np.inf, high)


def accepts(x: Bounded, y: Any) -> Mask:
    """Which elements some honest subject could have returned."""
    y = numbers(y)
    low, high = x.limits()
    inside = np.asarray((low <= y) & (y <= high))
    return inside if x.calm else np.asarray(inside | x.free | (np.isnan(x.value) & np.isnan(y)))


def used(x: Bounded, y: Any) -> Array:
    """Share of error and storage rounding that was used."""
    y, storage = numbers(y), x.by.storage
    equal = (y == x.value) | (np.isnan(y) & np.isnan(x.value))
    if np.count_nonzero(equal) == x.size:
        return np.zeros(x.shape)
    with np.errstate(all="ignore"):
        grain = 0.5 if isinstance(storage, Integers) else storage.unit * np.abs(x.value) + storage.tiny
        share = np.abs(y - x.value) / (x.error + np.where(storage.represents(x.value), 0.0, grain))
    share = np.where(np.isnan(share), 0.0, np.minimum(share, 1.0))
    return np.where(x.free | equal, 0.0, np.where(accepts(x, y), share, np.inf))


def digits(number: float, storage: Format | Integers) -> str:
    """A number with as many digits as its format distinguishes."""
    if isinstance(storage, Integers):
        return f"{number:.6g}"
    plain = repr(float(number))
    short = f"{number:.{int(np.ceil(1 + storage.precision * 0.30103))}g}"
    return plain if len(plain) <= len(short) else short


def describe(x: Bounded, index: Any = ()) -> str:
    """One element in words."""
    value, error, storage = float(x.value[index]), float(x.error[index]), x.by.storage
    if np.isinf(error):
        return "anything (overflow)"
    low, high = (float(end[index]) for end in x.limits())
    if error == 0:
        given = digits(value, storage)
        return f"{given}, exactly" if low == value or np.isnan(value) else f"{value!r} rounded to {_range(low, high, storage)}"
    return f"{digits(value, storage)} ± {error:.2g} (accepted: {_range(low, high, storage)})"


def _range(low: float, high: float, storage: Format | Integers) -> str:
    return digits(low, storage) if low == high else f"{digits(low, storage)} … {digits(high, storage)}"


def saturated(x: Bounded, storage: Integers, ties: str = "either") -> Between:
    """The integers to which a value of the ball may be rounded (to nearest) and clipped.

    A tie inside an interval, or at its end, admits both neighbours; `ties` decides only where the value is exact.
    """
    if ties not in ("either", "even", "up"):
        raise ValueError(f"ties are rounded to even, up or either, not {ties!r}")
    free = x.free | np.isnan(x.value)
    with np.errstate(all="ignore"):
        low, high = ends(x)
        least, most = np.ceil(low - 0.5), np.floor(high + 0.5)
        if ties != "either":
            decided = np.rint(x.value) if ties == "even" else np.floor(x.value + 0.5)
            least, most = np.where(x.error == 0, decided, least), np.where(x.error == 0, decided, most)
        least, most = (np.clip(end, storage.lowest, storage.highest) for end in (least, most))
    return Between(np.where(free, storage.lowest, least), np.where(free, storage.highest, most), free)
