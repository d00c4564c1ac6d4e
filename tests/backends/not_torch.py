"""A backend from outside that has nothing to do with torch: public names mapped to functions of its own, on plain NumPy arrays.

pytest --pyargs conformance --backend tests.backends.not_torch:Plain
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import erf

from conformance.model import Case, Operation, Results
from oracles.bounded import Arithmetic, ieee

PAD_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def padded(batch: np.ndarray, reach: np.ndarray, stride: np.ndarray, padding: Any, mode: str) -> np.ndarray:
    """Images with their margins: by numbers, or by name. ValueError for what cannot be padded so."""
    if mode not in PAD_MODES or (isinstance(padding, str) and padding not in ("same", "valid")):
        raise ValueError(f"unknown padding {padding!r} or mode {mode!r}")
    if padding == "same" and (stride != 1).any():
        raise ValueError("padding='same' needs stride 1")
    total = reach - 1 if padding == "same" else np.zeros(2, int) if padding == "valid" else 2 * np.broadcast_to(padding, 2)
    sides = np.array(batch.shape[2:])
    most = np.maximum(total - total // 2, 0)
    if (total < 0).any() or (mode == "reflect" and (most >= sides).any()) or (mode == "circular" and (most > sides).any()):
        raise ValueError(f"padding {padding} does not fit")
    if ((sides + total) < reach).any():
        raise ValueError("the filter is larger than the padded image")
    return np.pad(batch, ((0, 0), (0, 0), *((int(t) // 2, int(t) - int(t) // 2) for t in total)), PAD_MODES[mode])


def conv2d(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, **options: Any) -> np.ndarray:
    """Sums over all windows, a group at a time. ValueError for what is not allowed."""
    stride, dilation = (np.broadcast_to(options[name], 2) for name in ("stride", "dilation"))
    groups, per_group = options["groups"], weight.shape[1]
    if (stride < 1).any() or (dilation < 1).any() or groups < 1 or x.ndim not in (3, 4):
        raise ValueError("stride, dilation and groups are positive, images have three or four axes")
    batch = x if x.ndim == 4 else x[None]
    if batch.shape[1] != groups * per_group or len(weight) % groups or (bias is not None and len(bias) != len(weight)):
        raise ValueError("the channels do not fit together")
    reach = (np.array(weight.shape[2:]) - 1) * dilation + 1
    batch = padded(batch, reach, stride, options["padding"], options["padding_mode"])
    windows = np.lib.stride_tricks.sliding_window_view(batch, tuple(reach), axis=(2, 3))
    windows = windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
    slices = zip(np.split(windows, groups, 1), np.split(weight, groups), strict=True)
    outputs = np.concatenate([np.einsum("nchwpq,ocpq->nohw", part, filters) for part, filters in slices], 1)
    outputs = outputs if bias is None else outputs + bias[:, None, None]
    return outputs if x.ndim == 4 else outputs[0]


def gelu(x: np.ndarray, *, approximate: str) -> np.ndarray:
    """Half of x times one plus the error function, or its approximation by a hyperbolic tangent. ValueError for another name."""
    if approximate not in ("none", "tanh"):
        raise ValueError(f"unknown approximation {approximate!r}")
    if approximate == "tanh":
        inner = np.sqrt(2 / np.pi).astype(x.dtype) * (x + x.dtype.type(0.044715) * x**3)
        return (x * (1 + np.tanh(inner)) / 2).astype(x.dtype)
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
        if operation.name not in self.functions or operation.variant:  # variants are compositions, with other arrays
            return "it has no such function"
        return None if dtype in ("float32", "float64") else f"it does not compute in {dtype}"

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """IEEE arithmetic of the dtype, sums in any order."""
        return ieee(dtype)

    def run(self, operation: Operation, case: Case) -> Results:
        """Call the function that has the operation's public name."""
        arrays = {name: None if array is None else array.copy() for name, array in case.arrays.items()}
        with np.errstate(all="ignore"):
            return {"output": np.asarray(self.functions[operation.name](**arrays, **case.options))}
