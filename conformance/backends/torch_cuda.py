"""PyTorch's own kernels on CUDA, in one mode of its arithmetic at a time.

What a kernel computes in depends on switches that a user may have set, and that are not at their strictest by default: TF32 is on for cuDNN
and off for cuBLAS, and reduced-precision reductions are allowed. A backend here sets every switch around each call, as its mode says, and
puts back what it found; so the arithmetic that it declares is the one that is computed in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np

from conformance.backends import torch_eager
from conformance.backends.torch_eager import HALVES, PRODUCTS, TorchEager
from conformance.model import Backend, Case, NotAsked, Operation, Results, torch
from oracles.bounded import BFLOAT16, FLOAT16, TF32, Arithmetic, Split

# Operations that multiply matrices or convolve, forwards or backwards: by cuBLAS, cuDNN and attention's own kernels. A convolution
# for which cuDNN has no algorithm is a product of cuBLAS, so that each switch concerns all of them. LBFGS has dot products and products
# of a matrix and a vector, for which there are no tensor cores.
MULTIPLYING = PRODUCTS | {
    "deform_conv2d",
    "scaled_dot_product_attention_Dropout",
    "MultiheadAttention_Dropout",
    "LinearCrossEntropyLoss",
    "LinearCrossEntropyLoss_Chunked",
    "AdaptiveLogSoftmaxWithLoss",
    "Adafactor",
    "Muon",
}

# The first names are those before torch 2.9, which still speak for the later ones below them; where both are there, both are set.
TF32_SWITCHES = ("cuda.matmul.allow_tf32", "cudnn.allow_tf32")
PRECISIONS = ("cuda.matmul.fp32_precision", "cudnn.conv.fp32_precision", "cudnn.rnn.fp32_precision")
FP16, BF16 = (f"cuda.matmul.allow_{name}_reduced_precision_reduction" for name in ("fp16", "bf16"))
FP16_SUMS, DETERMINISTIC, BENCHMARK = "cuda.matmul.allow_fp16_accumulation", "cudnn.deterministic", "cudnn.benchmark"
STRICT: Mapping[str, Any] = {
    **dict.fromkeys(TF32_SWITCHES, False),
    **dict.fromkeys(PRECISIONS, "ieee"),
    **dict.fromkeys((FP16, BF16, FP16_SUMS, DETERMINISTIC, BENCHMARK), False),
}
UNDETERMINED = "does not have a deterministic implementation"

# Tensor cores chop (see oracles.bounded.products); they multiply numbers of 16 bits always, float32 as TF32 only, float64 as IEEE 754 says.
CHOPPED: Mapping[str, Mapping[str, Any]] = {name: {"chopped": True} for name in HALVES}

# Operands of TF32 are rounded to nearest (torch.backends; pytorch PR 49625; triton issue 4574 has the bits of cvt.rna.tf32.f32).
IN_TF32 = {"operand": TF32, "chopped": True}

# Reduced reductions concern sums that are split (pytorch PR 150812, review: "applies only to split-k algos"), and no part is shorter than
# one instruction of a tensor core, which takes 8 products or more (PTX ISA, mma.m16n8k8). Accumulation stores every sum.
LEAST_PART = 8


@dataclass(frozen=True)
class Mode:
    """How switches are set, other than as strictly as they can be, and what products of a dtype are then computed in."""

    switches: Mapping[str, Any] = field(default_factory=dict, hash=False)
    products: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    capability: tuple[int, int] = (0, 0)  # of the least device that has it
    deterministic: bool = False


MODES: Mapping[str, Mode] = {
    "cuda": Mode(),
    "cuda_tf32": Mode({**dict.fromkeys(TF32_SWITCHES, True), **dict.fromkeys(PRECISIONS, "tf32")}, {"float32": IN_TF32}, capability=(8, 0)),
    "cuda_fp16_reduced": Mode({FP16: True}, {"float16": {"split": Split(FLOAT16, LEAST_PART)}}),
    "cuda_bf16_reduced": Mode({BF16: True}, {"bfloat16": {"split": Split(BFLOAT16, LEAST_PART)}}),
    "cuda_fp16_accumulated": Mode({FP16_SUMS: True}, {"float16": {"split": Split(FLOAT16, 1)}}),
    "cuda_deterministic": Mode({DETERMINISTIC: True}, deterministic=True),
    "cuda_benchmark": Mode({BENCHMARK: True}),
}


@dataclass(frozen=True)
class TorchCuda(TorchEager):
    """PyTorch's own kernels on a device of CUDA, its switches set as the mode says."""

    name: str = "cuda"
    device: str = "cuda"
    mode: Mode = field(default_factory=Mode, repr=False)

    @property
    def kin(self) -> tuple[str, ...]:
        """Names under which a defect of these functions may be known."""
        return tuple(name for name in ("cuda", "cpu") if name != self.name)

    @property
    def deterministic(self) -> bool:
        """Kernels may add in any order, so that bits differ from call to call, unless deterministic ones are asked for."""
        return self.mode.deterministic

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """That of PyTorch's kernels, and for products that of the mode."""
        by = super().arithmetic(operation, dtype)
        if operation.id not in MULTIPLYING:
            return by
        multiplied = "bfloat16" if operation.id == "Muon" else dtype
        return by.but(**CHOPPED.get(multiplied, {}), **self.mode.products.get(multiplied, {}))

    def run(self, operation: Operation, case: Case) -> Results:
        """The same call in this mode."""
        with switched(self.mode):
            return super().run(operation, case)

    def pullback(self, operation: Operation, case: Case, dy: np.ndarray) -> Results:
        """The same gradients in this mode."""
        with switched(self.mode):
            return super().pullback(operation, case, dy)

    def environment(self) -> Mapping[str, str]:
        """The same, and every switch as it is during a call."""
        with switched(self.mode):
            found = {f"torch.backends.{path}": value for path in STRICT if (value := setting(path)) is not None}
        return {**super().environment(), **{path: str(value) for path, value in found.items()}}


