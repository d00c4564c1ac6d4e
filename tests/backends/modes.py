"""Modes of CUDA in miniature: products and convolutions on a processor that compute as a tensor core does, or worse.

The switches of a mode do nothing without a device, so what they ask of one is done here, between autograd and the kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from conformance.backends.torch_cuda import MODES, TorchCuda
from conformance.model import Case, Operation, Results

Read = Callable[[torch.Tensor], torch.Tensor]
Multiply = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # (N, L, K), (N, K, M) → float32 (N, L, M)


def as_it_is(x: torch.Tensor) -> torch.Tensor:
    """An operand that is not rounded."""
    return x


def in_tf32(x: torch.Tensor) -> torch.Tensor:
    """float32 rounded to 11 bits, ties away from zero, as cvt.rna.tf32.f32 does."""
    rounded = ((x.view(torch.int32) + (1 << 12)) & -(1 << 13)).view(torch.float32)
    return torch.where(torch.isfinite(x), rounded, x)


def in_bfloat16(x: torch.Tensor) -> torch.Tensor:
    """float32 rounded to 8 bits."""
    return x.bfloat16().float()


def chopped(a: torch.Tensor, b: torch.Tensor, block: int = 8) -> torch.Tensor:
    """A block at a time, products and the sum so far are aligned with the largest and cut off, and so is their sum."""
    a, b = a.double(), b.double()
    total = a.new_zeros(a.shape[0], a.shape[1], b.shape[2])
    for at in range(0, a.shape[2], block):
        products = a[:, :, at : at + block, None] * b[:, None, at : at + block]
        terms = torch.cat([products, total[:, :, None]], dim=2)
        total = cut_off(cut_off(terms, terms.abs().amax(dim=2, keepdim=True)).sum(dim=2))
    return torch.where(torch.isfinite(total), total, a @ b).float()


def cut_off(x: torch.Tensor, like: torch.Tensor | None = None) -> torch.Tensor:
    """Numbers without what is below the last place of float32 numbers, their own or those `like` others."""
    exponent = torch.frexp(x if like is None else like).exponent.clamp(min=-125)
    place = torch.ldexp(torch.ones_like(exponent, dtype=x.dtype), exponent - 24)
    return torch.trunc(x / place) * place


def nearest(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Sums in float32, each rounded to nearest."""
    return a.float() @ b.float()


def in_parts(dtype: torch.dtype, least: int, multiply: Multiply = chopped) -> Multiply:
    """Sums of parts of so many products, stored, and added in the format that they are stored in; a sum of one part is not."""

    def parts(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        if least > 1 and a.shape[2] <= least:
            return multiply(a, b)
        total = a.new_zeros(a.shape[0], a.shape[1], b.shape[2], dtype=dtype)
        for at in range(0, a.shape[2], least):
            part = multiply(a[:, :, at : at + least], b[:, at : at + least]).to(dtype)
            total = total + part if at else part
        return total.float()

    return parts


class Products(TorchDispatchMode):
    """Products and convolutions of a dtype with operands that are read, and multiplied, otherwise; a bias is added as always."""

    def __init__(self, dtype: torch.dtype, read: Read, multiply: Multiply) -> None:
        super().__init__()
        self.dtype, self.read, self.multiply = dtype, read, multiply

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        own = getattr(self, function.overloadpacket.__name__, None)
        concerned = own is not None and any(torch.is_tensor(a) and a.dtype == self.dtype for a in args) and "out" not in (kwargs or {})
        return own(function, *args, **(kwargs or {})) if concerned else function(*args, **(kwargs or {}))

    def bmm(self, function: Any, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self.multiply(self.read(a), self.read(b)).to(self.dtype)

    def baddbmm(self, function: Any, c: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *, beta: Any = 1, alpha: Any = 1) -> torch.Tensor:
        product = self.multiply(self.read(a), self.read(b)) * alpha
        return (product + c.float() * beta if beta else product).to(self.dtype)

    def mm(self, function: Any, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self.bmm(function, a[None], b[None])[0]

    def addmm(self, function: Any, c: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *, beta: Any = 1, alpha: Any = 1) -> torch.Tensor:
        return self.baddbmm(function, c, a[None], b[None], beta=beta, alpha=alpha)[0]

    def convolution(self, function: Any, x: torch.Tensor, weight: torch.Tensor, *rest: Any) -> torch.Tensor:
        return function(self.read(x), self.read(weight), *rest)

    def convolution_backward(self, function: Any, dy: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, *rest: Any) -> Any:
        *options, (by_x, by_weight, by_bias) = rest
        found = function(self.read(dy), self.read(x), self.read(weight), *options, [by_x, by_weight, False])
        return (*found[:2], function(dy, x, weight, *options, [False, False, by_bias])[2] if by_bias else None)


STRICTEST = partial(Products, torch.float32, as_it_is, nearest)


@dataclass(frozen=True)
class InMiniature(TorchCuda):
    """A mode of CUDA without CUDA: kernels of the processor, but for products."""

    device: str = "cpu"
    products: Callable[[], Products] = STRICTEST

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Inside the block products are the miniature's, also those of attention, which has no kernel of its own then."""
        with sdpa_kernel([SDPBackend.MATH]), self.products():
            yield

    def run(self, operation: Operation, case: Case) -> Results:
        with self.computing():
            return super().run(operation, case)

    def pullback(self, operation: Operation, case: Case, dy: np.ndarray) -> Results:
        with self.computing():
            return super().pullback(operation, case, dy)


def miniature(name: str, *products: Any) -> InMiniature:
    """The mode of a name, with products computed so."""
    return InMiniature(name=name, mode=MODES[name], products=partial(Products, *products))


COMPUTED: Mapping[str, tuple[Any, ...]] = {
    "cuda_tf32": (torch.float32, in_tf32, chopped),
    "cuda_fp16_reduced": (torch.float16, as_it_is, in_parts(torch.float16, 8)),
    "cuda_bf16_reduced": (torch.bfloat16, as_it_is, in_parts(torch.bfloat16, 8)),
    "cuda_fp16_accumulated": (torch.float16, as_it_is, in_parts(torch.float16, 1)),
}

TENSOR_FLOAT = miniature("cuda_tf32", *COMPUTED["cuda_tf32"])  # pytest conformance --backend tests.backends.modes:TENSOR_FLOAT
