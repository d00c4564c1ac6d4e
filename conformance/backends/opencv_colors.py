"""The arithmetic of OpenCV's colour conversions: fixed point, tables, splines (color_*.cpp of 5.0; what is not read there is measured)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from oracles.bounded import FLOAT64, TABLE, Accuracy

EPSILON = 2.0**-23
LUMA = (0.299, 0.587, 0.114)
TO_XYZ = (0.412453, 0.357580, 0.180423, 0.212671, 0.715160, 0.072169, 0.019334, 0.119193, 0.950227)
TO_RGB = (3.240479, -1.537150, -0.498535, -0.969256, 1.875991, 0.041556, 0.055648, -0.204043, 1.057311)
WHITE = (0.950456, 1.0, 1.088754)
TO_WHITE = tuple(c / WHITE[i // 3] for i, c in enumerate(TO_XYZ))
FROM_WHITE = tuple(c * WHITE[i % 3] for i, c in enumerate(TO_RGB))


def fixed(bits: int, *constants: float) -> dict[float, float]:
    """Constants rounded to nearest in units of 2⁻ᵇⁱᵗˢ."""
    return {sign * c: sign * float(np.rint(c * 2.0**bits)) / 2.0**bits for c in constants for sign in (1.0, -1.0)}


def margin(most: float, *steps: tuple[float, float]) -> Callable[[Any], Any]:
    """A margin that is smaller from some values on: (value, margin) in ascending order."""

    def of(x: Any) -> Any:
        found = np.full(np.shape(x), most)
        for start, less in steps:
            found = np.where(x >= start, less, found)
        return found

    return of


EXACT = {"compute": FLOAT64, "accumulate": FLOAT64}  # sums of integers
SINGLE = {**EXACT, "accuracy": {**TABLE, "power": Accuracy(2.0**29)}}  # tables are computed in single precision
GRAY = {0.299: 9798 / 2**15, 0.587: 19235 / 2**15, 0.114: 3735 / 2**15}  # they add up to one
# Functions are cubic splines through 1024 cells, off most in the cell of their kink (measured: 7.8e-5, 3.5e-5, 2.3e-7).
SHOWN = margin(8e-5, (0.0612, 6e-6), (0.0998, 2e-7))
ROOT = margin(4e-5, (0.2154, 1.3e-5), (0.2715, 2e-7))
LIGHT = margin(3e-7)
STEP = 2.0**-14  # of the integer inverses; they cut off where they do not round

TO_LAB = {
    "stand_ins": {**fixed(12, *TO_WHITE), 116 * 255 / 100: 296.0, 16 * 255 / 100: 1336934 / 2**15},
    "grids": {"light": 1 / 2040, "tristimulus": 1 / 2040, "root": 2.0**-15},
}
FROM_LAB = {
    "stand_ins": fixed(12, *FROM_WHITE),
    "grids": {"luminance": STEP, "root": STEP, "linear": 2.0**-12},
    "margins": {
        "luminance": margin(1e-7),
        "root": margin(1e-7),
        "a": margin(STEP),
        "b": margin(1.8 * STEP),
        "tristimulus": margin(2.5 * STEP),
    },
}
FROM_LUV = {
    "stand_ins": fixed(12, *TO_RGB),
    "grids": {"luminance": STEP, "nine u": 2.0**-4, "quarter of v": 2.0**-24, "linear": 2.0**-12},
    "margins": {
        "luminance": margin(1e-7),
        "nine u": lambda x: 4 * EPSILON * (np.abs(x) + 134),
        "quarter of v": lambda x: 4 * EPSILON * np.abs(x) * (1 + 140 * np.abs(x)),
        "tristimulus": lambda x: 3 * STEP + 2.0**-16 * np.abs(x),
    },
}

FIXED = {  # bytes and 16 bits
    "cvtColor_BGR2GRAY": GRAY,
    "cvtColor_BGR2YCrCb": fixed(14, *LUMA, 0.713, 0.564, 0.877, 0.492),
    "cvtColor_YCrCb2BGR": fixed(14, 1.403, 0.714, 0.344, 1.773, 1.140, 0.581, 0.395, 2.032),
    "cvtColor_BGR2XYZ": fixed(12, *TO_XYZ),
    "cvtColor_XYZ2BGR": fixed(12, *TO_RGB),
}
COLORS: Mapping[str, Mapping[str, Any]] = {  # by the operation's id and the dtype; what is not here is single precision
    **{f"{name}-uint{bits}": {**EXACT, "stand_ins": constants} for name, constants in FIXED.items() for bits in (8, 16)},
    "cvtColor_BGR2HSV-uint8": {**EXACT, "grids": {"quotient": 2.0**-12}},
    "cvtColor_BGR2HSV-float32": {"margins": {"divisor": margin(EPSILON)}},  # it is added to divisors
    "cvtColor_BGR2HLS-float32": {"margins": {"gray": margin(EPSILON)}},  # less is none
    "cvtColor_BGR2Lab-uint8": {**SINGLE, **TO_LAB},
    "cvtColor_BGR2Lab-float32": {"margins": {"root": ROOT}},
    "cvtColor_Lab2BGR-uint8": {**SINGLE, **FROM_LAB},
    "cvtColor_Lab2BGR-float32": {"margins": {"shown": SHOWN}},
    "cvtColor_BGR2Luv-uint8": {"margins": {"root": ROOT}},
    "cvtColor_BGR2Luv-float32": {"margins": {"root": ROOT, "light": LIGHT, "divisor": margin(EPSILON)}},
    "cvtColor_Luv2BGR-uint8": {**SINGLE, **FROM_LUV},
    "cvtColor_Luv2BGR-float32": {"margins": {"shown": SHOWN}},
}