def setting(path: str) -> Any:
    """What a switch of torch.backends says, as it can be set to; None where there is none, or where others were used that overrule it."""
    try:
        value = attrgetter(path)(torch.backends)
    except (AttributeError, RuntimeError):
        return None
    beside = setting(f"{path}_split_k") if path in (FP16, BF16) else None  # since torch 2.10 it is set together with the reductions
    return value if beside is None else (value, beside)


def put(settings: Mapping[str, Any]) -> None:
    """Set switches of torch.backends, in this order."""
    for path, value in settings.items():
        parent, _, name = path.rpartition(".")
        setattr(attrgetter(parent)(torch.backends), name, value)


@contextmanager
def switched(mode: Mode) -> Iterator[None]:
    """Set every switch that there is as the mode says, and put back what was found; NotAsked for what cannot be deterministic."""
    found = {path: value for path in STRICT if (value := setting(path)) is not None}
    wanted = {**STRICT, **mode.switches}
    determined, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        put({path: wanted[path] for path in found})
        if determined != mode.deterministic or warns:
            torch.use_deterministic_algorithms(mode.deterministic)
        yield
    except RuntimeError as error:
        if mode.deterministic and UNDETERMINED in str(error):
            raise NotAsked(str(error).partition(", but you set")[0]) from error
        raise
    finally:
        if determined != mode.deterministic or warns:
            torch.use_deterministic_algorithms(determined, warn_only=warns)
        put(found)


def device_of(name: str) -> str:
    """The device of a backend's name: `cuda` for all modes."""
    return "cuda" if name in MODES else name


def device_reason(name: str) -> str | None:
    """Why a backend cannot compute here, or None where it can: no device, no such switch, no such hardware."""
    device, mode = device_of(name), MODES.get(name, Mode())
    if (reason := torch_eager.device_reason(device)) is not None:
        return reason
    if mode.switches and all(setting(path) is None for path in mode.switches):
        return f"the installed torch has no torch.backends.{next(iter(mode.switches))}"
    has = tuple(torch.cuda.get_device_capability(device))
    if has < mode.capability:
        return f"it needs a device of compute capability {mode.capability[0]}.{mode.capability[1]}, this one has {has[0]}.{has[1]}"
    return None


def form(name: str) -> Backend:
    """The backend of a mode, or of a device such as `cuda:1`, as strict as `cuda`."""
    mode = MODES.get(name, Mode())
    if mode.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS is deterministic with (torch's notes on reproducibility)
    return TorchCuda(name=name, device=device_of(name), mode=mode)
