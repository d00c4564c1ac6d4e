"""The oracle of reduced rows against loops in plain Python, with fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from oracles.bounded import exact, ieee
from oracles.embedding_bag import embedding_bag, embedding_bag_gradient

WEIGHT = np.random.default_rng(0).integers(-9, 10, (4, 3)).astype(float)
CASES = (  # indices, offsets, include_last_offset, the bags as places
    (np.array([[0, 1, 1], [3, 2, 0]]), None, False, [[0, 1, 2], [3, 4, 5]]),
    (np.array([[0, 1, 1], [3, 2, 0]]), None, True, [[0, 1, 2], [3, 4, 5]]),
    (np.array([2, 2, 1, 0, 3, 1]), np.array([0, 2, 2, 5]), False, [[0, 1], [], [2, 3, 4], [5]]),
    (np.array([2, 2, 1, 0, 3, 1]), np.array([0, 1, 6, 6]), True, [[0], [1, 2, 3, 4, 5], []]),
    (np.zeros(0, int), np.array([0, 0]), False, [[], []]),
    (np.zeros((0, 2), int), None, False, []),
)


def reduced(bags: list[list[int]], flat: np.ndarray, weights: np.ndarray, mode: str, padding_idx: int | None) -> list[list[Fraction]]:
    """Each bag's rows one after the other, in fractions."""
    found = []
    for bag in bags:
        rows = [[Fraction(v) * Fraction(weights[k]) for v in WEIGHT[flat[k]]] for k in bag if flat[k] != padding_idx]
        if not rows:
            found.append([Fraction(0)] * 3)
        elif mode == "max":
            found.append([max(column) for column in zip(*rows, strict=True)])
        else:
            divisor = len(rows) if mode == "mean" else 1
            found.append([sum(column, Fraction(0)) / divisor for column in zip(*rows, strict=True)])
    return found


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding_idx", [None, 1, -2])
def test_bags_are_reduced(case: tuple, mode: str, padding_idx: int | None) -> None:
    indices, offsets, last, bags = case
    weights = np.arange(1.0, indices.size + 1) if mode == "sum" else np.ones(indices.size)
    wanted = reduced(bags, indices.ravel(), weights, mode, None if padding_idx is None else padding_idx % 4)
    by = ieee("float64")
    given = exact(weights.reshape(indices.shape), by) if mode == "sum" else None
    for formulation in (embedding_bag, *embedding_bag.formulations):
        found = formulation(
            indices,
            offsets,
            exact(WEIGHT, by),
            given,
            mode=mode,
            padding_idx=padding_idx,
            include_last_offset=last,
            max_norm=None,
            norm_type=2.0,
        )
        assert found["output"].accepts(np.array(wanted, float).reshape(len(bags), 3)).all()
        assert found["weight"].accepts(WEIGHT).all()


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
@pytest.mark.parametrize("mode", ["sum", "mean"])
@pytest.mark.parametrize("padding_idx", [None, 1, -2])
def test_gradients_are_differences(case: tuple, mode: str, padding_idx: int | None) -> None:
    """The reduction is linear in the table and in the weights: a difference by one is the derivative."""
    indices, offsets, last, bags = case
    flat, padding = indices.ravel(), None if padding_idx is None else padding_idx % 4
    rng = np.random.default_rng(1)
    weights, dy = rng.integers(1, 5, indices.size).astype(float), rng.integers(-5, 6, (len(bags), 3)).astype(float)
    weights = weights if mode == "sum" else np.ones(indices.size)
    table, of_weights = np.zeros((4, 3)), np.zeros(indices.size)
    for bag, cotangent in zip(bags, dy, strict=True):
        members = [k for k in bag if flat[k] != padding]
        for k in members:
            table[flat[k]] += weights[k] * cotangent / (len(members) if mode == "mean" else 1)
            of_weights[k] = sum(WEIGHT[flat[k]] * cotangent)
    frequency = np.array([max(1, np.count_nonzero(flat == v)) for v in range(4)])[:, None]
    by = ieee("float64")
    given = exact(weights.reshape(indices.shape), by) if mode == "sum" else None
    for scale in (False, True):
        for formulation in (embedding_bag_gradient, *embedding_bag_gradient.formulations):
            options = {"mode": mode, "padding_idx": padding_idx, "include_last_offset": last, "scale_grad_by_freq": scale}
            found = formulation(exact(dy, by), indices, offsets, exact(WEIGHT, by), given, **options)
            assert found["weight"].accepts(table / (frequency if scale else 1)).all()
            assert given is None or found["per_sample_weights"].accepts(of_weights.reshape(indices.shape)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_weight_may_be_divided_before_a_cotangent_is_multiplied(dtype: str) -> None:
    """A sixth of the least number is 0, which an infinite cotangent makes NaN; a sixth of 6 is 1."""
    by = ieee(dtype)
    input, weight, dy = np.zeros((3, 2), int), np.ones((1, 1)), np.array([[0.0], [0.0], [np.inf]])
    options = {"mode": "sum", "scale_grad_by_freq": True}
    for share, undefined in ((np.finfo(dtype).smallest_subnormal, True), (6.0, False)):
        weights = np.array([[0.0, 0.0], [0.0, 0.0], [share, share]])
        ways = (embedding_bag_gradient, *embedding_bag_gradient.formulations)
        found = [way(exact(dy, by), input, None, exact(weight, by), exact(weights, by), **options)["weight"] for way in ways]
        assert any(ball.accepts(np.full((1, 1), np.inf)).all() for ball in found)
        assert any(ball.accepts(np.full((1, 1), np.nan)).all() for ball in found) == undefined


def test_the_gradient_of_a_maximum_goes_to_the_first_of_the_largest() -> None:
    weight = np.array([[1.0, 5.0, 2.0], [1.0, 4.0, 2.0], [0.0, 5.0, 3.0]])
    found = embedding_bag_gradient(
        np.array([[1.0, 10.0, 100.0], [7.0, 7.0, 7.0]]), np.array([1, 0, 2, 2]), np.array([0, 3]), weight, mode="max"
    )
    np.testing.assert_array_equal(found["weight"], [[0, 10, 0], [1, 0, 0], [7, 7, 107]])


def test_rows_are_shortened_before_they_are_reduced() -> None:
    found = embedding_bag(np.array([[0, 1]]), None, np.array([[3.0, 4.0], [6.0, 8.0]]), mode="sum", max_norm=5.0)
    np.testing.assert_allclose(found["output"], [[6.0, 8.0]])
    np.testing.assert_allclose(found["weight"], [[3, 4], [3, 4]])
