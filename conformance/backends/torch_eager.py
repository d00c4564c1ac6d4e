"""PyTorch's own kernels, one operation at a time, on any device that the installed torch knows."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from conformance.backends.processor import onednn_instructions
from conformance.backends.torch_documented import exists, named, undocumented
from conformance.layouts import LAYOUTS, lay_out
from conformance.model import Backend, Case, NotAsked, Operation, Results, Shape, torch
from conformance.strategies import DTYPES
from oracles.bounded import BFLOAT16, TABLE, Accuracy, Arithmetic, ieee

REFUSALS = (
    AssertionError,
    RuntimeError,
    ValueError,
    TypeError,
    IndexError,
    NotImplementedError,
    OverflowError,
    KeyError,
    AttributeError,
)
HALVES = ("float16", "bfloat16")

LOSSES = (
    "torch.nn.L1Loss",
    "torch.nn.MSELoss",
    "torch.nn.SmoothL1Loss",
    "torch.nn.HuberLoss",
    "torch.nn.PoissonNLLLoss",
    "torch.nn.GaussianNLLLoss",
    "torch.nn.KLDivLoss",
    "torch.nn.NLLLoss",
    "torch.nn.LinearCrossEntropyLoss",
    "torch.nn.AdaptiveLogSoftmaxWithLoss",
    "torch.nn.BCELoss",
    "torch.nn.BCEWithLogitsLoss",
    "torch.nn.SoftMarginLoss",
    "torch.nn.MultiLabelSoftMarginLoss",
    "torch.nn.HingeEmbeddingLoss",
    "torch.nn.CosineEmbeddingLoss",
    "torch.nn.MarginRankingLoss",
    "torch.nn.TripletMarginLoss",
    "torch.nn.TripletMarginWithDistanceLoss",
)

# Kernels that store intermediates in the tensor's format (read off results, torch 2.13 on x86-64; bounds.md calls them composites).
COMPOSITE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys((f"torch.nn.{kind}Norm{rank}d" for kind in ("Batch", "Instance") for rank in (1, 2, 3)), HALVES),
    "torch.nn.CrossEntropyLoss": HALVES,
    **dict.fromkeys(("torch.nn.LocalResponseNorm", "torch.nn.CrossMapLRN2d"), HALVES),
    **dict.fromkeys(("torch.nn.Tanhshrink", "torch.nn.Softsign", "torch.nn.Hardshrink", "torch.nn.Softshrink"), HALVES),
    "torch.nn.functional.interpolate": (*HALVES, "uint8"),
    "torch.nn.functional.grid_sample": HALVES,
    **dict.fromkeys(("torch.nn.Upsample", "torch.nn.UpsamplingBilinear2d", "torch.nn.Fold", "torch.nn.Unfold"), HALVES),
    **dict.fromkeys(("torch.nn.LogSoftmax", "torch.nn.AdaptiveAvgPool3d", "torch.nn.Bilinear"), HALVES),
    **dict.fromkeys(("torch.nn.CosineSimilarity", "torch.nn.PairwiseDistance"), HALVES),
    **dict.fromkeys(("torch.nn.LPPool1d", "torch.nn.LPPool2d", "torch.nn.LPPool3d"), HALVES),
    "torch.optim.swa_utils.AveragedModel": HALVES,
    **dict.fromkeys(("torch.optim.SGD", "torch.optim.ASGD", "torch.optim.Rprop"), HALVES),
    **dict.fromkeys(("torch.optim.Adam", "torch.optim.AdamW", "torch.optim.NAdam", "torch.optim.RAdam", "torch.optim.Adamax"), HALVES),
    **dict.fromkeys(("torch.optim.Adagrad", "torch.optim.RMSprop", "torch.optim.Adadelta"), HALVES),
    **dict.fromkeys(("torch.optim.Adafactor", "torch.optim.Muon", "torch.optim.SparseAdam", "torch.optim.LBFGS"), HALVES),
    **dict.fromkeys(("torch.nn.utils.clip_grad_norm_", "torch.nn.functional.l1_loss"), HALVES),
    "torch.gather": HALVES,  # a composition, DeformableConvolution
    "torch.ops.torchvision.deform_conv2d": HALVES,
    "torch.nn.functional.affine_grid": HALVES,
    "torch.nn.Sigmoid": ("float16",),
    **dict.fromkeys(LOSSES, HALVES),
}

# The same, in versions before 2.8 only (read off results of 2.4, which were not compared with 2.5 to 2.7).
COMPOSITE_BEFORE_2_8 = (
    "torch.nn.RMSNorm",
    "torch.nn.Softmax",
    "torch.nn.Softmin",
    "torch.nn.functional.scaled_dot_product_attention",
)

# Fractional bits of tables of weights that are kept as 16-bit integers (aten/src/ATen/native/cpu/UpSampleKernel.cpp, its note on uint8).
TABLE_BITS = {("torch.nn.functional.interpolate", "uint8"): 14}

LACKING: Mapping[str, tuple[str, ...]] = dict.fromkeys(("torch.nn.AvgPool3d", "torch.nn.LPPool3d"), HALVES)  # on a processor

# What not every version documents, and no other device computes: an operation, and the word for it in the documentation of its name.
ON_A_PROCESSOR: Mapping[str, str] = dict.fromkeys(("interpolate_lanczos", "interpolate_lanczos_bytes"), "lanczos")

# Options that not every version has, and the name whose documentation then has them: a case that uses one is not asked of an older version.
LATER: Mapping[str, str] = {"enable_gqa": "nn.functional.scaled_dot_product_attention"}

# Layers that multiply matrices or convolve, forwards or backwards.
PRODUCTS = frozenset(
    (
        "Conv1d",
        "Conv2d",
        "Conv3d",
        "ConvTranspose1d",
        "ConvTranspose2d",
        "ConvTranspose3d",
        "Conv2d_DepthwiseSeparable",
        "gather_DeformableConvolution",
        "affine_grid",
        "Linear",
        "Bilinear",
        "Sequential",
        "scaled_dot_product_attention",
        "MultiheadAttention",
        "one_hot_HardAttention",
        "Sequential_SqueezeExcitation",
        "Conv2d_SpatialAttention",
        "Softmax_ScaleAttention",
        "Softmax_TemporalAttention",
    )
)

# oneDNN flushes subnormals in bfloat16 on processors with AVX512-BF16 (measured: 2⁻¹³⁰ · 2¹²⁰ gives 0 in a convolution).
FLUSHED_IN_BFLOAT16 = PRODUCTS | {"GELU", "scaled_dot_product_attention_Dropout", "MultiheadAttention_Dropout"}

# Attention takes its own exponential: 20 ulps in float32 (pytorch PR 115151; 3.1 measured), 1.56e-4 in the halves (measured;
# PR 151441), and 0 below 2^-125.5, where it takes a power of two that is not normal (measured).
ATTENTION = ("torch.nn.functional.scaled_dot_product_attention", "torch.nn.MultiheadAttention")
EXPONENTIAL = {"float32": Accuracy(20.0, flush=2**0.5), **dict.fromkeys(HALVES, Accuracy(1320.0, flush=2**0.5))}


def tensor_of(array: np.ndarray | None, layout: str = "contiguous", device: str = "cpu") -> Any:
    """The array as a tensor that shares nothing with it, with the strides of the named layout."""
    if array is None:
        return None
    laid_out = lay_out(array.copy(), layout)
    bits = laid_out.view(np.int16) if laid_out.dtype == DTYPES["bfloat16"] else laid_out
    tensor = torch.from_numpy(bits)
    tensor = tensor.view(torch.bfloat16) if laid_out.dtype == DTYPES["bfloat16"] else tensor
    return tensor if device == "cpu" else _like(tensor, device)


def _like(tensor: Any, device: str) -> Any:
    """The tensor on a device, with the same strides and storage offset."""
    storage = tensor.new_empty(0).set_(tensor.untyped_storage()).to(device)
    return storage.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())


def array_of(result: Any) -> np.ndarray:
    """A tensor (a sparse one with its zeros), or a plain number, as a NumPy array of the same dtype."""
    if not torch.is_tensor(result):
        return np.asarray(result)
    tensor = result.detach().cpu()
    tensor = tensor.to_dense() if tensor.is_sparse else tensor
    if tensor.dtype == torch.bfloat16:
        return np.asarray(tensor.contiguous().view(torch.int16).numpy()).view(DTYPES["bfloat16"])
    return np.asarray(tensor.contiguous().numpy())


def arrays_of(results: Any) -> Results:
    """Results by name as NumPy arrays: a single one is called "output"."""
    by_name = results if isinstance(results, Mapping) else {"output": results}
    return {name: array_of(result) for name, result in by_name.items()}


def differentiable(operation: Operation, tensors: dict[str, Any]) -> dict[str, Any]:
    """The tensors, gradients asked for wherever they are taken."""
    for name, tensor in tensors.items():
        if tensor is not None and tensor.is_floating_point() and name not in operation.constants:
            tensor.requires_grad_()
    return tensors


def main_result(results: Any) -> Any:
    """The result called "output"."""
    return results["output"] if isinstance(results, Mapping) else results


def shapes_of(results: Any) -> Mapping[str, tuple[Shape, str]]:
    """Shapes and dtype names of results by name."""
    by_name = results if isinstance(results, Mapping) else {"output": results}
    return {name: (tuple(r.shape), str(r.dtype).removeprefix("torch.")) for name, r in by_name.items()}


def flops(operation: Operation, case: Case, tensors: dict[str, Any]) -> dict[str, int]:
    """What torch's counter counts of a call, or of its backward pass where the case asks for that and there is one."""
    mode = importlib.import_module("torch.utils.flop_counter").FlopCounterMode
    if not case.asked.startswith("backward"):
        with mode(display=False) as forward:
            operation.call(**tensors, **case.options)
        return {"flops": forward.get_total_flops()}
    output = main_result(operation.call(**differentiable(operation, tensors), **case.options))
    if not output.requires_grad:
        return {}
    with mode(display=False) as backward:
        output.backward(torch.ones_like(output))
    return {"backward_flops": backward.get_total_flops()}


