"""GELU's oracle against SciPy's normal distribution, and against its tanh form one number at a time."""

import math

import numpy as np
import pytest
import scipy.special

from oracles import activation
from oracles.bounded import exact, ieee

X = np.concatenate([np.linspace(-8, 8, 65), [1e-30, -1e-30, 40.0, -40.0, 0.0]])


def by_hand(x: float) -> float:
    return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_gelu_is_x_times_the_normal_distribution(dtype: str) -> None:
    x = X.astype(dtype).astype(float)
    for formula in (activation.gelu, *activation.gelu.formulations):
        ball = formula(exact(x, ieee(dtype)), approximate="none")
        assert np.all(np.abs(ball.value - x * scipy.special.ndtr(x)) <= ball.error * (1 + 1e-9) + 1e-300)
        np.testing.assert_allclose(formula(x, approximate="tanh"), [by_hand(a) for a in x], rtol=1e-10, atol=1e-15)


def test_its_slope_is_the_distribution_and_x_times_the_density() -> None:
    density = np.exp(-X * X / 2) / np.sqrt(2 * np.pi)
    got = activation.gelu_gradient(np.full_like(X, 2.0), X, approximate="none")["x"]
    np.testing.assert_allclose(got, 2 * (scipy.special.ndtr(X) + X * density), rtol=1e-9, atol=1e-14)
    step = 2.0**-20
    differences = [(by_hand(a + step) - by_hand(a - step)) / (2 * step) for a in X]
    np.testing.assert_allclose(activation.gelu_gradient(np.ones_like(X), X, approximate="tanh")["x"], differences, atol=1e-9)
