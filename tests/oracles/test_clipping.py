"""Clipping against NumPy's norms of one long vector, the penalty against difference quotients."""

from __future__ import annotations

import numpy as np
import pytest

from oracles.bounded import exact, ieee
from oracles.clipping import clip_grad_norm, clip_grad_value, l1_penalty, l1_penalty_gradient

OPTIONS = {"error_if_nonfinite": False, "foreach": None}


@pytest.mark.parametrize("order", [2.0, 1.0, np.inf, "inf", 3.0, 0.5, -np.inf])
@pytest.mark.parametrize("max_norm", [0.5, 1000.0])
def test_the_norm_is_that_of_one_long_vector(order, max_norm):
    g, h = np.random.default_rng(0).standard_normal((3, 2)), np.random.default_rng(1).standard_normal(4)
    found = clip_grad_norm(g, h, max_norm=max_norm, norm_type=order, missing=None, **OPTIONS)
    total = np.linalg.norm(np.concatenate([g.ravel(), h]), float(order))
    np.testing.assert_allclose(found["total_norm"], total, rtol=1e-12)
    np.testing.assert_allclose(found["first"], g if total < max_norm else g * max_norm / (total + 1e-6), rtol=1e-12)


def test_order_zero_counts_the_gradients_that_are_not_zero():
    found = clip_grad_norm(np.array([1.0, 0.0, 2.0]), np.zeros(2), max_norm=1.0, norm_type=0.0, missing=None, **OPTIONS)
    assert found["total_norm"] == 1  # the norm of the norms 2 and 0


def test_a_parameter_without_a_gradient_counts_for_nothing():
    found = clip_grad_norm(np.array([3.0]), np.array([4.0]), max_norm=1.0, norm_type=2.0, missing="second", **OPTIONS)
    assert found["total_norm"] == 3
    assert set(found) == {"total_norm", "first"}
    assert set(clip_grad_value(np.ones(1), np.ones(1), clip_value=1.0, foreach=None, missing="first")) == {"second"}


def test_values_are_clipped_as_numpy_clips():
    g = np.array([-2.0, -0.5, 0.0, 0.5, np.inf, np.nan])
    found = clip_grad_value(g, g, clip_value=1.0, foreach=None, missing=None)
    np.testing.assert_array_equal(found["second"], np.clip(g, -1, 1))


def test_the_penalty_has_the_slopes_of_its_difference_quotients():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 3)), rng.standard_normal(2)
    slopes = l1_penalty_gradient(np.asarray(2.0), x, y, strength=0.5)["first"]
    for index in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[index] = 1e-6
        rise = l1_penalty(x + step, y, strength=0.5)["output"] - l1_penalty(x - step, y, strength=0.5)["output"]
        np.testing.assert_allclose(slopes[index], 2.0 * rise / 2e-6, rtol=1e-6)


def test_at_zero_every_subgradient_is_accepted_and_nothing_else():
    by = ieee("float32")
    x = exact(np.array([0.0, 0.0, 0.0, 0.0, 3.0, np.nan, np.nan]), by)
    accepted = l1_penalty_gradient(exact(1.0, by), x, x, strength=0.5)["first"].accepts(np.array([0.0, 0.5, -0.25, 0.75, 0.0, np.nan, 0.0]))
    assert accepted.tolist() == [True, True, True, False, False, True, True]
