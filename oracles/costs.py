"""What a layer costs: parameters, multiply-accumulates, floating-point operations, bytes moved, arithmetic intensity.

A multiply-accumulate is one product added to a sum, and two floating-point operations. Only products with learnt or computed factors that
are summed count: convolutions, linear layers, attention, recurrences. Biases, norms, activations and pooling have none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from oracles.windows import Sides


@dataclass(frozen=True)
class Cost:
    """Parameters of a layer, multiply-accumulates of one call, and the floating-point operations of these products.

    The backward pass forms every product twice, unless `backward_macs` says that not all of its factors have a derivative.
    """

    parameters: int
    macs: int
    backward_macs: int | None = field(default=None, kw_only=True)

    @property
    def flops(self) -> int:
        """Of the forward pass: a product and an addition for each multiply-accumulate."""
        return 2 * self.macs

    @property
    def backward_flops(self) -> int:
        """Of the backward pass: every product has two factors, and each of their derivatives takes the same products again."""
        return 2 * (2 * self.macs if self.backward_macs is None else self.backward_macs)


@dataclass(frozen=True)
class Work(Cost):
    """The cost of one call of a layer with what it moves; `inputs` and `outputs` are elements."""

    inputs: int
    outputs: int

    def bytes(self, itemsize: int = 4) -> int:
        """Moved at least by the forward pass: inputs and parameters are read, outputs written, each once."""
        return (self.inputs + self.parameters + self.outputs) * itemsize

    def backward_bytes(self, itemsize: int = 4) -> int:
        """Moved at least by the backward pass: dy, inputs and parameters are read, derivatives of the two latter written."""
        return (self.outputs + 2 * self.inputs + 2 * self.parameters) * itemsize

    def intensity(self, itemsize: int = 4) -> float:
        """Arithmetic intensity of the forward pass, floating-point operations per byte moved."""
        return self.flops / self.bytes(itemsize) if self.bytes(itemsize) else 0.0


def convolution(x: Sides, y: Sides, in_channels: int, out_channels: int, kernel_size: Sides, groups: int = 1, bias: bool = True) -> Work:
    """(Cin/groups·ΠK + 1)·Cout parameters; each of the outputs takes Cin/groups·ΠK products: Cin·K·K·Hout·Wout·Cout in the plain case.

    x (N, Cin, H, …) → y (N, Cout, H′, …)
    Source: the article, section on FLOPs and MACs; torch.nn.Conv2d, Variables.
    """
    taps = in_channels // groups * math.prod(kernel_size)
    return Work((taps + bias) * out_channels, math.prod(y) * taps, math.prod(x), math.prod(y))


def transposed_convolution(
    x: Sides, y: Sides, in_channels: int, out_channels: int, kernel_size: Sides, groups: int = 1, bias: bool = True
) -> Work:
    """Cin·Cout/groups·ΠK + Cout parameters; each of the inputs takes Cout/groups·ΠK products, those that the padding cuts off included.

    Source: torch.nn.ConvTranspose2d, Variables.
    """
    taps = out_channels // groups * math.prod(kernel_size)
    return Work(in_channels * taps + bias * out_channels, math.prod(x) * taps, math.prod(x), math.prod(y))


def linear(x: Sides, y: Sides, in_features: int, out_features: int, bias: bool = True) -> Work:
    """(in_features + 1)·out_features parameters, in_features products for each output.

    Source: torch.nn.Linear, Variables.
    """
    return Work((in_features + bias) * out_features, math.prod(y) * in_features, math.prod(x), math.prod(y))


def bilinear(x1: Sides, x2: Sides, y: Sides, in1_features: int, in2_features: int, out_features: int, bias: bool = True) -> Work:
    """x₁ᵀ·A·x₂ for each output: in1·in2 products A·x₂, then in1 with x₁.

    Source: torch.nn.Bilinear, the formula and Variables.
    """
    pairs, inputs = in1_features * in2_features, math.prod(x1) + math.prod(x2)
    return Work((pairs + bias) * out_features, math.prod(y) * (pairs + in1_features), inputs, math.prod(y))


def elementwise(x: Sides, y: Sides, parameters: int = 0) -> Work:
    """Norms, activations, pooling, embeddings, dropout, movement: parameters, no products.

    Source: the article, which counts convolutions and fully connected layers.
    """
    return Work(parameters, 0, math.prod(x), math.prod(y))


def channel_norm(x: Sides, num_features: int, affine: bool = True, bias: bool = True) -> Work:
    """Batch, instance and group norm: one weight and one bias for each channel.

    Source: torch.nn.BatchNorm2d, torch.nn.InstanceNorm2d, torch.nn.GroupNorm, Variables.
    """
    return elementwise(x, x, (1 + bias) * num_features if affine else 0)


def layer_norm(x: Sides, normalized_shape: Any, elementwise_affine: bool = True, bias: bool = True) -> Work:
    """One weight and one bias for each element of normalized_shape; RMSNorm has no bias.

    Source: torch.nn.LayerNorm, Variables.
    """
    elements = math.prod(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else normalized_shape
    return elementwise(x, x, (1 + bias) * elements if elementwise_affine else 0)


def embedding(indices: Sides, y: Sides, num_embeddings: int, embedding_dim: int) -> Work:
    """A table of which rows are read.

    Source: torch.nn.Embedding, Variables.
    """
    return elementwise(indices, y, num_embeddings * embedding_dim)


def attention(query: Sides, key: Sides, value: Sides) -> Work:
    """Every query meets every key, E products each, and every value, V products each: N·H·L·S·(E + V).

    query (…, L, E), key (…, S, E), value (…, S, V)
    Source: Vaswani et al. 2017, equation 1.
    """
    pairs = math.prod(query[:-1]) * key[-2]
    outputs = math.prod(query[:-1]) * value[-1]
    return Work(0, pairs * (query[-1] + value[-1]), math.prod(query) + math.prod(key) + math.prod(value), outputs)


def multihead_attention(
    queries: int,
    keys: int,
    batch: int,
    embed_dim: int,
    kdim: int,
    vdim: int,
    bias: bool = True,
    add_bias_kv: bool = False,
    add_zero_attn: bool = False,
) -> Work:
    """Four projections and the attention between them; the heads share embed_dim, so their number does not matter.

    Source: Vaswani et al. 2017, section 3.2.2; torch.nn.MultiheadAttention, Variables.
    """
    weights = embed_dim * (2 * embed_dim + kdim + vdim)
    parameters = weights + (4 * embed_dim if bias else 0) + (2 * embed_dim if add_bias_kv else 0)
    projections = queries * 2 * embed_dim * embed_dim + keys * embed_dim * (kdim + vdim)
    pairs = queries * (keys + add_bias_kv + add_zero_attn)
    inputs = batch * (queries * embed_dim + keys * (kdim + vdim))
    return Work(parameters, batch * (projections + pairs * 2 * embed_dim), inputs, batch * queries * embed_dim)


GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def recurrence(
    kind: str,
    steps: int,
    batch: int,
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    bias: bool = True,
    bidirectional: bool = False,
    proj_size: int = 0,
) -> Work:
    """Per step, layer and direction: gates·H·(inputs + outputs) weights, two biases a gate, and proj_size·H for a projection.

    Source: torch.nn.RNN, torch.nn.GRU and torch.nn.LSTM, Variables.
    """
    gates, outputs, directions = GATES[kind], proj_size or hidden_size, 2 if bidirectional else 1
    fed = [input_size] + [directions * outputs] * (num_layers - 1)
    weights = directions * sum(gates * hidden_size * (features + outputs) + proj_size * hidden_size for features in fed)
    biases = directions * num_layers * 2 * gates * hidden_size if bias else 0
    return Work(weights + biases, steps * batch * weights, steps * batch * input_size, steps * batch * directions * outputs)
