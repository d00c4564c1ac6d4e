"""Operations of torch on JAX's arrays: torchax, on the processor.

Every operator is a function of JAX that XLA compiles for these shapes; a call is run operator by operator, and not compiled as a whole.
torchax's accuracy mode is on: 64-bit numbers exist, results have torch's dtypes, and products of matrices are as exact as their format.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from conformance.backends import torch_eager
from conformance.backends.exported import not_installed, sentence
from conformance.backends.torch_eager import REFUSALS, TorchEager
from conformance.model import Backend, Case, NotAsked, Operation, Results, torch
from oracles.bounded import FORMATS, TABLE, Accuracy, Arithmetic, ieee

LIBRARIES = ("torchax", "jax")
# Operations whose failures have been examined, in float32; of the others nothing is asked.
EXAMINED = frozenset(
    (
        *(f"{kind}{rank}d" for kind in ("Conv", "ConvTranspose", "MaxPool", "AvgPool", "LPPool", "MaxUnpool") for rank in (1, 2, 3)),
        *("Conv2d_DepthwiseSeparable", "Linear", "Bilinear", "Unfold", "Fold", "Flatten", "Unflatten"),
        *(f"AdaptiveAvgPool{rank}d" for rank in (1, 2, 3)),
        *(f"{kind}Pad{rank}d" for kind in ("Constant", "Zero", "Reflection", "Replication", "Circular") for rank in (1, 2, 3)),
        *("PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "UpsamplingNearest2d", "Upsample"),
        *("ReLU", "ReLU6", "LeakyReLU", "PReLU", "Hardtanh", "Hardsigmoid", "Hardswish", "Hardshrink", "Softshrink", "Threshold"),
        *("GELU", "ELU", "SELU", "CELU", "Sigmoid", "LogSigmoid", "Tanh", "Tanhshrink", "SiLU", "Mish", "Softplus", "Softsign", "GLU"),
        *("Softmax", "Softmax2d", "LogSoftmax", "Softmin"),
        *(f"{kind}Norm{rank}d" for kind in ("Batch", "Instance") for rank in (1, 2, 3)),
        *("LayerNorm", "GroupNorm", "RMSNorm", "LocalResponseNorm", "CosineSimilarity", "PairwiseDistance"),
        *("CrossEntropyLoss", "NLLLoss", "L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss", "PoissonNLLLoss", "KLDivLoss", "BCELoss"),
        *("BCEWithLogitsLoss", "SoftMarginLoss", "MultiLabelSoftMarginLoss", "HingeEmbeddingLoss", "MarginRankingLoss"),
        *("MultiMarginLoss", "MultiLabelMarginLoss", "CosineEmbeddingLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss"),
    )
)
FUNCTIONS = {  # XLA's own, measured on every seventh float32 of where they are no constants (jaxlib 0.10.2)
    **TABLE,
    "exp": Accuracy(4.0),  # 1.0 up to 88.37, and 3.6 above, where the power of two that it multiplies by would overflow
    "log": Accuracy(1.5),  # 1.2
    "log1p": Accuracy(3.0),  # 2.5
    "expm1": Accuracy(6.0),  # 5.8
    "tanh": Accuracy(1.0, 4.0),  # 1 ulp and 3.8 unit roundoffs
    "erf": Accuracy(1.0, 5.0),  # 1 ulp and 4.6 unit roundoffs
    "power": Accuracy(1.5),  # a fourth power is squared twice: 3 unit roundoffs; 1.3 measured
}
WITHOUT = {
    "laws": "its laws have not been examined on JAX's arrays",
    "gradient": "its gradients have not been examined on JAX's arrays",
    "rejects": "torchax leaves the checks of arguments to JAX, which has others",
    "state": "what is kept between calls has not been examined on JAX's arrays",
    "distribution": "JAX draws random numbers of its own, which have not been examined",
}
ELSEWHERE = "a result was computed by torch itself, not by JAX"
UNDECIDED = "which of two subnormal numbers is the larger one has no answer where they are read as zero"


@cache
def torchax() -> Any:
    """The library, in its accuracy mode; its import switches attention's fast path off for all of torch, which is put back."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    fast = torch.backends.mha.get_fastpath_enabled()
    library: Any = importlib.import_module("torchax")
    torch.backends.mha.set_fastpath_enabled(fast)
    library.enable_accuracy_mode()
    return library


