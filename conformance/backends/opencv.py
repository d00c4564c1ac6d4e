"""OpenCV as it is installed: cv2 functions on NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from conformance.backends import screen
from conformance.layouts import LAYOUTS, lay_out
from conformance.model import Backend, Case, Operation, Results, cv2
from oracles.bounded import FLOAT64, Arithmetic, ieee

# Fractional bits of the constants of fixed-point kernels; each is off by less than one unit, so that they add up to one.
FRACTIONAL_BITS = {"cvtColor_BGR2GRAY": 15}  # 3735, 19235, 9798 of 32768 (measured on all 2²⁴ colours)

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
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # a missing file is a case, not news

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """cv2.error, and what its argument parser raises."""
        return (cv2.error, TypeError, ValueError, OverflowError)

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """float32 kernels and integers that saturate, and what the tables above say."""
        by = ieee(dtype)
        if "float" in dtype:
            return by.but(compute=FLOAT64, accumulate=FLOAT64) if operation.name in IN_DOUBLE else by
        return by.but(constant_bits=FRACTIONAL_BITS.get(operation.id))

    def lacks(self, operation: Operation, dtype: str) -> str | None:
        """Windows need a build that has them, and a virtual screen."""
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
        """The version, and the build's own words on it."""
        return {"cv2": cv2.__version__}


def form(name: str) -> Backend:
    """The backend."""
    return OpenCV(name=name)
