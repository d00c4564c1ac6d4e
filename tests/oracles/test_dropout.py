"""The accepted sets of dropout against their definition, unit by unit, and the self-normalising property."""

from __future__ import annotations

import math

import numpy as np
import pytest

from oracles import dropout
from oracles.bounded import exact, ieee

X = np.array([[[1.0, -2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]])


def accepted(oracle, y, x=X, p=0.5):
    """Which elements of y the oracle accepts."""
    by = ieee("float64")
    return oracle(exact(x, by), p=p, training=True, seed=0, observed={"output": y}).accepts(y)


def test_elements_are_dropped_one_by_one():
    mask = np.array([[[0, 1], [1, 0]], [[1, 1], [0, 0]]])
    assert accepted(dropout.dropout, 2 * X * mask).all()
    assert not accepted(dropout.dropout, X * mask)[mask == 1].any()


@pytest.mark.parametrize(("oracle", "channel"), [(dropout.dropout1d, (0, 1)), (dropout.dropout2d, (1, 0))])
def test_channels_are_dropped_as_a_whole(oracle, channel):
    y = 2 * X
    y[channel] = 0
    assert accepted(oracle, y).all()
    y[1, 1, 0] = 0
    assert not accepted(oracle, y).all()


def test_without_a_batch_the_first_axis_is_of_channels():
    y = 2 * X[0]
    y[0] = 0
    assert accepted(dropout.dropout1d, y, X[0]).all()
    image = X[:, None, :, :].repeat(2, 1)
    y = 2 * image
    y[0] = 0
    assert accepted(dropout.dropout3d, y, image).all()
    y = 2 * image
    y[:, 0] = 0
    assert not accepted(dropout.dropout3d, y, image).all()


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_alpha_dropout_keeps_mean_0_and_variance_1(p):
    a, b = dropout.affine(p)
    kept_mean, lost = b, a * dropout.ALPHA + b
    mean = (1 - p) * kept_mean + p * lost
    square = (1 - p) * (a * a + b * b) + p * lost**2
    assert math.isclose(mean, 0, abs_tol=1e-12)
    assert math.isclose(square, 1)
    y = np.where(np.arange(8).reshape(2, 2, 2) % 3 == 0, lost, a * X + b)
    assert accepted(dropout.alpha_dropout, y, p=p).all()
    assert not accepted(dropout.alpha_dropout, y + 1e-6, p=p).any()
    assert not accepted(dropout.feature_alpha_dropout, y[:, :, None, None].repeat(2, 2), X[:, :, None, None].repeat(2, 2), p=p).all()


def test_alpha_is_where_selu_saturates():
    scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
    assert math.isclose(dropout.ALPHA, -scale * alpha)


def test_chances_count_channels_once():
    x = np.ones((4, 6, 5))
    y = 2 * x
    y[1, 2] = 0
    counts = dropout.chances_of(dropout.channels(0), alpha=False)(x, p=0.5, training=True, seed=0, observed={"output": y})
    assert counts["were kept"] == (23, 24, 0.5)
    assert counts["neighbours were both kept"] == (11, 12, 0.25)
    assert counts["channels of two images were both kept"] == (11, 12, 0.25)


def test_chances_see_neither_zeros_nor_saturated_inputs():
    x = np.array([0.0, dropout.ALPHA, 1.0, np.inf])
    for alpha, known in ((False, 2), (True, 2)):
        counts = dropout.chances_of(dropout.elements, alpha=alpha)(x, p=0.5, training=True, seed=0, observed={"output": x})
        assert counts["were kept"][1] == known
