"""The power pooling oracles against norms of NumPy's linear algebra and of SciPy, and a difference quotient."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.special import logsumexp

from oracles.power_pooling import lp_pool, lp_pool_by_means, lp_pool_gradient, lp_pool_gradient_by_means

NORMS = (1, 2, 3, 1.5, 0.5, np.inf)


@st.composite
def calls(draw: st.DrawFn) -> tuple[np.ndarray, int, dict[str, Any]]:
    """Positive numbers and options, for one to three axes."""
    rank = draw(st.integers(1, 3))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.uniform(0.1, 3, (2, *(draw(st.integers(3, 5)) for _ in range(rank))))
    options = {"kernel_size": kernel, "stride": draw(st.sampled_from((None, 1, 2))), "ceil_mode": draw(st.booleans())}
    return x, rank, {"norm_type": draw(st.sampled_from(NORMS)), **options}


def windows(x: np.ndarray, rank: int, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> list[np.ndarray]:
    """The cells of every window of every plane; with ceil_mode also of those that hang over and begin in the image."""
    axes = []
    for n, k, s in zip(x.shape[-rank:], kernel_size, np.broadcast_to(kernel_size if stride is None else stride, rank), strict=True):
        fit = [slice(i, i + k) for i in range(0, n - k + 1, s)]
        following, covered = (fit[-1].start + s, fit[-1].stop) if fit else (0, 0)
        axes.append(fit + [slice(following, n)] * bool(ceil_mode and covered < n and following < n))
    return [plane[window].ravel() for plane in x.reshape(-1, *x.shape[-rank:]) for window in itertools.product(*axes)]


@settings(max_examples=60, deadline=None)
@given(calls())
def test_lp_pool_is_a_norm_of_every_window(call: tuple[np.ndarray, int, dict[str, Any]]) -> None:
    x, rank, options = call
    p = options["norm_type"]
    cells = windows(x, rank, **options)
    wanted = [np.linalg.norm(window, p) if p != 0.5 else np.exp(logsumexp(p * np.log(window)) / p) for window in cells]
    for oracle in (lp_pool, lp_pool_by_means):
        np.testing.assert_allclose(oracle(x, rank=rank, **options).ravel(), wanted, rtol=1e-13)


@settings(max_examples=25, deadline=None)
@given(calls())
def test_the_gradient_is_a_difference_quotient(call: tuple[np.ndarray, int, dict[str, Any]]) -> None:
    x, rank, options = call
    dy = np.random.default_rng(0).integers(1, 5, lp_pool(x, rank=rank, **options).shape).astype(float)

    def total(flat: np.ndarray) -> float:
        return float(np.sum(dy * lp_pool(flat.reshape(x.shape), rank=rank, **options)))

    quotient = approx_fprime(x.ravel(), total, 1e-7).reshape(x.shape)
    for gradient in (lp_pool_gradient, lp_pool_gradient_by_means):
        np.testing.assert_allclose(gradient(dy, x, rank=rank, **options)["x"], quotient, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm_type", [1, 2, 3, 0.5])
def test_a_sum_of_zero_has_no_gradient(norm_type: float) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = lp_pool_gradient(np.ones((1, 2)), np.array([[0.0, 0.0, 1.0, 0.0]]), norm_type=norm_type, kernel_size=2, rank=1)["x"]
    np.testing.assert_array_equal(found[0, :2], 0)
    assert found[0, 2] == 1


def test_the_root_of_a_negative_sum_is_nan() -> None:
    with np.errstate(invalid="ignore"):
        assert np.isnan(lp_pool(np.array([[-2.0, 1.0]]), norm_type=3, kernel_size=2, rank=1)).all()
