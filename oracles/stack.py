"""Stacks of layers: what a sequence of layers computes."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from oracles.bounded import contract
from oracles.convolution import convolution
from oracles.layers import Layer, kind_of, layer_shape, look, parameter_shapes, ratio_of, windowed
from oracles.pooling import max_pool
from oracles.transposed_convolution import transposed_convolution
from oracles.windows import Sides


def weighted(x: Any, matrices: list[np.ndarray]) -> Any:
    """Every output a sum over all inputs, weighted by the product of each axis's weights: (N, C, H, …) → (N, C, H′, …)."""
    whole = functools.reduce(np.kron, matrices)
    y = contract("ncs,ts->nct", x.reshape(*x.shape[:2], math.prod(x.shape[2:])), whole)
    return y.reshape(*x.shape[:2], *map(len, matrices))


def cells_of(layer: Layer, x: Any, y: Sides) -> list[np.ndarray]:
    """For each axis, the cells that each output sees."""
    return [look(layer, axis, x.shape[axis + 2], y[axis + 2])[1] for axis in range(x.ndim - 2)]


def average(layer: Layer, x: Any, y: Sides) -> Any:
    """The sum over the window, by its cells: those in the image, or in the image and its padding with count_include_pad."""
    divisors = []
    for axis, (cells, side) in enumerate(zip(cells_of(layer, x, y), x.shape[2:], strict=True)):
        kernel, stride, padding, _ = windowed(layer, axis)
        start = np.arange(len(cells)) * stride
        divisors.append(np.minimum(start + kernel, side + 2 * padding) - start if layer[5] else cells.sum(axis=1))
    return weighted(x, [1.0 * cells for cells in cells_of(layer, x, y)]) / functools.reduce(np.multiply.outer, divisors)


def adaptive(layer: Layer, x: Any, y: Sides) -> Any:
    """The mean over the cells that each output sees, or the largest of them."""
    cells = cells_of(layer, x, y)
    if kind_of(layer) == "AdaptiveAvgPool":
        return weighted(x, [1.0 * c for c in cells]) / functools.reduce(np.multiply.outer, [c.sum(axis=1) for c in cells])
    flat, whole = x.reshape(*x.shape[:2], math.prod(x.shape[2:])), functools.reduce(np.kron, cells)
    return np.stack([np.max(flat[:, :, np.flatnonzero(seen)], axis=-1) for seen in whole], axis=-1).reshape(y)


def linear_weights(side: int, new: int, ratio: float, align_corners: bool) -> np.ndarray:
    """1 − |j − source|, the source not before the first cell, the cell behind the last one repeating it: (new, side + 1)."""
    source = np.arange(new) * ratio if align_corners else np.maximum((np.arange(new) + 0.5) * ratio - 0.5, 0)
    return np.asarray(np.maximum(1 - abs(np.arange(side + 1) - source[:, None]), 0))


def upsampled(layer: Layer, x: Any, y: Sides) -> Any:
    """The one cell that each output sees, or its neighbours weighted by how near they are."""
    if layer[3].startswith("nearest"):
        return x[(slice(None), slice(None), *np.ix_(*(cells.argmax(axis=1) for cells in cells_of(layer, x, y))))]
    corners, sides = len(layer) > 4 and bool(layer[4]), list(zip(x.shape[2:], y[2:], strict=True))
    x = np.pad(x, ((0, 0), (0, 0), *[(0, 1)] * len(sides)), "edge")
    return weighted(x, [linear_weights(*both, float(ratio_of(layer, axis, *both)), corners) for axis, both in enumerate(sides)])


def channel_shuffle(x: Any, groups: int) -> Any:
    """The first channel of each group, then the second of each, …"""
    n, c, *sides = x.shape
    return np.swapaxes(x.reshape(n, groups, c // groups, *sides), 1, 2).reshape(x.shape)


def pixel_shuffle(x: Any, r: int) -> Any:
    """r² channels dealt out to r×r pixels."""
    n, c, h, w = x.shape
    return np.transpose(x.reshape(n, c // r**2, r, r, h, w), (0, 1, 4, 2, 5, 3)).reshape(n, c // r**2, h * r, w * r)


def pixel_unshuffle(x: Any, r: int) -> Any:
    """r×r pixels gathered in r² channels."""
    n, c, h, w = x.shape
    return np.transpose(x.reshape(n, c, h // r, r, w // r, r), (0, 1, 3, 5, 2, 4)).reshape(n, c * r**2, h // r, w // r)


def convolved(layer: Layer, x: Any, weight: Any, bias: Any) -> Any:
    """A convolution or a transposed one."""
    _, _, _, _, stride, padding, more, groups, _, *rest = layer
    if kind_of(layer) == "Conv":
        return convolution(x, weight, bias, stride=stride, padding=padding, dilation=more, groups=groups)
    options = {"stride": stride, "padding": padding, "output_padding": more, "groups": groups, "dilation": rest[0]}
    return transposed_convolution(x, weight, bias, **options)


def max_pooled(layer: Layer, x: Any, y: Sides) -> Any:
    """The largest cell of each window."""
    names = ("kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode")
    return max_pool(x, **dict(zip(names, layer[1:], strict=True)), rank=x.ndim - 2)["output"]


VALUES: Mapping[str, Callable[..., Any]] = {
    "MaxPool": max_pooled,
    "AvgPool": average,
    "AdaptiveAvgPool": adaptive,
    "AdaptiveMaxPool": adaptive,
    "Upsample": upsampled,
    "ChannelShuffle": lambda layer, x, y: channel_shuffle(x, layer[1]),
    "PixelShuffle": lambda layer, x, y: pixel_shuffle(x, layer[1]),
    "PixelUnshuffle": lambda layer, x, y: pixel_unshuffle(x, layer[1]),
    "ReLU": lambda layer, x, y: np.maximum(x, 0),
}


def stack(x: Any, values: Any, *, layers: tuple[Layer, ...]) -> Any:
    """Layer after layer, y = f_n(… f_2(f_1(x))), their weights and biases cut from `values` in order.

    x (N, C, H, …), values (P,) → (N, C′, H′, …)
    Source: torch.nn.Sequential; torch.nn.Conv2d, ConvTranspose2d, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, Upsample, PixelShuffle.
    """
    start = 0
    for layer in layers:
        own: list[Any] = []
        for shape in parameter_shapes(layer):
            own.append(values[start : start + math.prod(shape)].reshape(shape))
            start += math.prod(shape)
        x = convolved(layer, x, *(*own, None)[:2]) if own else VALUES[kind_of(layer)](layer, x, layer_shape(layer, x.shape))
    return x
