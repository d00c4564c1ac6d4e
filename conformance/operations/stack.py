"""Stacks of layers: networks that Hypothesis draws, with what they compute, cost and see."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.model import Case, Operation, Shape, torch
from conformance.operations.compression import LAWS, layers_of
from conformance.strategies import data_of, pair_of
from oracles.costs import Work
from oracles.layers import Layer, Sight, layer_shape, look, parameter_shapes, sights, stack_shape, stack_work
from oracles.stack import stack

# The call.


def network(x: Any, values: Any, *, layers: Any) -> Any:
    """The layers one after the other, without values of their own."""
    where = {"device": "meta"}
    made = (getattr(torch.nn, name)(*arguments, **(where if name.startswith("Conv") else {})) for name, *arguments in layers)
    return torch.nn.Sequential(*made)


def call(x: Any, values: Any, *, layers: Any) -> Any:
    """The network's forward, its parameters cut from `values` in order."""
    layers_on_meta, parameters, start = network(x, values, layers=layers), {}, 0
    for name, parameter in layers_on_meta.named_parameters():
        parameters[name] = values[start : start + parameter.numel()].reshape(parameter.shape)
        start += parameter.numel()
    return torch.func.functional_call(layers_on_meta, parameters, (x,))


# The formulas, composed layer by layer.


def shape(x: Shape, values: Shape, *, layers: tuple[Layer, ...]) -> Mapping[str, Shape]:
    """The last of the layers' shapes."""
    return {"output": stack_shape(x, layers)}


def cost(x: Shape, values: Shape, *, layers: tuple[Layer, ...]) -> Work:
    """The sums of the layers' costs."""
    return stack_work(x, layers)


def reach(case: Case) -> tuple[Case, tuple[Sight, ...]]:
    """Sample j is 1 at pixel j and 0 elsewhere, weights are 1 and biases 0, so that every path shows, maxima included; what outputs see."""
    x = case.arrays["x"]
    assert x is not None
    pixels = math.prod(x.shape[2:])
    probe = np.repeat(np.eye(pixels).reshape(pixels, 1, *x.shape[2:]), x.shape[1], 1)
    ones = [np.full(math.prod(s), float(len(s) > 1)) for layer in layers_of(case) for s in parameter_shapes(layer)]
    values = np.concatenate([np.zeros(0), *ones])
    return case.but(x=probe.astype(x.dtype), values=values.astype(x.dtype)), sights(x.shape, layers_of(case))


# The cases: each kind of layer as it may follow on `channels` images of `sides`.

REGIMES = ("integers", "normal", "constant", "cancelling")
MOST = {1: 33, 2: 12, 3: 5}  # cells along a side
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def conv(draw: st.DrawFn, channels: int, sides: Shape) -> Layer:
    rank, groups = len(sides), draw(st.sampled_from([g for g in (1, 1, 2, 3) if channels % g == 0]))
    out = groups * draw(st.integers(1, 2 if groups > 1 else 4))
    kernel, stride, dilation = (draw(pair_of(st.integers(1, most), rank)) for most in (3, 2, 2))
    padding = draw(pair_of(st.integers(0, 2), rank))
    if draw(st.integers(0, 5)) == 5:
        padding, stride = "same", 1
    return (f"Conv{rank}d", channels, out, kernel, stride, padding, dilation, groups, draw(st.booleans()))


def transposed(draw: st.DrawFn, channels: int, sides: Shape) -> Layer:
    rank, groups = len(sides), draw(st.sampled_from([g for g in (1, 1, 2) if channels % g == 0]))
    kernel, stride, dilation = (tuple(draw(st.integers(1, most)) for _ in sides) for most in (3, 3, 2))
    extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
    out = groups * draw(st.integers(1, 2))
    padding = draw(pair_of(st.integers(0, 1), rank))
    return (f"ConvTranspose{rank}d", channels, out, kernel, stride, padding, extra, groups, draw(st.booleans()), dilation)


