"""OpenCV's kernels in OpenCL, on any device: every array becomes a UMat, every UMat an array.

A kernel is compiled for each set of options, which takes seconds: only operations of few sets are asked, or a few of their sets.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from conformance.backends.opencv import OpenCV
from conformance.backends.opencv_colors import COLORS
from conformance.model import Backend, Case, Operation, Results, cv2
from oracles.bounded import TABLE, Accuracy, Arithmetic, ieee

os.environ.setdefault("OPENCV_OPENCL_DEVICE", "::")  # any device: by itself OpenCV takes no processor for one

# Operations and the sets of options of which they are asked; none: all that are drawn.
BOX = ({"ksize": (3, 3), "anchor": (-1, -1), "borderType": 4}, {"ksize": (5, 2), "anchor": (-1, -1), "borderType": 1})
SQUARE = (
    {"kernel": None, "anchor": (-1, -1), "iterations": 1, "borderType": 0, "borderValue": None},
    {"kernel": np.ones((3, 2), np.uint8), "anchor": (1, 2), "iterations": 1, "borderType": 0, "borderValue": None},
)
EDGE = ({"ddepth": -1, "scale": 1.0, "delta": 0.0, "borderType": 4},)
ASKED: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    **dict.fromkeys(("cv2.cvtColor", "cv2.threshold", "cv2.equalizeHist", "cv2.LUT"), ()),
    "cv2.blur": BOX,
    **dict.fromkeys(("cv2.erode", "cv2.dilate"), SQUARE),
    "cv2.medianBlur": ({"ksize": 3}, {"ksize": 5}),
    "cv2.Sobel": tuple({**EDGE[0], "dx": dx, "dy": 1 - dx, "ksize": 3} for dx in (0, 1)),
    "cv2.Laplacian": tuple({**EDGE[0], "ksize": ksize} for ksize in (1, 3)),
}
IN_FLOAT = ("cvtColor_Lab2BGR", "cvtColor_Luv2BGR")  # bytes, too
# OpenCL C 3.0, relative error as ulps.
OPENCL = {**TABLE, "divide": Accuracy(2.5), "reciprocal": Accuracy(2.5), "sqrt": Accuracy(3.0), "power": Accuracy(16.0)}


class OnDevice:
    """The module, each of whose functions takes arrays to the device and brings results back."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        return self._calling(found) if callable(found) and not isinstance(found, type) else found

    def _calling(self, function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            moved: dict[int, Any] = {}  # an array that is given twice is one on the device, too

            def to_device(value: Any) -> Any:
                if not isinstance(value, np.ndarray):
                    return value
                return moved.setdefault(id(value), self._module.UMat(np.ascontiguousarray(value)))

            found = function(*[to_device(value) for value in arguments], **{name: to_device(value) for name, value in options.items()})
            return tuple(map(self._back, found)) if isinstance(found, tuple) else self._back(found)

        return call

    def _back(self, value: Any) -> Any:
        return value.get() if isinstance(value, self._module.UMat) else value


@contextmanager
def on_device() -> Iterator[None]:
    """Let cv2 be that module inside the block."""
    module = importlib.import_module("cv2")
    sys.modules["cv2"] = OnDevice(module)  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules["cv2"] = module


@dataclass(frozen=True)
class OpenCLOpenCV(OpenCV):
    """The cv2 module of this environment with UMat."""

    name: str = "opencv_opencl"
    known_failures: Path = field(default=Path(__file__).with_suffix(".toml"), repr=False)

    def lacks(self, operation: Operation, dtype: str) -> str | None:
        """Operations of which nothing is asked."""
        if operation.name not in ASKED:
            return "it has no kernel in OpenCL, or one for every set of options"
        return None if dtype != "float64" or "fp64" in device().extensions() else "the device has no float64"

    def narrow(self, operation: Operation, case: Case) -> Case:
        """The case with one of the sets of options that are asked, by its seed."""
        sets = ASKED[operation.name]
        return case.but(**sets[case.seed % len(sets)]) if sets else case

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """The same fixed point, but for what is computed in floats here; functions as accurate as OpenCL asks for."""
        declared = COLORS.get(f"{operation.id}-{'float32' if operation.id in IN_FLOAT else dtype}", {})
        return ieee(dtype).but(**{"accuracy": OPENCL, **declared})

    def run(self, operation: Operation, case: Case) -> Results:
        """The same call, on the device."""
        with on_device():
            return super().run(operation, case)

    def environment(self) -> Mapping[str, str]:
        """The device beside the version."""
        return {"cv2": cv2.__version__, "device": device().name(), "driver": device().driverVersion()}


def device() -> Any:
    """The device that OpenCV has chosen."""
    return getattr(cv2.ocl, "Device_getDefault", cv2.ocl.Device.getDefault)()


@cache
def device_reason(name: str) -> str | None:
    """Why there is no device, or None where there is one."""
    if not cv2.ocl.haveOpenCL():
        return "there is no OpenCL: the Debian packages pocl-opencl-icd and ocl-icd-libopencl1 make the processor a device"
    cv2.ocl.setUseOpenCL(True)
    return (
        None
        if cv2.ocl.useOpenCL() and device().name()
        else "OpenCL has no device: the Debian package pocl-opencl-icd makes the processor one"
    )


def form(name: str) -> Backend:
    """The backend."""
    return OpenCLOpenCV(name=name)
