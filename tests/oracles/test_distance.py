"""The oracles of angles and distances against SciPy and sums in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.spatial import distance as scipy_distance

from oracles.bounded import exact, ieee
from oracles.distance import cosine_similarity, cosine_similarity_gradient, pairwise_distance, pairwise_distance_gradient

RNG = np.random.default_rng(0)
X, Y, DY = RNG.standard_normal((4, 3)), RNG.standard_normal((4, 3)), RNG.standard_normal(4)


def test_a_cosine_is_one_less_the_distance_of_scipy() -> None:
    wanted = [1 - scipy_distance.cosine(x, y) for x, y in zip(X, Y, strict=True)]
    for formulation in (cosine_similarity, *cosine_similarity.formulations):
        np.testing.assert_allclose(formulation(X, Y, dim=1, eps=1e-8), wanted)
        np.testing.assert_allclose(formulation(X.T, Y.T, dim=-2, eps=1e-8), wanted)


def test_eps_bounds_the_product_of_the_lengths_or_each_of_them() -> None:
    x, y = np.array([[0.3, 0.4]]), np.array([[6.0, 8.0]])
    product, each = (formulation(x, y, dim=1, eps=8.0) for formulation in (cosine_similarity, *cosine_similarity.formulations))
    np.testing.assert_allclose(product, [5 / 8])
    np.testing.assert_allclose(each, [5 / 80])


@pytest.mark.parametrize("p", [2, 1, 3, 1.5, 0.5, -1, math.inf, -math.inf, 0])
@pytest.mark.parametrize("keepdim", [False, True])
def test_a_distance_is_the_norm_of_the_difference(p: float, keepdim: bool) -> None:
    wanted = []
    for x, y in zip(X, Y, strict=True):
        sizes = [abs(a - b + 0.125) for a, b in zip(x, y, strict=True)]
        if p == 0:
            wanted.append(sum(size != 0 for size in sizes))
        elif math.isinf(p):
            wanted.append(max(sizes) if p > 0 else min(sizes))
        else:
            wanted.append(math.fsum(size**p for size in sizes) ** (1 / p))
    found = pairwise_distance(X, Y, p=p, eps=0.125, keepdim=keepdim)
    np.testing.assert_allclose(found, np.reshape(wanted, (4, 1) if keepdim else 4))
    if p >= 1:
        np.testing.assert_allclose(found.ravel(), [scipy_distance.minkowski(x + 0.125, y, p) for x, y in zip(X, Y, strict=True)])


@pytest.mark.parametrize("p", [2, 1, 3, 1.5, 0.5, -1, math.inf, -math.inf])
def test_gradients_of_distances_are_differences(p: float) -> None:
    def total(x: np.ndarray) -> float:
        return float(np.sum(DY * pairwise_distance(x.reshape(4, 3), Y, p=p, eps=0.125, keepdim=False)))

    for formulation in (pairwise_distance_gradient, *pairwise_distance_gradient.formulations):
        found = formulation(DY, X, Y, p=p, eps=0.125, keepdim=False)
        np.testing.assert_allclose(found["x1"].ravel(), approx_fprime(X.ravel(), total, 1e-7), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found["x2"], -found["x1"])


@pytest.mark.parametrize("eps", [1e-8, 0.9, 4.0, 100.0])
def test_gradients_of_cosines_are_differences(eps: float) -> None:
    """With lengths above, between and below eps, and one vector for all."""
    gradients = (cosine_similarity_gradient, *cosine_similarity_gradient.formulations)
    for gradient, function in zip(gradients, (cosine_similarity, *cosine_similarity.formulations), strict=True):
        for y in (Y, Y[:1]):
            found = gradient(DY, X, y, dim=1, eps=eps)
            for name, start in (("x1", X), ("x2", y)):

                def total(moved: np.ndarray, name: str = name, y: np.ndarray = y, function=function) -> float:
                    arrays = {"x1": X, "x2": y}
                    arrays[name] = moved.reshape(arrays[name].shape)
                    return float(np.sum(DY * function(**arrays, dim=1, eps=eps)))

                np.testing.assert_allclose(found[name].ravel(), approx_fprime(start.ravel(), total, 1e-7), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("p", [2, 1, 3, 1.5, math.inf])
def test_at_zero_a_norm_may_keep_a_cotangent_of_nan_out(p: float) -> None:
    by = ieee("float32")
    y, dy = np.array([[0.5, 1.0]]), np.array([np.nan])
    for x, kept_out in ((y, True), (np.array([[0.5, 2.0]]), False)):
        ways = (pairwise_distance_gradient, *pairwise_distance_gradient.formulations)
        found = [way(*(exact(array, by) for array in (dy, x, y)), p=p, eps=0.0, keepdim=False)["x1"] for way in ways]
        assert any(ball.accepts(np.full((1, 2), np.nan)).all() for ball in found)
        assert any(ball.accepts(np.zeros((1, 2))).any() for ball in found) == kept_out


def test_a_count_has_no_gradient() -> None:
    assert pairwise_distance_gradient(DY, X, Y, p=0, eps=0.0, keepdim=False) == {}
