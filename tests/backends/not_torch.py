"""A backend from outside that has nothing to do with torch: public names mapped to functions of its own, on plain NumPy arrays.

pytest --pyargs conformance --backend tests.backends.not_torch:Plain
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.signal import correlate
from scipy.special import erf

from conformance.model import Case, Operation, Results
from oracles.bounded import Arithmetic, ieee


def conv2d(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, **options: Any) -> np.ndarray:
    """Cross-correlation by SciPy's direct method, a group, an image, a filter and a channel at a time."""
    if options["padding_mode"] != "zeros" or isinstance(options["padding"], str):
        raise NotImplementedError("pads with zeros, by numbers")
    batch = x if x.ndim == 4 else x[None]
    stride, padding, dilation = (np.broadcast_to(options[name], 2) for name in ("stride", "padding", "dilation"))
    batch = np.pad(batch, ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])))
    filters = np.zeros((*weight.shape[:2], *((np.array(weight.shape[2:]) - 1) * dilation + 1)), weight.dtype)
    filters[:, :, :: dilation[0], :: dilation[1]] = weight
    groups, per_group = options["groups"], weight.shape[1]
    outputs = []
    for image in batch:
        planes = []
        for o, kernel in enumerate(filters):
            start = o // (len(filters) // groups) * per_group
            plane = sum(correlate(image[start + c], kernel[c], "valid", "direct") for c in range(per_group))
            planes.append(plane[:: stride[0], :: stride[1]] + (0 if bias is None else bias[o]))
        outputs.append(np.stack(planes))
    return np.stack(outputs).astype(x.dtype) if x.ndim == 4 else outputs[0].astype(x.dtype)


def gelu(x: np.ndarray, *, approximate: str) -> np.ndarray:
    """Half of x times one plus the error function."""
    with np.errstate(all="ignore"):
        if approximate == "tanh":
            return (x * (1 + np.tanh(np.sqrt(2 / np.pi).astype(x.dtype) * (x + x.dtype.type(0.044715) * x**3))) / 2).astype(x.dtype)
        return (x * (1 + erf(x / np.sqrt(x.dtype.type(2)))) / 2).astype(x.dtype)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {"torch.nn.Conv2d": conv2d, "torch.nn.GELU": gelu}


@dataclass(frozen=True)
class Plain:
    """NumPy and SciPy under torch's public names."""

    name: str = "plain"
    library: str = "torch"
    refusals: tuple[type[Exception], ...] = (ValueError, TypeError, NotImplementedError)
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=lambda: FUNCTIONS)

    def lacks(self, operation: Operation, dtype: str) -> str | None:
        """Only what the table maps, in the formats that NumPy computes in."""
        if operation.name not in self.functions:
            return "it has no such function"
        return None if dtype in ("float32", "float64") else f"it does not compute in {dtype}"

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """IEEE arithmetic of the dtype, sums in any order."""
        return ieee(dtype)

    def run(self, operation: Operation, case: Case) -> Results:
        """Call the function that has the operation's public name."""
        arrays = {name: None if array is None else array.copy() for name, array in case.arrays.items()}
        return {"output": np.asarray(self.functions[operation.name](**arrays, **case.options))}
