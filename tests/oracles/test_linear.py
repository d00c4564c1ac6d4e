"""The oracles of products with a matrix and of looked-up rows against loops in plain Python, on integers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from oracles.bounded import exact, ieee
from oracles.embedding import embedding, embedding_gradient
from oracles.linear import bilinear, bilinear_gradient, linear, linear_gradient

LEADING = ((), (3,), (0,), (2, 3), (2, 0, 1))


def integers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-5, 6, shape).astype(float)


@pytest.mark.parametrize("leading", LEADING)
def test_linear_sums_products(leading: tuple[int, ...]) -> None:
    x, weight, bias = integers(0, *leading, 4), integers(1, 3, 4), integers(2, 3)
    y = linear(x, weight, bias)
    for at in itertools.product(*map(range, leading), range(3)):
        assert y[at] == bias[at[-1]] + sum(x[at[:-1]][i] * weight[at[-1], i] for i in range(4))
    assert y.shape == (*leading, 3)


@pytest.mark.parametrize("leading", LEADING)
def test_bilinear_sums_products_in_every_formulation(leading: tuple[int, ...]) -> None:
    x1, x2, weight, bias = integers(0, *leading, 2), integers(1, *leading, 4), integers(2, 3, 2, 4), integers(3, 3)
    wanted = np.zeros((*leading, 3))
    for at in itertools.product(*map(range, leading), range(3)):
        terms = (x1[at[:-1]][i] * weight[at[-1], i, j] * x2[at[:-1]][j] for i in range(2) for j in range(4))
        wanted[at] = bias[at[-1]] + sum(terms)
    for formulation in (bilinear, *bilinear.formulations):
        np.testing.assert_array_equal(formulation(x1, x2, weight, bias), wanted)


@pytest.mark.parametrize("leading", LEADING)
def test_gradients_are_differences(leading: tuple[int, ...]) -> None:
    """On integers a difference by one is the derivative of a function that is linear in each array."""
    linear_arrays = {"x": integers(0, *leading, 4), "weight": integers(1, 3, 4), "bias": integers(2, 3)}
    bilinear_arrays = {
        "x1": integers(0, *leading, 2),
        "x2": integers(1, *leading, 4),
        "weight": integers(2, 3, 2, 4),
        "bias": integers(3, 3),
    }
    dy = integers(4, *leading, 3)
    for function, gradient, arrays in ((linear, linear_gradient, linear_arrays), (bilinear, bilinear_gradient, bilinear_arrays)):
        for formulation in (gradient, *getattr(gradient, "formulations", ())):
            found = formulation(dy, **arrays)
            assert set(found) == set(arrays)
            for name, array in arrays.items():
                assert found[name].shape == array.shape
                for at in np.ndindex(array.shape):
                    moved = array.copy()
                    moved[at] += 1
                    difference = np.sum(dy * (function(**{**arrays, name: moved}) - function(**arrays)))
                    assert found[name][at] == difference


def test_embedding_copies_rows_and_shortens_those_in_use() -> None:
    weight = np.array([[3.0, 4.0], [6.0, 8.0], [0.3, 0.4], [30.0, 40.0]])
    found = embedding(np.array([0, 1, 2, 1]), weight, max_norm=5.0)
    np.testing.assert_allclose(found["weight"], [[3, 4], [3, 4], [0.3, 0.4], [30, 40]])
    np.testing.assert_array_equal(found["output"], found["weight"][[0, 1, 2, 1]])


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, 0.5, np.inf])
def test_shortened_rows_have_the_norm(norm_type: float) -> None:
    weight = 10 + np.random.default_rng(0).random((3, 4))
    rows = embedding(np.arange(3), weight, max_norm=1.5, norm_type=norm_type)["output"]
    lengths = [max(map(abs, row)) if norm_type == np.inf else sum(abs(v) ** norm_type for v in row) ** (1 / norm_type) for row in rows]
    np.testing.assert_allclose(lengths, 1.5)


@pytest.mark.parametrize("padding_idx", [None, 1, -2])
@pytest.mark.parametrize("scale", [False, True])
def test_the_gradient_of_an_embedding_adds_up(padding_idx: int | None, scale: bool) -> None:
    indices, dy = np.array([[0, 1, 2], [2, 2, 2]]), integers(0, 2, 3, 5)
    wanted = np.zeros((3, 5))
    for at in np.ndindex(indices.shape):
        row = indices[at]
        if padding_idx is None or row != padding_idx % 3:
            wanted[row] += dy[at] / ((indices == row).sum() if scale else 1)
    by = ieee("float64")
    for formulation in (embedding_gradient, *embedding_gradient.formulations):
        found = formulation(exact(dy, by), indices, exact(np.ones((3, 5)), by), padding_idx=padding_idx, scale_grad_by_freq=scale)
        assert found["weight"].accepts(wanted).all()