def pool(draw: st.DrawFn, channels: int, sides: Shape) -> Layer:
    rank, kernel = len(sides), tuple(draw(st.integers(1, 3)) for _ in sides)
    stride, padding = draw(pair_of(st.integers(1, 3), rank)), tuple(draw(st.integers(0, k // 2)) for k in kernel)
    if draw(st.booleans()):
        return (f"MaxPool{rank}d", kernel, stride, padding, draw(pair_of(st.integers(1, 2), rank)), False, draw(st.booleans()))
    kernel = tuple(map(min, kernel, sides))  # AvgPool3d takes no window that is larger than the image without its padding
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel, strict=True))
    return (f"AvgPool{rank}d", kernel, stride, padding, draw(st.booleans()), draw(st.booleans()))


def adaptive(draw: st.DrawFn, channels: int, sides: Shape) -> Layer:
    kind = draw(st.sampled_from(("AdaptiveAvgPool", "AdaptiveMaxPool")))
    return (f"{kind}{len(sides)}d", tuple(draw(st.integers(1, min(side, 4))) for side in sides))


def upsample(draw: st.DrawFn, channels: int, sides: Shape) -> Layer:
    """To sizes, or by factors, at which every position is a dyadic fraction: computed without rounding, so that edges lie where they do."""
    mode = draw(st.sampled_from(("nearest", "nearest-exact", LINEAR[len(sides)])))
    corners = mode.endswith("linear") and draw(st.booleans())
    if not corners and draw(st.booleans()):
        factors = tuple(draw(st.sampled_from((2.0, 0.5) if side > 1 else (2.0,))) for side in sides)
        return ("Upsample", None, factors, mode)
    size = tuple(draw(st.sampled_from([new for new in range(1, 13) if dyadic(side, new, corners)])) for side in sides)
    return ("Upsample", size, None, mode, *([True] if corners else []))


def dyadic(side: int, new: int, corners: bool) -> bool:
    """Whether the ratio of the sizes, or of what lies between their corners, is a whole number over a power of two."""
    down = (Fraction(side - 1, max(new - 1, 1)) if corners else Fraction(side, new)).denominator
    return down & (down - 1) == 0


def movement(draw: st.DrawFn, channels: int, sides: Shape) -> Layer:
    moves: list[Layer] = [("ReLU",), *[("ChannelShuffle", groups) for groups in (1, 2, 3) if channels % groups == 0]]
    if len(sides) == 2 and channels % 4 == 0:
        moves.append(("PixelShuffle", 2))
    if len(sides) == 2 and all(side % 2 == 0 for side in sides):
        moves.append(("PixelUnshuffle", 2))
    return draw(st.sampled_from(moves))


KINDS: tuple[Callable[[st.DrawFn, int, Shape], Layer], ...] = (conv, conv, pool, pool, transposed, upsample, adaptive, movement)


def fits(layer: Layer, x: Shape, y: Shape) -> bool:
    """Whether there is something left, not too much of it, and every window holds a cell of the image."""
    if min(y) < 1 or max(y[2:]) > MOST[len(x) - 2] or y[1] > 16:
        return False
    pools = layer[0].startswith(("MaxPool", "AvgPool"))
    return not pools or all(look(layer, axis, x[axis + 2], y[axis + 2])[1].any(axis=1).all() for axis in range(len(x) - 2))


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Up to five layers, each fitting on what the one before it gives, on signals, images or volumes."""
    data, rank = draw(data_of(dtype, REGIMES)), draw(st.sampled_from((2, 2, 1, 3)))
    x = (draw(st.integers(1, 2)), draw(st.integers(1, 4)), *(draw(st.integers(1, min(MOST[rank], 12))) for _ in range(rank)))
    layers: list[Layer] = []
    y: Shape = x
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5)):
        layer = kind(draw, y[1], y[2:])
        new = layer_shape(layer, y)
        if fits(layer, y, new):
            layers.append(layer)
            y = new
    layers = layers or [(f"Conv{rank}d", x[1], 2, 1, 1, 0, 1, 1, True)]
    length = sum(math.prod(s) for layer in layers for s in parameter_shapes(layer))
    return data.case({"x": data.array("x", *x), "values": data.array("values", length)}, layers=tuple(layers))


Sequential = Operation(
    name="torch.nn.Sequential",
    call=call,
    oracle=stack,
    shape=shape,
    cost=cost,
    module=network,
    reach=reach,
    cases=cases,
    laws=LAWS,
    dtypes=("float64", "float32"),
)

OPERATIONS = (Sequential,)
