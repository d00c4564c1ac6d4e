"""Layers as data: the shape, the cost and the receptive field of each, and of stacks of them, composed layer by layer.

A layer is a tuple of its class's name in torch.nn and its positional arguments, those that SHAPES lists, as in
("MaxPool2d", 3, 2, 1, 1, False, True). Names that end in 1d, 2d and 3d are one kind; every rule is for all ranks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from oracles import costs, receptive_field, shapes
from oracles.costs import Work
from oracles.receptive_field import Field, Look, along
from oracles.windows import Sides, spread

Layer = tuple[Any, ...]
Sight = tuple[Field, np.ndarray]  # the formula, and the set


def kind_of(layer: Layer) -> str:
    """The name of its class without the rank."""
    return re.sub(r"[123]d$", "", layer[0])


# Shapes.

SHAPES: Mapping[str, Callable[..., Sides]] = {
    "Conv": lambda rank, x, i, o, k, s, p, d, g, bias: shapes.convolution(x, o, k, s, p, d, rank=rank),
    "ConvTranspose": lambda rank, x, i, o, k, s, p, more, g, bias, d: shapes.transposed_convolution(x, o, k, s, p, more, d, rank=rank),
    "MaxPool": lambda rank, x, k, s, p, d, indices, ceil: shapes.pooling(x, k, s, p, d, ceil, rank=rank),
    "AvgPool": lambda rank, x, k, s, p, ceil, include: shapes.pooling(x, k, s, p, 1, ceil, rank=rank),
    "AdaptiveAvgPool": lambda rank, x, size: shapes.adaptive_pooling(x, size, rank=rank),
    "AdaptiveMaxPool": lambda rank, x, size: shapes.adaptive_pooling(x, size, rank=rank),
    "Upsample": lambda rank, x, size, factor, mode, corners=None: shapes.upsampling(x, size, factor, rank=rank),
    "PixelShuffle": lambda rank, x, r: shapes.pixel_shuffle(x, r),
    "PixelUnshuffle": lambda rank, x, r: shapes.pixel_unshuffle(x, r),
    "ChannelShuffle": lambda rank, x, groups: x,
    "ReLU": lambda rank, x: x,
}


def layer_shape(layer: Layer, x: Sides) -> Sides:
    """The shape of what a layer gives."""
    return SHAPES[kind_of(layer)](len(x) - 2, x, *layer[1:])


def along_the_way(x: Sides, layers: Iterable[Layer]) -> Iterator[tuple[Layer, Sides, Sides]]:
    """Each layer with the shape of what it takes and of what it gives."""
    for layer in layers:
        y = layer_shape(layer, x)
        yield layer, x, y
        x = y


def stack_shape(x: Sides, layers: Iterable[Layer]) -> Sides:
    """The shape of what the last layer gives."""
    return [x, *(y for _, _, y in along_the_way(x, layers))][-1]


def parameter_shapes(layer: Layer) -> list[Sides]:
    """The shapes of a layer's weight and bias, none where it has none."""
    name, *arguments = layer
    if kind_of(layer) not in ("Conv", "ConvTranspose"):
        return []
    i, o, k = arguments[:3]
    groups, bias = arguments[6:8]
    first = (o, i // groups) if kind_of(layer) == "Conv" else (i, o // groups)
    return [(*first, *spread(k, int(name[-2]))), *([(o,)] if bias else [])]


# Costs.


def work(layer: Layer, x: Sides, y: Sides) -> Work:
    """What one layer costs."""
    kind = kind_of(layer)
    if kind not in ("Conv", "ConvTranspose"):
        return costs.elementwise(x, y)
    i, o, k, _, _, _, groups, bias = layer[1:9]
    formula = costs.convolution if kind == "Conv" else costs.transposed_convolution
    return formula(x, y, i, o, spread(k, len(x) - 2), groups, bias)


def stack_work(x: Sides, layers: Iterable[Layer]) -> Work:
    """The sums over the layers; inputs and outputs are those of every layer."""
    every = [work(*step) for step in along_the_way(x, layers)]
    return Work(*(sum(getattr(w, name) for w in every) for name in ("parameters", "macs", "inputs", "outputs")))


# Receptive fields.


def windowed(layer: Layer, axis: int) -> tuple[int, int, int, int]:
    """kernel, stride, padding before the first cell, dilation, along an axis."""
    kind, arguments = kind_of(layer), layer[1:]
    if kind == "ConvTranspose":
        k, s, p, d = *arguments[2:5], arguments[8]
    elif kind == "Conv":
        k, s, p, d = arguments[2:6]
    else:
        k, s, p, d = *arguments[:3], arguments[3] if kind == "MaxPool" else 1
    before = along(d, axis) * (along(k, axis) - 1) // 2 if p == "same" else 0 if p == "valid" else along(p, axis)
    return along(k, axis), along(s, axis), before, along(d, axis)


def ratio_of(layer: Layer, axis: int, side: int, new: int) -> Fraction:
    """How many old cells there are to a new one: as scale_factor says, or as the sizes do."""
    _, size, factor, _, *corners = layer
    if corners and corners[0]:
        return Fraction(side - 1, max(new - 1, 1))
    return Fraction(side, new) if size is not None else 1 / Fraction(factor[axis] if isinstance(factor, tuple) else factor)


def look(layer: Layer, axis: int, side: int, new: int) -> tuple[Look, np.ndarray]:
    """How a layer looks along an axis that had `side` cells and has `new`: three numbers, and the set."""
    kind, sizes = kind_of(layer), (side, new)
    if kind in ("Conv", "MaxPool", "AvgPool"):
        found = receptive_field.window(*windowed(layer, axis)), receptive_field.window_reach(*sizes, *windowed(layer, axis))
    elif kind == "ConvTranspose":
        found = receptive_field.transposed(*windowed(layer, axis)), receptive_field.transposed_reach(*sizes, *windowed(layer, axis))
    elif kind in ("AdaptiveAvgPool", "AdaptiveMaxPool"):
        found = receptive_field.adaptive(*sizes), receptive_field.adaptive_reach(*sizes)
    elif kind == "PixelUnshuffle":
        found = receptive_field.window(layer[1], layer[1]), receptive_field.window_reach(*sizes, layer[1], layer[1])
    elif kind == "Upsample" and not layer[3].startswith("nearest"):
        how = ratio_of(layer, axis, *sizes), len(layer) > 4 and bool(layer[4])
        found = receptive_field.linear(*how), receptive_field.linear_reach(*sizes, *how)
    else:
        exact = kind == "Upsample" and layer[3] == "nearest-exact"
        ratio = ratio_of(layer, axis, *sizes) if kind == "Upsample" else Fraction(side, new)
        found = receptive_field.nearest(ratio, exact), receptive_field.nearest_reach(*sizes, ratio, exact)
    return found


def sights(x: Sides, layers: Iterable[Layer]) -> tuple[Sight, ...]:
    """For each axis behind batch and channels, what the outputs of a stack see of its input."""
    steps, rank = list(along_the_way(x, layers)), len(x) - 2

    def sight(axis: int) -> Sight:
        looks = [look(layer, axis, before[axis + 2], after[axis + 2]) for layer, before, after in steps]
        return receptive_field.field(three for three, _ in looks), receptive_field.reach((cells for _, cells in looks), x[axis + 2])

    return tuple(map(sight, range(rank)))
