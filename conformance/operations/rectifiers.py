"""Activations in straight pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Cost, Law, Operation, torch
from conformance.operations.elementwise import (
    ADDS_UP_TO_ONE,
    DIFFERS_BY_X,
    DOUBLED,
    ODD,
    PLACE,
    REGIMES,
    SHAPES,
    TWICE,
    arrangements,
    elementwise,
    must_be_numbers,
    one_of_each,
    same_shape,
    sprinkled,
    the_input,
)
from conformance.operations.laws import assert_same
from conformance.strategies import data_of
from oracles import rectifiers

# The calls.


def relu(x, **options):
    return torch.nn.ReLU(**options)(x)


def relu6(x, **options):
    return torch.nn.ReLU6(**options)(x)


def leaky_relu(x, **options):
    return torch.nn.LeakyReLU(**options)(x)


def prelu_layer(x, weight):
    return torch.nn.PReLU(len(weight), device="meta")


def prelu(x, weight):
    return torch.func.functional_call(prelu_layer(x, weight), {"weight": weight}, (x,))


def rrelu(x, training, seed, **options):
    torch.manual_seed(seed)
    return torch.nn.RReLU(**options).train(training)(x)


def hardtanh(x, **options):
    return torch.nn.Hardtanh(**options)(x)


def hardsigmoid(x, **options):
    return torch.nn.Hardsigmoid(**options)(x)


def hardswish(x, **options):
    return torch.nn.Hardswish(**options)(x)


def hardshrink(x, **options):
    return torch.nn.Hardshrink(**options)(x)


def softshrink(x, **options):
    return torch.nn.Softshrink(**options)(x)


def threshold(x, **options):
    return torch.nn.Threshold(**options)(x)


# The options, and the points that they make special.

BOUNDS = st.sampled_from(((-1.0, 1.0), (0.0, 6.0), (-2.0, 0.5), (-0.1, 0.1), (1.0, 3.0), (-6e4, 6e4), (-3.0, -2.0), (-1, 2)))
SLOPE_BOUNDS = st.sampled_from(((1 / 8, 1 / 3), (0.1, 0.3), (0.25, 0.25), (0.0, 1.0), (-0.5, 0.5), (1.0, 2.0), (-1.0, -0.5)))


def at_zero(**options: Any) -> Sequence[float]:
    return (0.0, -0.0)


def at_numbers(*points: float) -> Callable[..., Sequence[float]]:
    return lambda **options: (0.0, *points)


def at_options(**options: Any) -> Sequence[float]:
    return (0.0, *(value for value in options.values() if abs(value) < 100))


@st.composite
def rrelu_options(draw: st.DrawFn) -> dict[str, Any]:
    lower, upper = draw(SLOPE_BOUNDS)
    return {"lower": lower, "upper": upper, "training": draw(st.booleans()), "seed": draw(st.integers(0, 9999))}


@st.composite
def prelu_cases(draw: st.DrawFn, dtype: str) -> Case:
    """One slope for all, or one for each channel; without a second axis there is one channel."""
    data, x_shape = draw(data_of(dtype, REGIMES)), draw(SHAPES)
    channels = x_shape[1] if len(x_shape) > 1 else 1
    x = draw(arrangements(data, "x", *x_shape))
    if draw(st.booleans()):
        x = sprinkled(data, x, (0.0, 1.0))
    return data.case({"x": x, "weight": data.array("weight", draw(st.sampled_from((1, channels))))})


# Laws of one of them.


def with_its_negative(trial: Trial, case: Case) -> None:
    """relu(x) − relu(−x) = x."""
    x = the_input(case)
    y, z = (trial.run(case.but(x=a))["output"] for a in (x, -x))
    assert_same(y - z, x, "ReLU(x) − ReLU(−x) is not x")


def mirrored_in_six(trial: Trial, case: Case) -> None:
    """relu6(x) + relu6(6 − x) = 6 on whole numbers."""
    if case.regime == "integers":
        x = np.rint(the_input(case))
        y, z = (trial.run(case.but(x=a))["output"] for a in (x, 6 - x))
        assert_same(y + z, np.full_like(x, 6), "ReLU6(x) + ReLU6(6 − x) is not 6")


def mirrored_bounds(trial: Trial, case: Case) -> None:
    """Bounds and input with the other sign give the output with the other sign."""
    low, high = case.options["min_val"], case.options["max_val"]
    other = case.but(x=-the_input(case), min_val=-high, max_val=-low)
    assert_same(-trial.run(other)["output"], trial.run(case)["output"], "bounds are not treated alike")


def slope_one(trial: Trial, case: Case) -> None:
    """A slope of 1 on both sides changes nothing."""
    assert_same(trial.run(case.but(negative_slope=1.0))["output"], the_input(case), "negative_slope 1 is not the identity")


def weight_one(trial: Trial, case: Case) -> None:
    """A slope of 1 on both sides changes nothing."""
    weight = np.ones_like(case.arrays["weight"])
    assert_same(trial.run(case.but(weight=weight))["output"], the_input(case), "weight 1 is not the identity")


def shared_slope(trial: Trial, case: Case) -> None:
    """One slope for all is the same slope for each channel."""
    x, weight = the_input(case), case.arrays["weight"]
    assert weight is not None
    if x.ndim > 1 and x.shape[1] and len(weight) == 1:
        each = case.but(weight=np.repeat(weight, x.shape[1]))
        assert_same(trial.run(each)["output"], trial.run(case)["output"], "a shared slope is not the same slope for each channel")


def halfway_in_evaluation(trial: Trial, case: Case) -> None:
    """In evaluation RReLU is LeakyReLU with the middle slope."""
    middle = (case.options["lower"] + case.options["upper"]) / 2
    leaky = trial.backend.run(LeakyReLU, replace(case, options={"negative_slope": middle}))["output"]
    assert_same(trial.run(case.but(training=False))["output"], leaky, "in evaluation it is not LeakyReLU with the middle slope")


def slopes_below_the_middle(
    observed: Mapping[str, np.ndarray], x: np.ndarray, lower: float, upper: float, training: bool, seed: int
) -> dict[str, tuple[int, int, float]]:
    """Half of the slopes that were drawn; seen where x is not too small to show them."""
    if not training or lower == upper:
        return {}
    seen = np.isfinite(x) & (x <= -1) & np.isfinite(observed["output"])
    slopes = observed["output"][seen].astype(float) / x[seen].astype(float)
    return {"a slope was below the middle": (int(np.sum(slopes < (lower + upper) / 2)), slopes.size, 0.5)}


def other_channels(case: Case) -> Case:
    """One slope more than channels, and more than one."""
    x = the_input(case)
    return case.but(weight=np.ones(max((1, *x.shape[1:2])) + 1, x.dtype))


def swapped(first: str, second: str) -> Callable[[Case], Case | None]:
    """Two different bounds, in the wrong order."""

    def swap(case: Case) -> Case | None:
        low, high = case.options[first], case.options[second]
        return None if low == high else case.but(**{first: high, second: low})

    return swap


ReLU = elementwise("ReLU", relu, rectifiers, points=at_zero, laws=(PLACE, TWICE, DOUBLED, Law("ReLU(x) − ReLU(−x) = x", with_its_negative)))
ReLU6 = elementwise(
    "ReLU6", relu6, rectifiers, points=at_numbers(6.0), laws=(PLACE, TWICE, Law("ReLU6(x) + ReLU6(6 − x) = 6", mirrored_in_six))
)
LeakyReLU = elementwise(
    "LeakyReLU",
    leaky_relu,
    rectifiers,
    options=one_of_each(negative_slope=(0.01, 0.2, 0.0, 1.0, 2.0, 0.25, -0.5, 1)),
    points=at_zero,
    laws=(PLACE, DOUBLED, Law("slope 1 is the identity", slope_one)),
    rejects=must_be_numbers("negative_slope"),
)
PReLU = elementwise(
    "PReLU",
    prelu,
    rectifiers,
    cases=prelu_cases,
    shape=lambda x, weight: same_shape(x),
    cost=lambda x, weight: Cost(parameters=weight[0], macs=0),
    module=prelu_layer,
    in_place=False,
    laws=(DOUBLED, Law("weight 1 is the identity", weight_one), Law("a shared slope is the same slope for each channel", shared_slope)),
    rejects={"num_parameters must be 1 or the number of channels": other_channels},
)
RReLU = elementwise(
    "RReLU",
    rrelu,
    rectifiers,
    options=rrelu_options(),
    points=at_zero,
    chances=slopes_below_the_middle,
    laws=(Law("in evaluation it is LeakyReLU with the middle slope", halfway_in_evaluation),),
    rejects={"lower must not be greater than upper": swapped("lower", "upper"), **must_be_numbers("lower", "upper")},
)
Hardtanh = elementwise(
    "Hardtanh",
    hardtanh,
    rectifiers,
    options=BOUNDS.map(lambda bounds: {"min_val": bounds[0], "max_val": bounds[1]}),
    points=at_options,
    laws=(PLACE, TWICE, Law("bounds are treated alike", mirrored_bounds)),
    rejects={"max_val must be greater than min_val": swapped("min_val", "max_val")},
)
Hardsigmoid = elementwise("Hardsigmoid", hardsigmoid, rectifiers, points=at_numbers(3.0), laws=(PLACE, ADDS_UP_TO_ONE))
Hardswish = elementwise("Hardswish", hardswish, rectifiers, points=at_numbers(3.0, 1.5), laws=(PLACE, DIFFERS_BY_X))
Hardshrink = elementwise(
    "Hardshrink",
    hardshrink,
    rectifiers,
    options=one_of_each(lambd=(0.5, 0.0, 1.0, 0.1, 3, -1.0)),
    points=at_options,
    in_place=False,
    laws=(PLACE, TWICE, ODD),
    rejects=must_be_numbers("lambd"),
)
Softshrink = elementwise(
    "Softshrink",
    softshrink,
    rectifiers,
    options=one_of_each(lambd=(0.5, 0.0, 1.0, 0.1, 3)),
    points=at_options,
    in_place=False,
    laws=(PLACE, ODD),
    rejects={"lambd must not be less than zero": lambda case: case.but(lambd=-0.5), **must_be_numbers("lambd")},
)
Threshold = elementwise(
    "Threshold",
    threshold,
    rectifiers,
    options=one_of_each(threshold=(0.0, 0.1, 1.0, -2.0, 20, 6e4), value=(0.0, 5.0, -1.0, 0.1, 20, -6e4)),
    points=at_options,
    laws=(PLACE, TWICE),
    rejects=must_be_numbers("threshold", "value"),
)

OPERATIONS: tuple[Operation, ...] = (
    ReLU,
    ReLU6,
    LeakyReLU,
    PReLU,
    RReLU,
    Hardtanh,
    Hardsigmoid,
    Hardswish,
    Hardshrink,
    Softshrink,
    Threshold,
)
