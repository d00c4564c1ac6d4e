"""Products with a matrix and with a tensor of three axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, Shape, torch
from conformance.operations.convolution import Conv2d
from conformance.operations.elementwise import REGIMES, arrangements
from conformance.operations.laws import assert_same
from conformance.strategies import Data, data_of
from oracles import costs
from oracles.linear import bilinear, bilinear_gradient, linear, linear_gradient

# The calls.


def linear_layer(x: Any, weight: Any, bias: Any) -> Any:
    """The module that takes these arrays, without values of its own."""
    return torch.nn.Linear(weight.shape[1], len(weight), bias=bias is not None, device="meta")


def call_linear(x: Any, weight: Any, bias: Any) -> Any:
    """The module's forward, with its parameters given."""
    parameters = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    return torch.func.functional_call(linear_layer(x, weight, bias), parameters, (x,))


def bilinear_layer(x1: Any, x2: Any, weight: Any, bias: Any) -> Any:
    """The module that takes these arrays, without values of its own."""
    return torch.nn.Bilinear(weight.shape[1], weight.shape[2], len(weight), bias=bias is not None, device="meta")


def call_bilinear(x1: Any, x2: Any, weight: Any, bias: Any) -> Any:
    """The module's forward, with its parameters given."""
    parameters = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    return torch.func.functional_call(bilinear_layer(x1, x2, weight, bias), parameters, (x1, x2))


# The formulas.


def linear_shape(x: Shape, weight: Shape, bias: Shape | None) -> Mapping[str, Shape]:
    """(…, I) → (…, O)."""
    return {"output": (*x[:-1], weight[0])}


def linear_cost(x: Shape, weight: Shape, bias: Shape | None) -> Cost:
    """A vector takes one product for every element of the matrix."""
    outputs, inner = weight
    return costs.linear(x, (*x[:-1], outputs), inner, outputs, bias is not None)


def bilinear_shape(x1: Shape, x2: Shape, weight: Shape, bias: Shape | None) -> Mapping[str, Shape]:
    """(…, I), (…, J) → (…, O)."""
    return {"output": (*x1[:-1], weight[0])}


def bilinear_cost(x1: Shape, x2: Shape, weight: Shape, bias: Shape | None) -> Cost:
    """A pair takes one product for every element of the weight, then one for every output and element of x1."""
    outputs, inner1, inner2 = weight
    return costs.bilinear(x1, x2, (*x1[:-1], outputs), inner1, inner2, outputs, bias is not None)


# The cases.

FEW = st.integers(1, 5)
WIDE = st.sampled_from((7, 8, 9, 15, 16, 17, 31, 32, 33))
SIDE = st.one_of(FEW, FEW, FEW, WIDE)
LEADING = st.one_of(st.tuples(SIDE), st.sampled_from(((), (0,), (1,), (2, 3), (3, 0), (1, 1), (2, 1, 3), (2, 2, 2, 2))))


@st.composite
def linear_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Vectors under any leading axes, none and empty ones too."""
    data, leading = draw(data_of(dtype, REGIMES)), draw(LEADING)
    inner, outer = draw(SIDE), draw(SIDE)
    if draw(st.integers(0, 9)) == 0:
        inner = draw(st.sampled_from((64, 100, 257)))  # long sums
    bias = data.array("bias", outer) if draw(st.booleans()) else None
    return data.case({"x": draw(arrangements(data, "x", *leading, inner)), "weight": data.array("weight", outer, inner), "bias": bias})


@st.composite
def bilinear_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Pairs of vectors under any leading axes, none and empty ones too."""
    data, leading = draw(data_of(dtype)), draw(LEADING)
    inner1, inner2, outer = draw(FEW), draw(FEW), draw(FEW)
    wide = draw(st.sampled_from(("", "", "x1", "x2", "output")))
    inner1, inner2, outer = (draw(WIDE) if wide == w else n for w, n in (("x1", inner1), ("x2", inner2), ("output", outer)))
    arrays = {
        "x1": data.array("x1", *leading, inner1),
        "x2": data.array("x2", *leading, inner2),
        "weight": data.array("weight", outer, inner1, inner2),
        "bias": data.array("bias", outer) if draw(st.booleans()) else None,
    }
    return data.case(arrays)


# What must be refused.


def array(case: Case, name: str) -> np.ndarray:
    """An array that every case has."""
    found = case.arrays[name]
    assert found is not None
    return found


def longer(name: str, axis: int) -> Callable[[Case], Case | None]:
    """The case with one array two longer along an axis; None without the array, or if it is empty."""

    def broken(case: Case) -> Case | None:
        old = case.arrays[name]
        if old is None or not old.shape[axis]:
            return None
        return case.but(**{name: np.concatenate([old, np.repeat(np.take(old, [0], axis), 2, axis)], axis)})

    return broken


def other_leading(case: Case) -> Case | None:
    """One axis more under x2 only."""
    return case.but(x2=array(case, "x2")[None])


def whole_number_vectors(name: str) -> Callable[[Case], Case]:
    """The case with an array of integers."""
    return lambda case: case.but(**{name: np.ones(array(case, name).shape, np.int64)})


