"""OpenCV as it is installed: cv2 functions on NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from packaging.version import Version

from conformance.backends import screen
from conformance.backends.opencv_colors import COLORS
from conformance.layouts import LAYOUTS, lay_out
from conformance.model import Backend, Case, Operation, Results, cv2
from oracles.bounded import FLOAT32, FLOAT64, TABLE, Accuracy, Arithmetic, Format, ieee

SILENT = 0  # cv::utils::logging::LogLevel
AVX2 = 11  # cv::CpuFeatures, which Python has no names for

# Fractional bits of the constants of fixed-point kernels; each is off by less than one unit, so that they add up to one.
FRACTIONAL_BITS = {
    "resize_LINEAR-uint8": 11,  # INTER_RESIZE_COEF_BITS
    "resize_AREA_ZOOMED-uint8": 11,
    "resize_CUBIC-uint8": 11,
    "resize_LANCZOS4-uint8": 11,
    "resize_LINEAR_EXACT-uint8": 8,  # ufixedpoint16, ufixedpoint32, fixedpoint32
    "resize_LINEAR_EXACT-uint16": 16,
    "resize_LINEAR_EXACT-int16": 16,
    "Canny-uint8": 15,  # the tangent of 22.5°
}

# Whole numbers that IPP holds in float32 (measured), and OpenCV itself in integers.
FLOAT_WITH_IPP = ("Canny-uint8",)

# What is cut off: seven bits are kept between the passes, and two of each of the two products.
TRUNCATED = dict.fromkeys(("resize_LINEAR-uint8", "resize_AREA_ZOOMED-uint8"), 2.0**-7 + 2 * 2.0**-2)


def carried(bits: int) -> Callable[[np.ndarray], np.ndarray]:
    """Symmetric weights in units of 2⁻ᵇⁱᵗˢ, from the edge on each with the error of the one before it; the middle one is what is left."""

    def weights(kernel: np.ndarray) -> np.ndarray:
        units, error = kernel * 2.0**bits, 0.0
        for i in range(len(kernel) // 2):
            wanted = units[i] + error
            units[i] = units[-1 - i] = np.rint(wanted)
            error = wanted - units[i]
        units[len(kernel) // 2] = 2.0**bits - units[: len(kernel) // 2].sum() * 2
        return units / 2.0**bits

    return weights


# How kernels of weights are rounded, sums being exact: 8 and 16 bits (measured: bit-exact so).
FIXED_WEIGHTS = {"GaussianBlur-uint8": carried(8), "GaussianBlur-uint16": carried(16)}

# Sums of float32 images in double precision (measured: bit-exact so).
IN_DOUBLE = ("cv2.blur",)

# Weights of float64 images in single precision, products with them and their sums in double (measured).
WEIGHTS_IN_SINGLE = ("cv2.resize",)
SINGLE = Format("float64 by float32", FLOAT32.precision, FLOAT64.emin, FLOAT64.emax)

# Functions of float32 images that are read off a table over the range of the image: kExpNumBinsPerChannel of bilateralFilter.
STEPS = {"bilateralFilter-float32": 1 << 12}

# OpenCV's own exponential of vectors, v_exp, and the C library's of one number: within 2 ulp, and 0 where the result is subnormal.
# IPP's weights below exp(−25), in place or in colour, are 0 (measured): an absolute error of 2⁻³⁶, 2⁻¹² unit roundoffs.
WEIGHTS_BY_EXP = ("bilateralFilter-uint8", "bilateralFilter-float32")

# Kernels to which subnormal numbers may be 0 (measured).
FLUSHED = ("resize_CUBIC-float32",)

# Depths that a format takes since some version; before it they are written as bytes.
SINCE = dict.fromkeys(("imwrite_TIFF-int8", "imwrite_TIFF-int16", "imwrite_TIFF-int32"), "4.6")


@dataclass(frozen=True)
class OpenCV:
    """The cv2 module of this environment."""

    name: str = "opencv"
    library: str = "cv2"
    layouts: tuple[str, ...] = tuple(LAYOUTS)
    known_failures: Path = field(default=Path(__file__).with_suffix(".toml"), repr=False)

    def __post_init__(self) -> None:
        cv2.setNumThreads(1)
        set_log_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel  # the name in 4.x, and in 5.x
        set_log_level(SILENT)  # a missing file is a case, not news

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """cv2.error, and what its argument parser raises."""
        return (cv2.error, TypeError, ValueError, OverflowError)

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """float32 kernels and integers that saturate, and what the tables above say."""
        key = f"{operation.id}-{dtype}"
        if key in COLORS:
            return ieee(dtype).but(**COLORS[key])
        by = ieee(dtype).but(flush=key in FLUSHED, steps=STEPS.get(key))
        if key in WEIGHTS_BY_EXP:
            return by.but(accuracy={**TABLE, "exp": Accuracy(2.0, 2.0**-12, flush=1.0)})
        if "float" in dtype:
            if operation.name in WEIGHTS_IN_SINGLE and dtype == "float64":
                return by.but(compute=SINGLE)
            return by.but(compute=FLOAT64, accumulate=FLOAT64) if operation.name in IN_DOUBLE else by
        weights = FIXED_WEIGHTS.get(key)
        if weights:
            return by.but(compute=FLOAT64, accumulate=FLOAT64, weights=weights)
        if key in FLOAT_WITH_IPP and not cv2.ipp.useIPP():
            by = by.but(compute=FLOAT64, accumulate=FLOAT64)
        return by.but(constant_bits=FRACTIONAL_BITS.get(key), truncated=TRUNCATED.get(key, 0.0))

    def lacks(self, operation: Operation, dtype: str) -> str | None:
        """Depths that this version does not have yet; windows need a build that has them, and a virtual screen."""
        since = SINCE.get(f"{operation.id}-{dtype}")
        if since and Version(cv2.__version__) < Version(since):
            return f"{operation.name} takes {dtype} since version {since}"
        if operation.needs != "display":
            return None
        framework = getattr(cv2, "currentUIFramework", lambda: "unknown")()
        return screen.missing() if framework else "this build of OpenCV has no windows"

    def run(self, operation: Operation, case: Case) -> Results:
        """Call the operation on arrays laid out as the case says; what shows windows, in a process of its own."""
        if operation.needs == "display":
            shown: Results = screen.on_screen(lambda: self._results(operation, case))
            return shown
        return self._results(operation, case)

    def _results(self, operation: Operation, case: Case) -> Results:
        layouts = case.layouts
        arrays = {name: None if a is None else lay_out(a.copy(), layouts.get(name, "contiguous")) for name, a in case.arrays.items()}
        results: Any = operation.call(**arrays, **case.options)
        by_name = results if isinstance(results, Mapping) else {"output": results}
        return {name: np.asarray(result) for name, result in by_name.items()}

    def environment(self) -> Mapping[str, str]:
        """The version, whether Intel's IPP takes part, and the bytes in a vector of kernels that are compiled for several processors."""
        wide = cv2.checkHardwareSupport(AVX2)
        return {"cv2": cv2.__version__, "ipp": "yes" if cv2.ipp.useIPP() else "no", "lanes": "32" if wide else "16"}


def form(name: str) -> Backend:
    """The backend."""
    return OpenCV(name=name)
