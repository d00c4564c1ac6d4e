"""Activations with an exponential inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, Shape, torch
from conformance.operations.elementwise import (
    ADDS_UP_TO_ONE,
    ATTENUATES,
    DIFFERS_BY_X,
    FAR,
    ODD,
    PROMOTES,
    REGIMES,
    arrangements,
    assert_within,
    both_add_up,
    elementwise,
    must_be_numbers,
    one_of_each,
    room,
    sprinkled,
    the_input,
)
from conformance.operations.laws import assert_same
from conformance.strategies import data_of, side
from oracles import gated_activations as gated
from oracles import smooth_activations as smooth

# The calls.


def elu(x, **options):
    return torch.nn.ELU(**options)(x)


def selu(x, **options):
    return torch.nn.SELU(**options)(x)


def celu(x, **options):
    return torch.nn.CELU(**options)(x)


def sigmoid(x):
    return torch.nn.Sigmoid()(x)


def log_sigmoid(x):
    return torch.nn.LogSigmoid()(x)


def tanh(x):
    return torch.nn.Tanh()(x)


def sigmoid_in_place(x):
    return torch.sigmoid_(x)


def tanh_in_place(x):
    return torch.tanh_(x)


def tanhshrink(x):
    return torch.nn.Tanhshrink()(x)


def silu(x, **options):
    return torch.nn.SiLU(**options)(x)


def mish(x, **options):
    return torch.nn.Mish(**options)(x)


def softplus(x, **options):
    return torch.nn.Softplus(**options)(x)


def softsign(x):
    return torch.nn.Softsign()(x)


def glu(x, **options):
    return torch.nn.GLU(**options)(x)


# The options, and the points that they make special.


def around_alpha(alpha: float) -> Sequence[float]:
    """exp(x / alpha) goes over at multiples of alpha."""
    return (0.0, *FAR, *(point * alpha for point in FAR))


def around_threshold(beta: float, threshold: float) -> Sequence[float]:
    """beta · x goes over the threshold, and its exponential over the formats."""
    return (0.0, threshold / beta, *(point / beta for point in FAR))


@st.composite
def glu_cases(draw: st.DrawFn, dtype: str) -> Case:
    """An axis of even length, by either of its numbers, between others."""
    data = draw(data_of(dtype, REGIMES))
    sides = draw(st.lists(st.sampled_from((1, 2, 3, 4, 0)), max_size=3))
    at = draw(st.integers(0, len(sides)))
    sides.insert(at, 2 * draw(side()))
    x = draw(arrangements(data, "x", *sides))
    if draw(st.booleans()):
        x = sprinkled(data, x, (0.0, *FAR))
    return data.case({"x": x}, dim=draw(st.sampled_from((at, at - len(sides)))))


def halved(x: Shape, dim: int) -> dict[str, Shape]:
    """The axis has half its length."""
    sides = list(x)
    sides[dim] //= 2
    return {"output": tuple(sides)}


def odd_axis(case: Case) -> Case:
    """One element less along the axis."""
    x, dim = the_input(case), case.options["dim"]
    return case.but(x=np.take(x, range(1, x.shape[dim]), dim))


def no_such_axis(case: Case) -> Case:
    rank = the_input(case).ndim
    return case.but(dim=rank if case.options["dim"] >= 0 else -rank - 1)


# Laws of one of them.


def itself_above_zero(trial: Trial, case: Case) -> None:
    """Positive numbers pass."""
    x, y = the_input(case), trial.run(case)["output"]
    assert_same(np.where(x > 0, y, x), x, "a positive number does not pass")


def elu_of_one(trial: Trial, case: Case) -> None:
    """With alpha 1 both formulas are max(0, x) + min(0, exp(x) − 1)."""
    if case.regime != "special":
        case = case.but(alpha=1.0)
        other = trial.backend.run(ELU, case)["output"].astype(float)
        assert_within(trial.run(case)["output"].astype(float), other, 2 * room(trial, case), "CELU with alpha 1 is not ELU")


def scaled_elu(trial: Trial, case: Case) -> None:
    """SELU is scale · ELU with its own alpha."""
    if case.regime != "special":
        elu_case = replace(case, options={"alpha": smooth.SELU_ALPHA})
        other = smooth.SELU_SCALE * trial.backend.run(ELU, elu_case)["output"].astype(float)
        width = room(trial, case) + smooth.SELU_SCALE * room(replace(trial, operation=ELU), elu_case)
        assert_within(trial.run(case)["output"].astype(float), other, width, "SELU is not scale · ELU")


def half_times_gate(trial: Trial, case: Case) -> None:
    """GLU is the first half times Sigmoid of the second."""
    if case.regime != "special":
        a, b = np.split(the_input(case), 2, case.options["dim"])
        gate = replace(case, arrays={"x": b}, options={})
        product = a.astype(float) * trial.backend.run(Sigmoid, gate)["output"].astype(float)
        width = room(trial, case) + np.abs(a.astype(float)) * room(replace(trial, operation=Sigmoid), gate)
        assert_within(trial.run(case)["output"].astype(float), product, width, "GLU is not a · Sigmoid(b)")


def below_threshold(x: np.ndarray, beta: float, threshold: float) -> np.ndarray:
    """Where neither x nor −x reverts to the linear function."""
    return np.asarray(np.abs(beta * x) <= threshold)


ELU = elementwise(
    "ELU",
    elu,
    smooth,
    options=one_of_each(alpha=(1.0, 0.5, 2.0, 0.1, 1.7, 0.0, -1.0, 1)),
    laws=(Law("positive numbers pass", itself_above_zero),),
    rejects=must_be_numbers("alpha"),
)
SELU = elementwise("SELU", selu, smooth, laws=(Law("SELU is scale · ELU", scaled_elu),))
CELU = elementwise(
    "CELU",
    celu,
    smooth,
    options=one_of_each(alpha=(1.0, 0.5, 2.0, 0.1, 1.7, 3, -1.0)),
    points=around_alpha,
    laws=(Law("CELU with alpha 1 is ELU", elu_of_one),),
    rejects={"alpha must not be zero": lambda case: case.but(alpha=0.0), **must_be_numbers("alpha")},
)
Sigmoid = elementwise("Sigmoid", sigmoid, smooth, in_place=sigmoid_in_place, laws=(ADDS_UP_TO_ONE, PROMOTES))
LogSigmoid = elementwise("LogSigmoid", log_sigmoid, smooth, in_place=False, laws=(DIFFERS_BY_X,))
Tanh = elementwise("Tanh", tanh, smooth, in_place=tanh_in_place, laws=(ODD, PROMOTES))
Tanhshrink = elementwise("Tanhshrink", tanhshrink, smooth, in_place=False, laws=(ODD, PROMOTES))
SiLU = elementwise("SiLU", silu, gated, laws=(DIFFERS_BY_X, ATTENUATES))
Mish = elementwise("Mish", mish, gated, laws=(ATTENUATES,))
Softplus = elementwise(
    "Softplus",
    softplus,
    smooth,
    options=one_of_each(beta=(1.0, 0.5, 2.0, 0.1, 3, -1.0), threshold=(20.0, 20, 1.0, 0.0, -5.0, 50.0, 1000.0)),
    points=around_threshold,
    in_place=False,
    laws=(Law("f(x) − f(−x) = x below the threshold", both_add_up("x", sign=-1, where=below_threshold)),),
    rejects=must_be_numbers("beta", "threshold"),
)
Softsign = elementwise("Softsign", softsign, smooth, in_place=False, laws=(ODD, ATTENUATES, PROMOTES))
GLU = elementwise(
    "GLU",
    glu,
    gated,
    cases=glu_cases,
    shape=halved,
    in_place=False,
    laws=(Law("GLU is a · Sigmoid(b)", half_times_gate),),
    rejects={"the axis must be of even length": odd_axis, "dim must be one of the input's axes": no_such_axis},
)

OPERATIONS: tuple[Operation, ...] = (ELU, SELU, CELU, Sigmoid, LogSigmoid, Tanh, Tanhshrink, SiLU, Mish, Softplus, Softsign, GLU)