@contextmanager
def operators() -> Iterator[Any]:
    """The environment in which torch's operators are JAX's, with attention's fast path off, as torchax has it."""
    environment = torchax().default_env()
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with environment:
            yield environment
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def array_of(result: Any) -> np.ndarray:
    """A tensor of torchax or of torch, or a plain number, as a NumPy array."""
    return np.array(result.jax()) if hasattr(result, "jax") else torch_eager.array_of(result)


@dataclass(frozen=True)
class Torchax:
    """JAX's functions in the place of torch's operators, on the processor."""

    name: str = "torchax"
    library: str = "torch"
    refusals: tuple[type[Exception], ...] = REFUSALS
    layouts: tuple[str, ...] = TorchEager.layouts  # of the tensors that are handed over
    without: Mapping[str, str] = field(default_factory=lambda: WITHOUT, hash=False)
    reuse: int = 5  # examples for every structure, to compile which takes some tenths of a second
    patience: float = 5.0
    kin: tuple[str, ...] = ("cpu",)  # much of torch is composed of operators, with what is wrong in the composition
    known_failures: tuple[Path, ...] = field(
        default=(Path(__file__).with_suffix(".toml"), Path(torch_eager.__file__).with_suffix(".toml")), repr=False
    )
    examined: frozenset[str] | None = field(default=EXAMINED, repr=False)  # operations that are asked, in float32; None: all

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """IEEE arithmetic in which subnormals are zero (JAX's “sharp bits”), sums in any order, XLA's elementary functions."""
        return ieee(dtype).but(accuracy=FUNCTIONS, flush=True, reads_zero=True)

    def lacks(self, operation: Operation, dtype: str) -> str | None:
        """Operations that are no function of arrays, and what has not been examined."""
        if not (operation.takes_arrays and operation.pure):
            return "it is no function of arrays"
        if operation.chances:
            return "it draws random numbers"
        if dtype != "float32":
            return f"its {dtype} has not been examined"
        if self.examined is not None and operation.id not in self.examined:
            return "the operation has not been examined on it"
        return TorchEager().lacks(operation, dtype)

    def environment(self) -> Mapping[str, str]:
        """Versions of torchax, JAX and torch."""
        versions = {name: importlib.metadata.version(name) for name in (*LIBRARIES, "jaxlib")}
        return {**versions, "torch": torch.__version__.partition("+")[0]}

    def run(self, operation: Operation, case: Case) -> Results:
        """Call the operation on JAX's arrays; NotAsked where an operator is missing, or where torch itself computed."""
        if case.options.get("return_indices") and any(map(_has_subnormals, case.arrays.values())):
            raise NotAsked(UNDECIDED)
        tensors = TorchEager().tensors(operation, case)
        with operators() as environment:
            missing = importlib.import_module("torchax.tensor").OperatorNotFound
            given = {name: None if tensor is None else environment.to_xla(tensor) for name, tensor in tensors.items()}
            try:
                found = operation.call(**given, **case.options)
            except (missing, NotImplementedError) as error:
                raise NotAsked(sentence(error)) from error
            by_name = found if isinstance(found, Mapping) else {"output": found}
            if not hasattr(by_name.get("output", next(iter(by_name.values()))), "jax"):
                raise NotAsked(ELSEWHERE)
            return {name: array_of(result) for name, result in by_name.items()}


def _has_subnormals(array: np.ndarray | None) -> bool:
    """Whether a floating array has numbers below the least normal one of its dtype."""
    if array is None or array.dtype.name not in FORMATS:
        return False
    sizes = np.abs(array.astype(np.float64))
    return bool(np.any((sizes > 0) & (sizes < FORMATS[array.dtype.name].normal)))


def device_reason(name: str) -> str | None:
    """Why there are no arrays of JAX here, or None where there are."""
    return not_installed(LIBRARIES, "torchax")


def form(name: str) -> Backend:
    """The backend."""
    return Torchax(name=name)
