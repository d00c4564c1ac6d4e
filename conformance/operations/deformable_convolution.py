"""Deformable convolutions: torchvision's, and the same composed of torch's own functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Cost, Law, Library, Operation, Shape, torch
from conformance.operations.convolution import FEW, ROOM, array, grown, is_linear
from conformance.operations.laws import assert_same
from conformance.strategies import FINITE_REGIMES, Data, data_of, pair_of
from oracles.convolution import Geometry, convolution
from oracles.deformable_convolution import deformable_convolution, deformable_convolution_gradient
from oracles.windows import extent, spread

torchvision: Any = Library("torchvision")

# The calls.


def library_call(x: Any, offset: Any, weight: Any, bias: Any, mask: Any, **options: Any) -> Any:
    """The function."""
    return torchvision.ops.deform_conv2d(x, offset, weight, bias, mask=mask, **options)


def composed(x: Any, offset: Any, weight: Any, bias: Any, mask: Any, *, stride: Any, padding: Any, dilation: Any) -> Any:
    """The four pixels around every place gathered and weighed, then a product of matrices for every group."""
    (n, channels), kernel, counts = x.shape[:2], weight.shape[2:], offset.shape[2:]
    cells, groups = math.prod(kernel), channels // weight.shape[1]
    moves = offset.reshape(n, offset.shape[1] // (2 * cells), *kernel, 2, *counts)
    steps, places = zip(kernel, counts, *(spread(option, 2) for option in (stride, padding, dilation)), strict=True), []
    for axis, (k, count, s, p, d) in enumerate(steps):
        at = torch.arange(k)[:, None] * d + torch.arange(count) * s - p
        at = at[:, None, :, None] if axis == 0 else at[None, :, None, :]
        places.append(moves[:, :, :, :, axis] + at.to(x))
    least = [place.detach().floor() for place in places]
    after = [place - low for place, low in zip(places, least, strict=True)]
    shares = [(1 - part, part) for part in after]
    samples = sum(
        corner(x, (least[0].long() + i, least[1].long() + j), shares[0][i] * shares[1][j]) for i, j in ((0, 0), (0, 1), (1, 0), (1, 1))
    )
    samples = samples if mask is None else samples * mask.reshape(n, moves.shape[1], 1, cells * math.prod(counts))
    columns = samples.reshape(n, groups, weight.shape[1] * cells, math.prod(counts))
    y = torch.matmul(weight.reshape(groups, len(weight) // groups, weight.shape[1] * cells), columns)
    y = y.reshape(n, len(weight), *counts)
    return y if bias is None else y + bias[:, None, None]


def corner(x: Any, at: Any, share: Any) -> Any:
    """One of the four pixels around every place, 0 outside, times its share: (N, G, C/G, taps)."""
    (n, channels, height, width), offset_groups = x.shape, share.shape[1]
    inside = (at[0] >= 0) & (at[0] < height) & (at[1] >= 0) & (at[1] < width)
    index = torch.where(inside, at[0] * width + at[1], 0).reshape(n, offset_groups, 1, math.prod(share.shape[2:]))
    pixels = x.reshape(n, offset_groups, channels // offset_groups, height * width)
    values = torch.gather(pixels, 3, index.expand(n, offset_groups, pixels.shape[2], index.shape[3]))
    return values * torch.where(inside, share, 0).reshape(index.shape)


# The formulas.


def shape(x: Shape, offset: Shape, weight: Shape, bias: Shape | None, mask: Shape | None, **options: Any) -> Mapping[str, Shape]:
    """As of a convolution."""
    return {"output": (x[0], weight[0], *offset[2:])}


def cost(x: Shape, offset: Shape, weight: Shape, bias: Shape | None, mask: Shape | None, **options: Any) -> Cost:
    """The product of the filters with what was read; reading is not counted, and there is no layer."""
    return Cost(0, x[0] * math.prod(offset[2:]) * math.prod(weight))


# The cases.

MOVES: Mapping[str, Callable[[np.random.Generator, Shape], np.ndarray]] = {
    "eighths": lambda rng, shape: (2 * rng.integers(-12, 12, shape) + 1) / 8,  # between pixels: exact, and nowhere a corner of the kernel
    "anywhere": lambda rng, shape: rng.normal(0, 1.5, shape),
    "halves": lambda rng, shape: rng.integers(-4, 5, shape) / 2,
    "none": lambda rng, shape: np.zeros(shape),
    "far": lambda rng, shape: rng.choice([-1.0, 1.0], shape) * rng.uniform(3, 300, shape),
}


def moved(data: Data, kind: str, *shape: int) -> np.ndarray:
    """How far places are moved."""
    return MOVES[kind](data.rng("offset"), shape).astype(data.array("x", 0).dtype)


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Offset groups and groups of channels, with and without a mask, places inside and outside."""
    data, kernel = draw(data_of(dtype, FINITE_REGIMES)), (draw(FEW), draw(FEW))
    options = {"stride": draw(pair_of(FEW)), "padding": draw(pair_of(st.integers(0, 2))), "dilation": draw(pair_of(FEW))}
    reach = extent(kernel, spread(options["dilation"], 2))
    sides = [max(1, r - 2 * p) + draw(ROOM) for r, p in zip(reach, spread(options["padding"], 2), strict=True)]
    offset_groups, each, groups = draw(st.sampled_from((1, 1, 2, 3))), draw(FEW), draw(st.sampled_from((1, 1, 2)))
    channels = offset_groups * each * (groups if offset_groups * each % groups else 1)
    n, outer = draw(st.sampled_from((1, 2, 0))), groups * draw(FEW)
    counts = Geometry((n, channels, *sides), (outer, channels // groups, *kernel), groups=groups, padding_mode="zeros", **options).sides
    taps = offset_groups * math.prod(kernel)
    arrays = {
        "x": data.array("x", n, channels, *sides),
        "offset": moved(data, draw(st.sampled_from(tuple(MOVES))), n, 2 * taps, *counts),
        "weight": data.array("weight", outer, channels // groups, *kernel),
        "bias": data.array("bias", outer) if draw(st.booleans()) else None,
        "mask": data.array("mask", n, taps, *counts) if draw(st.booleans()) else None,
    }
    return data.case(arrays, **options)


# What must be refused, by the library.


def taps_of(case: Case) -> int:
    """How many cells a filter has."""
    return math.prod(array(case, "weight").shape[2:])


REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "offset must have two numbers for every cell of a filter": lambda case: grown(case, "offset", 1),
    "offset must have a row for every row of the output": lambda case: grown(case, "offset", 2),
    "mask must have one number for every cell of a filter": lambda case: None if case.arrays["mask"] is None else grown(case, "mask", 1),
    "mask must have a row for every row of the output": lambda case: None if case.arrays["mask"] is None else grown(case, "mask", 2),
    "offset groups must divide the channels": lambda case: grown(case, "offset", 1, array(case, "x").shape[1] * 2 * taps_of(case)).but(
        mask=None
    ),
    "groups must divide out_channels": lambda case: (
        grown(case, "weight", 0).but(bias=None) if array(case, "x").shape[1] > array(case, "weight").shape[1] else None
    ),
    "stride must be positive": lambda case: case.but(stride=0),
    "dilation must be positive": lambda case: case.but(dilation=0),
    "padding must not be negative": lambda case: case.but(padding=-1),
}

# The laws, on integers and dyadic places: every sum is exact.


def whole(case: Case) -> Case:
    """The same case on integers, float32 at least, places between pixels."""
    data = Data("float64" if case.dtype == "float64" else "float32", "integers", case.seed)
    arrays = {name: None if a is None else data.array(name, *a.shape) for name, a in case.arrays.items()}
    arrays["offset"] = moved(data, "eighths", *array(case, "offset").shape)
    return Case(arrays, case.options, data.dtype, "integers", case.seed)


def unmoved_is_a_convolution(trial: Trial, case: Case) -> None:
    """Without offsets and with a mask of ones it is a convolution."""
    case = whole(case)
    x, weight, mask = array(case, "x"), array(case, "weight"), case.arrays["mask"]
    still = case.but(offset=0 * array(case, "offset"), mask=None if mask is None else np.ones_like(mask))
    wanted = convolution(x, weight, case.arrays["bias"], groups=x.shape[1] // weight.shape[1], **case.options)
    assert_same(trial.run(still)["output"], wanted.astype(x.dtype), "unmoved it is not a convolution")


def padding_is_zeros_around(trial: Trial, case: Case) -> None:
    """An image with zeros around it, unpadded, is the padded image."""
    case = whole(case)
    around = [(p, p) for p in spread(case.options["padding"], 2)]
    larger = np.pad(array(case, "x"), ((0, 0), (0, 0), *around))
    y = trial.run(case.but(x=larger, padding=0))["output"]
    assert_same(y, trial.run(case)["output"], "padding is not zeros around the image")


def equal_offset_groups_are_one(trial: Trial, case: Case) -> None:
    """Offset groups that move and modulate alike are one."""
    case = whole(case)
    taps, offset, mask = taps_of(case), array(case, "offset"), case.arrays["mask"]
    one = case.but(offset=offset[:, : 2 * taps], mask=None if mask is None else mask[:, :taps])
    times = offset.shape[1] // (2 * taps)
    each = {name: None if a is None else np.tile(a, (1, times, 1, 1)) for name, a in one.arrays.items() if name in ("offset", "mask")}
    assert_same(trial.run(one.but(**each))["output"], trial.run(one)["output"], "equal offset groups are not one")


LAWS = (
    Law("linear in x", is_linear),
    Law("unmoved it is a convolution", unmoved_is_a_convolution),
    Law("padding is zeros around", padding_is_zeros_around),
    Law("equal offset groups are one", equal_offset_groups_are_one),
)

Composed = Operation(
    name="torch.gather",
    variant="DeformableConvolution",
    call=composed,
    oracle=deformable_convolution,
    gradient=deformable_convolution_gradient,
    shape=shape,
    cost=cost,
    cases=cases,
    laws=LAWS,
    dtypes=FLOATS,
    share=0.4,
)
DeformConv2d = Operation(
    name="torch.ops.torchvision.deform_conv2d",  # as torchvision.ops.deform_conv2d registers itself
    call=library_call,
    oracle=deformable_convolution,
    gradient=deformable_convolution_gradient,
    shape=shape,
    cases=cases,
    rejects=REJECTS,
    laws=LAWS,
    dtypes=FLOATS[:3],
    share=0.4,
)

OPERATIONS = (Composed, DeformConv2d)
