"""OpenCV as it is installed: cv2 functions on NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from conformance.backends.opencv_colors import COLORS
from conformance.layouts import LAYOUTS, lay_out
from conformance.model import Backend, Case, Operation, Results, cv2
from oracles.bounded import FLOAT64, Arithmetic, ieee

SILENT = 0  # cv::utils::logging::LogLevel
AVX2 = 11  # cv::CpuFeatures, which Python has no names for

# Sums of float32 images in double precision (measured: bit-exact so).
IN_DOUBLE = ("cv2.blur",)


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
        by = ieee(dtype).but(**COLORS.get(f"{operation.id}-{dtype}", {}))
        return by.but(compute=FLOAT64, accumulate=FLOAT64) if "float" in dtype and operation.name in IN_DOUBLE else by

    def run(self, operation: Operation, case: Case) -> Results:
        """Call the operation on arrays laid out as the case says."""
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
