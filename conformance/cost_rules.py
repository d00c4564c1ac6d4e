"""How the cost of a layer is told: a rule for each class of torch.nn that holds parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from conformance.model import Shape
from oracles import costs
from oracles.costs import Work

Rule = Callable[[Any, Sequence[Shape], Shape], Work]  # the layer, the shapes of its inputs, of its first result


def _convolution(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.convolution(inputs[0], y, layer.in_channels, layer.out_channels, layer.kernel_size, layer.groups, layer.bias is not None)


def _transposed(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    options = (layer.in_channels, layer.out_channels, layer.kernel_size, layer.groups, layer.bias is not None)
    return costs.transposed_convolution(inputs[0], y, *options)


def _linear(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.linear(inputs[0], y, layer.in_features, layer.out_features, layer.bias is not None)


def _bilinear(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    features = (layer.in1_features, layer.in2_features, layer.out_features)
    return costs.bilinear(inputs[0], inputs[1], y, *features, layer.bias is not None)


def _batch_norm(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.channel_norm(inputs[0], layer.num_features, layer.affine)


def _group_norm(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.channel_norm(inputs[0], layer.num_channels, layer.affine)


def _layer_norm(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.layer_norm(inputs[0], layer.normalized_shape, layer.elementwise_affine, getattr(layer, "bias", None) is not None)


def _embedding(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.embedding(inputs[0], y, layer.num_embeddings, layer.embedding_dim)


def _prelu(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.elementwise(inputs[0], y, layer.num_parameters)


def _attention(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    query, key = inputs[0], inputs[1] if len(inputs) > 1 else inputs[0]
    axis = 1 if layer.batch_first and len(query) == 3 else 0
    batch = math.prod(query[:-1]) // query[axis] if query[axis] else 0
    kinds = (layer.embed_dim, layer.kdim, layer.vdim, layer.in_proj_bias is not None)
    return costs.multihead_attention(query[axis], key[axis], batch, *kinds, layer.bias_k is not None, layer.add_zero_attn)


def _recurrence(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    kind, steps = type(layer).__name__, math.prod(inputs[0][:-1])
    options = (layer.num_layers, layer.bias, layer.bidirectional, layer.proj_size)
    return costs.recurrence(kind, steps, 1, layer.input_size, layer.hidden_size, *options)


def _cell(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    kind, steps = type(layer).__name__.removesuffix("Cell"), math.prod(inputs[0][:-1])
    return costs.recurrence(kind, 1, steps, layer.input_size, layer.hidden_size, 1, layer.bias)


def elementwise(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    """The rule of a layer without products, whatever parameters it holds."""
    return costs.elementwise(inputs[0] if inputs else (0,), y, sum(p.numel() for p in layer.parameters()))


LAYERS: Mapping[str, Rule] = {
    **{f"Conv{rank}d": _convolution for rank in (1, 2, 3)},
    **{f"ConvTranspose{rank}d": _transposed for rank in (1, 2, 3)},
    **{f"{kind}Norm{rank}d": _batch_norm for kind in ("Batch", "Instance") for rank in (1, 2, 3)},
    "SyncBatchNorm": _batch_norm,
    "GroupNorm": _group_norm,
    "LayerNorm": _layer_norm,
    "RMSNorm": _layer_norm,
    "Linear": _linear,
    "Bilinear": _bilinear,
    "Embedding": _embedding,
    "EmbeddingBag": _embedding,
    "PReLU": _prelu,
    "MultiheadAttention": _attention,
    **dict.fromkeys(("RNN", "LSTM", "GRU"), _recurrence),
    **dict.fromkeys(("RNNCell", "LSTMCell", "GRUCell"), _cell),
}


def rule_of(layer: Any, known: Mapping[type, Rule]) -> Rule | None:
    """How a layer's cost is told, by its class or the nearest base that is known."""
    for base in type(layer).__mro__:
        if base in known:
            return known[base]
        if base.__module__.startswith("torch.nn.modules.") and base.__name__ in LAYERS:
            return LAYERS[base.__name__]
    return None
