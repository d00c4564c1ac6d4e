"""A backend from outside that is like torch: a device that computes float32 in float64 and rounds once, at the end.

pytest --pyargs conformance --backend tests.backends.torch_like:Wide --dtype float32
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from conformance.model import Case, Operation, Results
from oracles.bounded import FLOAT32, FLOAT64, Arithmetic, ieee

CASTING = tuple(f"torch.nn.functional.{name}" for name in ("softmax", "log_softmax", "softmin"))
TORCH_DTYPES = {"float32": torch.float32, "float64": torch.float64}


def widened(array: np.ndarray | None) -> Any:
    """A tensor of the array, floats in float64."""
    if array is None:
        return None
    tensor = torch.from_numpy(array.copy())
    return tensor.double() if tensor.is_floating_point() else tensor


@dataclass(frozen=True)
class Wide:
    """float32 stored, float64 computed: what it promises is one rounding per result."""

    name: str = "wide"
    library: str = "torch"
    refusals: tuple[type[Exception], ...] = (RuntimeError, ValueError, TypeError, IndexError)
    known_failures: Path = field(default=Path(__file__).with_suffix(".toml"), repr=False)

    def lacks(self, operation: Operation, dtype: str) -> str | None:
        """It has one format, and casts to none before it computes."""
        if operation.name in CASTING:
            return "what it computes in is not to be asked for"
        return None if dtype == "float32" else "it stores float32 only"

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """Everything in float64, rounded to float32 where it is stored."""
        return ieee("float64").but(storage=FLOAT32, compute=FLOAT64, accumulate=FLOAT64)

    def run(self, operation: Operation, case: Case) -> Results:
        """Call the operation on widened tensors and round what comes out."""
        results = operation.call(**{name: widened(array) for name, array in case.arrays.items()}, **case.options)
        named = results if isinstance(results, Mapping) else {"output": results}
        return {name: self._narrowed(result) for name, result in named.items()}

    def _narrowed(self, result: Any) -> np.ndarray:
        array = result.detach().numpy() if torch.is_tensor(result) else np.asarray(result)
        with np.errstate(over="ignore", under="ignore"):
            return array.astype(np.float32) if array.dtype == np.float64 else array
