"""Depthwise separable convolutions, as compositions of two layers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, Shape, torch
from conformance.operations.convolution import FEW, LARGE, ROOM, SMALL, WIDE, array
from conformance.operations.laws import assert_same
from conformance.strategies import FINITE_REGIMES, Data, data_of, pair_of
from oracles.convolution import Geometry
from oracles.separable_convolution import separable_convolution, separable_convolution_gradient
from oracles.windows import extent, spread


def call(x: Any, depthwise: Any, pointwise: Any, bias: Any, **options: Any) -> Any:
    """Two calls: a filter for every channel, then one cell across channels."""
    between = torch.nn.functional.conv2d(x, depthwise, **options, groups=x.shape[1])
    return torch.nn.functional.conv2d(between, pointwise, bias)


def shape(x: Shape, depthwise: Shape, pointwise: Shape, bias: Shape | None, **options: Any) -> Mapping[str, Shape]:
    """The depthwise convolution's sides, the pointwise one's channels."""
    lie = Geometry(x, depthwise, groups=x[1], padding_mode="zeros", **options)
    return {"output": (x[0], pointwise[0], *lie.sides)}


def cost(x: Shape, depthwise: Shape, pointwise: Shape, bias: Shape | None, **options: Any) -> Cost:
    """Two filters for every pixel of the output; there is no layer whose parameters could be counted."""
    pixels = math.prod(shape(x, depthwise, pointwise, bias, **options)["output"][2:])
    return Cost(0, x[0] * pixels * (math.prod(depthwise) + math.prod(pointwise)))


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    data, large = draw(data_of(dtype, FINITE_REGIMES)), draw(LARGE)
    channels = draw(WIDE) if large == "channels" else draw(SMALL)
    kernel, many = (draw(FEW), draw(FEW)), channels * draw(st.sampled_from((1, 1, 2)))
    options = {"stride": draw(pair_of(FEW)), "padding": draw(pair_of(st.integers(0, 2))), "dilation": draw(pair_of(FEW))}
    reach = extent(kernel, spread(options["dilation"], 2))
    sides = [max(1, r - 2 * p) + draw(ROOM) for r, p in zip(reach, spread(options["padding"], 2), strict=True)]
    outer = draw(SMALL)
    arrays = {
        "x": data.array("x", draw(st.sampled_from((1, 2, 0))), channels, *sides),
        "depthwise": data.array("depthwise", many, 1, *kernel),
        "pointwise": data.array("pointwise", outer, many, 1, 1),
        "bias": data.array("bias", outer) if draw(st.booleans()) else None,
    }
    return data.case(arrays, **options)


def is_one_convolution(trial: Trial, case: Case) -> None:
    """On integers it is one convolution with the filters Σ over m of pointwise[o, m] · depthwise[m]."""
    x, depthwise, pointwise = array(case, "x"), array(case, "depthwise"), array(case, "pointwise")
    data = Data("float64", "integers", case.seed)
    arrays = {name: data.array(name, *a.shape) for name, a in (("x", x), ("depthwise", depthwise), ("pointwise", pointwise))}
    each = len(depthwise) // x.shape[1]
    mixed = arrays["pointwise"][:, :, 0, 0, None, None] * arrays["depthwise"][None, :, 0]
    together = mixed.reshape(len(mixed), x.shape[1], each, *mixed.shape[2:]).sum(2)
    one = torch.nn.functional.conv2d(torch.from_numpy(arrays["x"]), torch.from_numpy(together), **case.options).numpy()
    whole = Case({**arrays, "bias": None}, case.options, "float64", "integers", case.seed)
    assert_same(np.asarray(trial.run(whole)["output"]), one, "it is not one convolution")


DepthwiseSeparable = Operation(
    name="torch.nn.Conv2d",
    variant="DepthwiseSeparable",
    call=call,
    oracle=separable_convolution,
    gradient=separable_convolution_gradient,
    shape=shape,
    cost=cost,
    cases=cases,
    laws=(Law("it is one convolution", is_one_convolution),),
    dtypes=FLOATS,
    share=0.5,
)

OPERATIONS = (DepthwiseSeparable,)
