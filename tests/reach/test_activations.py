"""The strategies of activations reach the inputs that reported bugs needed."""

import hypothesis
import numpy as np
import pytest
from hypothesis import Phase

from conformance import backends
from conformance.operations import activation, rectifiers, smooth_activations
from conformance.test_gradient import test_gradient as gradient_property


class Found(Exception):
    """A case that is wanted."""


def reaches(operation, dtype, wanted):
    """The first drawn case that is wanted; fails if three thousand draws have none."""

    @hypothesis.seed(3)
    @hypothesis.settings(max_examples=3000, database=None, deadline=None, phases=(Phase.generate,), report_multiple_bugs=False)
    @hypothesis.given(operation.cases(dtype))
    def look(case):
        if wanted(case):
            raise Found(case)

    with pytest.raises(Found) as found:
        look()
    return found.value.args[0]


def numbers(case):
    return case.arrays["x"].astype(float).ravel()


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("name", ["Hardtanh", "ReLU6", "Hardshrink", "Softshrink", "Hardswish"])
def test_nan_in_a_vector_and_after_it(name, dtype):
    """pytorch#195075: the gradient at NaN differs between vectors and what remains of them."""
    body = 64 // {"float64": 8, "float32": 4, "bfloat16": 2}[dtype]
    reaches(
        getattr(rectifiers, name),
        dtype,
        lambda case: np.isnan(numbers(case)).all() and numbers(case).size > body > numbers(case).size % body > 0,
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("half", [0, 1])
def test_one_special_value_among_ordinary_ones(value, half):
    def alone(case):
        x = numbers(case)
        odd = np.flatnonzero(~np.isfinite(x))
        return x.size > 8 and len(odd) == 1 and np.array_equal(x[odd[0]], value, equal_nan=True) and odd[0] * 2 // x.size == half

    reaches(activation.GELU, "float32", alone)


def test_negative_zero_and_subnormal_numbers():
    reaches(rectifiers.ReLU, "float32", lambda case: np.any((numbers(case) == 0) & np.signbit(numbers(case))))
    reaches(rectifiers.LeakyReLU, "float32", lambda case: np.any((-numbers(case) > 0) & (-numbers(case) < 2.0**-126)))


@pytest.mark.parametrize(("dtype", "point"), [("float32", 88), ("float32", 104), ("float64", 710), ("float64", 746)])
@pytest.mark.parametrize("sign", [1, -1])
def test_where_exponentials_go_over(dtype, point, sign):
    reaches(smooth_activations.Mish, dtype, lambda case: np.any(np.abs(sign * numbers(case) - point) < 0.01))


@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.parametrize("layouts", [{"x": "strided"}, {"x": "transposed", "dy": "strided"}, {"dy": "transposed"}])
def test_the_gradient_of_gelu_through_views(approximate, layouts):
    """pytorch#107876: the backward pass took every input and cotangent for contiguous (torch 2.0)."""
    case = reaches(
        activation.GELU, "float32", lambda case: case.arrays["x"].ndim == 2 and case.arrays["x"].size > 16 and case.regime == "normal"
    )
    gradient_property.property.check(activation.GELU, case.but(approximate=approximate).laid_out(**layouts), backends.form("cpu"))