@dataclass(frozen=True)
class TorchEager:
    """PyTorch's own kernels on a device."""

    name: str = "cpu"
    device: str = "cpu"
    library: str = "torch"
    refusals: tuple[type[Exception], ...] = REFUSALS
    layouts: tuple[str, ...] = tuple(name for name in LAYOUTS if name != "reversed")  # tensors have no negative strides
    known_failures: Path = field(default=Path(__file__).with_suffix(".toml"), repr=False)

    def __post_init__(self) -> None:
        if self.device == "cpu":
            torch.set_num_threads(1)

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """IEEE arithmetic, sums in any order, and what the tables above say."""
        flush = dtype == "bfloat16" and operation.id in FLUSHED_IN_BFLOAT16
        earlier = dtype in HALVES and operation.name in COMPOSITE_BEFORE_2_8 and torch.__version__ < "2.8"
        composite = earlier or dtype in COMPOSITE.get(operation.name, ())
        by = ieee(dtype).but(flush=flush, composite=composite, table_bits=TABLE_BITS.get((operation.name, dtype)))
        if operation.name == "torch.optim.Muon":  # multiplies in bfloat16, see FLUSHED_IN_BFLOAT16
            by = by.but(operand=BFLOAT16, flush=True)
        own = operation.name in ATTENTION and dtype in EXPONENTIAL
        return by.but(accuracy={**TABLE, "exp": EXPONENTIAL[dtype]}) if own else by

    def lacks(self, operation: Operation, dtype: str) -> str | None:
        """Why a pair cannot be formed: no kernel, no such class in the installed torch, or a library of torch.ops that is missing."""
        if self.device == "cpu" and dtype in LACKING.get(operation.name, ()):
            return f"{operation.name} has no kernel for {dtype}"
        if not operation.name.startswith("torch.ops.") and not exists(operation.name):
            return f"the installed torch has no {operation.name}"
        word = ON_A_PROCESSOR.get(operation.id, "")
        if word and (self.device != "cpu" or word not in named(operation.name).__doc__):
            return f"{operation.name} has no {word} {'in the installed torch' if self.device == 'cpu' else f'on {self.device}'}"
        _, _, registered = operation.name.partition("torch.ops.")
        return import_reason(registered.partition(".")[0]) if registered else None

    def tensors(self, operation: Operation, case: Case) -> dict[str, Any]:
        """The case's arrays on the device, laid out as the case says; NotAsked where the installed torch lacks an option."""
        reason = undocumented(operation, case)
        if reason:
            raise NotAsked(reason)
        layouts = case.layouts
        return {name: tensor_of(a, layouts.get(name, "contiguous"), self.device) for name, a in case.arrays.items()}

    def on_meta(self, operation: Operation, case: Case) -> dict[str, Any]:
        """The case's arrays without their data."""
        return {name: None if tensor is None else tensor.to("meta") for name, tensor in self.tensors(operation, case).items()}

    def run(self, operation: Operation, case: Case) -> Results:
        """Call the operation on tensors made of the case's arrays."""
        return arrays_of(operation.call(**self.tensors(operation, case), **case.options))

    def pullback(self, operation: Operation, case: Case, dy: np.ndarray) -> Results:
        """Gradients of "output" with the cotangent dy, for every floating input."""
        tensors = differentiable(operation, self.tensors(operation, case))
        output = main_result(operation.call(**tensors, **case.options))
        output.backward(tensor_of(dy, case.layouts.get("dy", "contiguous"), self.device))
        return {name: array_of(t.grad) for name, t in tensors.items() if t is not None and t.grad is not None}

    def abstract(self, operation: Operation, case: Case) -> Mapping[str, tuple[Shape, str]]:
        """Shapes and dtypes as the meta device infers them."""
        with torch.device("meta"):
            return shapes_of(operation.call(**self.on_meta(operation, case), **case.options))

    def fake(self, operation: Operation, case: Case) -> Mapping[str, tuple[Shape, str]]:
        """Shapes and dtypes as fake tensors have them: those of the device, without data."""
        with importlib.import_module("torch._subclasses.fake_tensor").FakeTensorMode() as mode:
            tensors = {name: None if t is None else mode.from_tensor(t) for name, t in self.tensors(operation, case).items()}
            return shapes_of(operation.call(**tensors, **case.options))

    def count(self, operation: Operation, case: Case) -> Mapping[str, int]:
        """Parameters of the layer and FLOPs of the call and of its backward pass, as torch counts them."""
        tensors = self.tensors(operation, case)
        layer = operation.module(**tensors, **case.options) if operation.module else None
        parameters = sum(parameter.numel() for parameter in layer.parameters()) if layer else 0
        return {"parameters": parameters, **flops(operation, case, tensors)}

    def abstract_count(self, operation: Operation, case: Case) -> Mapping[str, int]:
        """FLOPs of both passes on the meta device."""
        with torch.device("meta"):
            return flops(operation, case, self.on_meta(operation, case))

    def environment(self) -> Mapping[str, str]:
        """Versions, the processor's capability as torch's kernels take it, and the instructions that oneDNN's may use."""
        return {
            "torch": torch.__version__.partition("+")[0],
            "build": torch.__version__,
            "device": self.device if self.device == "cpu" else torch.cuda.get_device_name() if "cuda" in self.device else self.device,
            "capability": torch.backends.cpu.get_cpu_capability(),
            **onednn_instructions(),
        }


@cache
def import_reason(library: str) -> str | None:
    """Why a library cannot be imported here, or None where it can."""
    try:
        importlib.import_module(library)
    except (ImportError, RuntimeError, OSError) as error:
        return f"{library} cannot be imported: {error}".splitlines()[0]
    return None


def device_reason(device: str) -> str | None:
    """Why tensors cannot live on a device here, or None where they can."""
    try:
        torch.ones(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError, ModuleNotFoundError) as error:
        return str(error).splitlines()[0].partition(". ")[0]
    return None


def form(name: str) -> Backend:
    """The backend on a device, by the device's name."""
    return TorchEager(name=name, device=name)
