"""Stacks of layers: what a sequence of layers computes, and its shapes, costs and receptive field, each composed layer by layer.

A layer is a tuple of its class's name in torch.nn and all of its positional arguments, ("MaxPool2d", 3, 2, 1) say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from oracles import costs, receptive_field, shapes
from oracles.bounded import contract
from oracles.convolution import convolution, convolution_gradient
from oracles.costs import Work
from oracles.pooling import max_pool
from oracles.receptive_field import Field, Look, along
from oracles.windows import Sides, spread

Layer = tuple[Any, ...]
Sight = tuple[Field, np.ndarray]  # the formula, and the set


# Shapes.

SHAPES: Mapping[str, Callable[..., Sides]] = {
    "Conv2d": lambda x, i, o, k, s, p, d, g, bias: shapes.convolution(x, o, k, s, p, d, rank=2),
    "ConvTranspose2d": lambda x, i, o, k, s, p, more, g, bias, d: shapes.transposed_convolution(x, o, k, s, p, more, d, rank=2),
    "MaxPool2d": lambda x, k, s, p: shapes.pooling(x, k, s, p, rank=2),
    "AvgPool2d": lambda x, k, s, p: shapes.pooling(x, k, s, p, rank=2),
    "AdaptiveAvgPool2d": lambda x, size: shapes.adaptive_pooling(x, size, rank=2),
    "Upsample": lambda x, size, factor, mode: shapes.upsampling(x, size, factor, rank=2),
    "PixelShuffle": shapes.pixel_shuffle,
    "ChannelShuffle": lambda x, groups: x,
    "ReLU": lambda x: x,
}


def along_the_way(x: Sides, layers: Iterable[Layer]) -> Iterator[tuple[Layer, Sides, Sides]]:
    """Each layer with the shape of what it takes and of what it gives."""
    for layer in layers:
        name, *arguments = layer
        y = SHAPES[name](x, *arguments)
        yield layer, x, y
        x = y


def stack_shape(x: Sides, layers: Iterable[Layer]) -> Sides:
    """The shape of what the last layer gives."""
    return [x, *(y for _, _, y in along_the_way(x, layers))][-1]


# Costs.


def work(layer: Layer, x: Sides, y: Sides) -> Work:
    """What one layer costs."""
    name, *arguments = layer
    if name == "Conv2d":
        i, o, k, _, _, _, groups, bias = arguments
        return costs.convolution(x, y, i, o, spread(k, 2), groups, bias)
    if name == "ConvTranspose2d":
        i, o, k, _, _, _, groups, bias, _ = arguments
        return costs.transposed_convolution(x, y, i, o, spread(k, 2), groups, bias)
    return costs.elementwise(x, y)


def stack_work(x: Sides, layers: Iterable[Layer]) -> Work:
    """The sums over the layers; inputs and outputs are those of every layer."""
    every = [work(*step) for step in along_the_way(x, layers)]
    return Work(*(sum(getattr(w, name) for w in every) for name in ("parameters", "macs", "inputs", "outputs")))


# Receptive fields.


def _windowed(name: str, arguments: list[Any]) -> tuple[Any, Any, Any, Any]:
    """kernel, stride, padding, dilation."""
    if name == "ConvTranspose2d":
        _, _, k, s, p, _, _, _, d = arguments
    elif name == "Conv2d":
        k, s, p, d = arguments[2:6]
    else:
        k, s, p, d = *arguments, 1
    return k, s, p, d


def look(layer: Layer, axis: int, side: int, new: int) -> tuple[Look, np.ndarray]:
    """How a layer looks along an axis that had `side` cells and has `new`: three numbers, and the set."""
    name, *arguments = layer
    if name in ("Conv2d", "MaxPool2d", "AvgPool2d", "ConvTranspose2d"):
        options = [along(option, axis) for option in _windowed(name, arguments)]
        if name == "ConvTranspose2d":
            return receptive_field.transposed(*options), receptive_field.transposed_reach(side, new, *options)
        return receptive_field.window(*options), receptive_field.window_reach(side, new, *options)
    if name == "AdaptiveAvgPool2d":
        return receptive_field.adaptive(side, new), receptive_field.adaptive_reach(side, new)
    if name == "Upsample" and arguments[2] == "bilinear":
        return receptive_field.linear(Fraction(side, new)), receptive_field.linear_reach(side, new)
    return receptive_field.nearest(Fraction(side, new)), receptive_field.nearest_reach(side, new)


def sights(x: Sides, layers: Iterable[Layer]) -> tuple[Sight, ...]:
    """For each axis of an image, what the outputs of a stack see of its input."""
    steps = list(along_the_way(x, layers))

    def sight(axis: int) -> Sight:
        looks = [look(layer, axis, before[axis - 2], after[axis - 2]) for layer, before, after in steps]
        return receptive_field.field(three for three, _ in looks), receptive_field.reach((cells for _, cells in looks), x[axis - 2])

    return tuple(map(sight, range(2)))


# Values.


def _bilinear(x: Any, new: Sides) -> Any:
    """Four neighbours of each pixel, weighted by how near they are."""
    taps = []
    for side, count in zip(x.shape[2:], new, strict=True):
        source = np.maximum((np.arange(count) + 0.5) * (side / count) - 0.5, 0)
        low = np.floor(source).astype(int)  # beyond the last pixel both neighbours are that pixel
        taps.append(((low, 1 - (source - low)), (np.minimum(low + 1, side - 1), source - low)))
    cells = [(rows, columns, np.outer(a, b)) for rows, a in taps[0] for columns, b in taps[1]]
    around = np.stack([x[:, :, rows][:, :, :, columns] for rows, columns, _ in cells], axis=2)
    return contract("nckhw,khw->nchw", around, np.stack([weights for *_, weights in cells]))


def _adaptive(x: Any, new: Sides) -> Any:
    """The mean over the cells that each output sees."""
    height, width = (receptive_field.adaptive_reach(side, count) for side, count in zip(x.shape[2:], new, strict=True))
    rows = [[np.mean(x[:, :, np.flatnonzero(a)][:, :, :, np.flatnonzero(b)], axis=(2, 3)) for b in width] for a in height]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _shuffle(x: Any, groups: int) -> Any:
    n, c, *sides = x.shape
    return np.swapaxes(x.reshape(n, groups, c // groups, *sides), 1, 2).reshape(x.shape)


def _pixel_shuffle(x: Any, r: int) -> Any:
    n, c, h, w = x.shape
    return np.transpose(x.reshape(n, c // r**2, r, r, h, w), (0, 1, 4, 2, 5, 3)).reshape(n, c // r**2, h * r, w * r)


def value(layer: Layer, x: Any, weight: Any, bias: Any) -> Any:
    """What one layer computes."""
    name, *arguments = layer
    new = SHAPES[name](x.shape, *arguments)
    if name == "Conv2d":
        _, stride, padding, dilation = (spread(option, 2) for option in _windowed(name, arguments))
        return convolution(x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=arguments[6])
    if name == "ConvTranspose2d":
        _, stride, padding, dilation = (spread(option, 2) for option in _windowed(name, arguments))
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": arguments[6]}
        y = convolution_gradient(x, np.zeros(new), weight, **options)["x"]
        return y if bias is None else y + bias.reshape(-1, 1, 1)
    if name == "MaxPool2d":
        return max_pool(x, **dict(zip(("kernel_size", "stride", "padding"), arguments, strict=True)))["output"]
    if name == "AvgPool2d":
        kernel, stride, padding, _ = (spread(option, 2) for option in _windowed(name, arguments))
        ones, channels = np.ones((x.shape[1], 1, *kernel)), x.shape[1]
        return convolution(x, ones, stride=stride, padding=padding, groups=channels) / math.prod(kernel)
    if name == "Upsample" and arguments[2] == "nearest":
        return np.repeat(np.repeat(x, new[2] // x.shape[2], axis=2), new[3] // x.shape[3], axis=3)
    others = {
        "Upsample": lambda: _bilinear(x, new[2:]),
        "AdaptiveAvgPool2d": lambda: _adaptive(x, new[2:]),
        "ChannelShuffle": lambda: _shuffle(x, *arguments),
        "PixelShuffle": lambda: _pixel_shuffle(x, *arguments),
        "ReLU": lambda: np.maximum(x, 0),
    }
    return others[name]()


def parameter_shapes(layer: Layer) -> list[Sides]:
    """The shapes of a layer's weight and bias, none where it has none."""
    name, *arguments = layer
    if name not in ("Conv2d", "ConvTranspose2d"):
        return []
    i, o, k = arguments[:3]
    groups, bias = arguments[6:8]
    first = (o, i // groups) if name == "Conv2d" else (i, o // groups)
    return [(*first, *spread(k, 2)), *([(o,)] if bias else [])]


def stack(x: Any, values: Any, *, layers: tuple[Layer, ...]) -> Any:
    """Layer after layer, y = f_n(… f_2(f_1(x))), their weights and biases cut from `values` in order.

    x (N, C, H, W), values (P,) → (N, C′, H′, W′)
    Source: torch.nn.Sequential; torch.nn.Conv2d, ConvTranspose2d, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, Upsample, PixelShuffle.
    """
    start = 0
    for layer in layers:
        own: list[Any] = []
        for shape in parameter_shapes(layer):
            own.append(values[start : start + math.prod(shape)].reshape(shape))
            start += math.prod(shape)
        x = value(layer, x, *(*own, None, None)[:2])
    return x