LINEAR_REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "x must have in_features features": longer("x", -1),
    "x must have a last axis": lambda case: case.but(x=np.ones((), array(case, "x").dtype)) if array(case, "weight").shape[1] > 1 else None,
    "bias must have one element for every output": longer("bias", 0),
    "x must have the dtype of weight": whole_number_vectors("x"),
}

BILINEAR_REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "x1 must have in1_features features": longer("x1", -1),
    "x2 must have in2_features features": longer("x2", -1),
    "x1 and x2 must have the same leading axes": other_leading,
    "bias must have one element for every output": longer("bias", 0),
    "in1_features must be positive": lambda case: case.but(x1=array(case, "x1")[..., :0], weight=array(case, "weight")[:, :0]),
}

# The laws, on integers: every sum is exact.


def whole(case: Case) -> Case:
    """The same case on integers, float32 at least: whatever the order, nothing is rounded."""
    data = Data("float64" if case.dtype == "float64" else "float32", "integers", case.seed)
    arrays = {name: None if a is None else data.array(name, *a.shape) for name, a in case.arrays.items()}
    return replace(case, arrays=arrays, dtype=data.dtype, regime="integers")


def linear_in(name: str) -> Law:
    """f(a + b) + f(0) = f(a) + f(b) in one of the arrays."""

    def check(trial: Trial, case: Case) -> None:
        case = whole(case)
        a = array(case, name)
        b = Data(case.dtype, "integers", case.seed).array(f"another {name}", *a.shape)
        at_sum, at_zero, at_a, at_b = (trial.run(case.but(**{name: x}))["output"] for x in (a + b, 0 * a, a, b))
        assert_same(at_sum + at_zero, at_a + at_b, "f(a + b) + f(0) is not f(a) + f(b)")

    return Law(f"linear in {name}", check)


def one_by_one(*names: str) -> Law:
    """A batch gives what its vectors give alone."""

    def check(trial: Trial, case: Case) -> None:
        case = whole(case)
        y = trial.run(case)["output"]
        for index in list(np.ndindex(y.shape[:-1]))[:3]:
            alone = trial.run(case.but(**{name: array(case, name)[index] for name in names}))["output"]
            assert_same(alone, y[index], f"vector {list(index)} alone is not as in its batch")

    return Law("vectors one by one", check)


def identity_copies(trial: Trial, case: Case) -> None:
    """The identity matrix without a bias returns x, if x is as its products read it."""
    x, operand = array(case, "x"), trial.backend.arithmetic(trial.operation, case.dtype).operand
    x = x if operand is None else operand.round(x.astype(float)).astype(x.dtype)
    if np.isfinite(x.astype(float)).all():
        y = trial.run(case.but(x=x, weight=np.eye(x.shape[-1]).astype(x.dtype), bias=None))["output"]
        assert_same(y, x, "the identity changes x")


def convolution_of_one_cell(trial: Trial, case: Case) -> None:
    """The mean over places of a 1×1 convolution is the product with the mean over places."""
    case = whole(case)
    weight = array(case, "weight")
    images = 4 * Data(case.dtype, "integers", case.seed).array("images", 2, weight.shape[1], 2, 2)
    options = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "padding_mode": "zeros"}
    arrays = {"x": images, "weight": weight[:, :, None, None], "bias": case.arrays["bias"]}
    convolved = trial.backend.run(Conv2d, replace(case, arrays=arrays, options=options))["output"].mean(axis=(2, 3))
    product = trial.run(case.but(x=images.mean(axis=(2, 3))))["output"]
    assert_same(product, convolved, "it is not a 1×1 convolution and global average pooling")


def exchange(trial: Trial, case: Case) -> None:
    """x1 and x2 exchanged, with the weight transposed, give the same."""
    case = whole(case)
    turned = case.but(x1=array(case, "x2"), x2=array(case, "x1"), weight=np.ascontiguousarray(array(case, "weight").swapaxes(1, 2)))
    assert_same(trial.run(turned)["output"], trial.run(case)["output"], "x1 and x2 are not alike")


POOLED = Law("a 1×1 convolution, then global average pooling", convolution_of_one_cell)

Linear = Operation(
    name="torch.nn.Linear",
    call=call_linear,
    oracle=linear,
    gradient=linear_gradient,
    shape=linear_shape,
    cost=linear_cost,
    module=linear_layer,
    cases=linear_cases,
    rejects=LINEAR_REJECTS,
    laws=(linear_in("x"), linear_in("weight"), one_by_one("x"), Law("the identity copies", identity_copies), POOLED),
    dtypes=FLOATS,
)

Bilinear = Operation(
    name="torch.nn.Bilinear",
    call=call_bilinear,
    oracle=bilinear,
    gradient=bilinear_gradient,
    shape=bilinear_shape,
    cost=bilinear_cost,
    module=bilinear_layer,
    cases=bilinear_cases,
    rejects=BILINEAR_REJECTS,
    laws=(linear_in("x1"), linear_in("x2"), linear_in("weight"), one_by_one("x1", "x2"), Law("x1 and x2 are alike", exchange)),
    dtypes=FLOATS,
)

OPERATIONS = (Linear, Bilinear)
