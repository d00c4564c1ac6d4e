"""The balls of moments hold what honest float32 programs compute, and not what a cancelling formula does."""

from __future__ import annotations

import numpy as np
import pytest

from oracles.bounded import blurred, exact, ieee
from oracles.moments import folded, moments, scaled, updated_moments

BY = ieee("float32")
SINGLE = np.float32


def rows(seed: int, mean: float, n: int) -> np.ndarray:
    """Numbers of float32 about a mean, some rows of them outliers, constant, or whole."""
    rng = np.random.default_rng(seed)
    x = mean + rng.standard_normal((6, n))
    x[1], x[2, 0], x[3] = mean / 3, 100 * mean + 5, np.rint(x[3])
    return x.astype(SINGLE)


def welford(row: np.ndarray) -> tuple[np.float32, np.float32]:
    """Mean and biased variance by updates, every operation in float32."""
    mean, square = SINGLE(0), SINGLE(0)
    for count, number in enumerate(row, 1):
        before = number - mean
        mean = mean + before / SINGLE(count)
        square = square + before * (number - mean)
    return mean, square / SINGLE(len(row))


def chan(row: np.ndarray) -> tuple[np.float32, np.float32]:
    """The same by halves: m = m₁ + δ·n₂/n, M = M₁ + M₂ + δ²·n₁·n₂/n."""

    def merged(part: np.ndarray) -> tuple[np.float32, np.float32]:
        if len(part) == 1:
            return part[0], SINGLE(0)
        n, first = len(part), len(part) // 2
        (m1, s1), (m2, s2) = merged(part[:first]), merged(part[first:])
        apart = m2 - m1
        return m1 + apart * SINGLE(n - first) / SINGLE(n), s1 + s2 + apart * apart * (SINGLE(first) * SINGLE(n - first) / SINGLE(n))

    mean, square = merged(row)
    return mean, square / SINGLE(len(row))


@pytest.mark.parametrize("program", [welford, chan])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 32, 100])
@pytest.mark.parametrize("mean", [0.0, 3.0, 1000.0])
def test_updates_lie_in_the_balls_of_updated_moments(program, n, mean):
    for seed in range(5):
        x = rows(seed, mean, n)
        balls = updated_moments(exact(x, BY), (1,))
        for number, ball in zip(zip(*map(program, x), strict=True), balls, strict=True):
            assert ball[:, 0].accepts(np.array(number)).all()


@pytest.mark.parametrize("mean", [0.0, 3.0, 1000.0])
def test_one_factor_and_one_shift_lie_in_the_balls_of_folded(mean):
    for seed in range(5):
        x = rows(seed, mean, 16)
        weight, bias = np.random.default_rng(seed).standard_normal((2, 16)).astype(SINGLE)
        center = x.mean(1, keepdims=True, dtype=SINGLE)
        variance = np.square(x - center).mean(1, keepdims=True, dtype=SINGLE)
        factor = weight / np.sqrt(variance + SINGLE(0.25))
        y = x * factor + (bias - center * factor)
        given = exact(x, BY)
        assert folded(given, *moments(given, (1,)), exact(weight, BY), exact(bias, BY), 0.25).accepts(y).all()


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_products_with_a_number_that_is_rounded_are_rounded_in_folded(weight):
    x = np.full((1, 1), -6.0, SINGLE)
    factor = SINGLE(weight) / np.sqrt(SINGLE(8) + SINGLE(1))  # 1/3, and 1 by two roundings
    fused = SINGLE(np.float64(-6) * np.float64(factor) + np.float64(SINGLE(6) * factor))
    given, mean, variance = exact(x, BY), exact(x, BY), exact(np.full((1, 1), 8.0, SINGLE), BY)
    ball = folded(given, mean, variance, exact(np.full((1, 1), weight, SINGLE), BY), None, 1.0)
    assert ball.accepts(np.array([[fused]])).all()
    assert not ball.accepts(np.array([[1e-5]], SINGLE)).any()
    certainly = folded(given, mean, exact(np.full((1, 1), 3.0, SINGLE), BY), None, None, 1.0)
    assert not certainly.accepts(np.array([[1e-9]], SINGLE)).any()


def test_no_ball_holds_a_variance_that_has_cancelled():
    x = rows(0, 1000.0, 16)[:1]
    raw = np.square(x).mean(1, keepdims=True, dtype=SINGLE) - np.square(x.mean(1, keepdims=True, dtype=SINGLE))
    y = (x - x.mean(1, keepdims=True, dtype=SINGLE)) / np.sqrt(raw + SINGLE(0.25))
    for statistics in (moments, updated_moments):
        for normalize in (scaled, folded):
            given = exact(x, BY)
            assert not normalize(given, *statistics(given, (1,)), None, None, 0.25).accepts(y).all()


def test_blurred_numbers_are_plain_where_arrays_are():
    x = np.array([1.0, np.inf, np.nan])
    assert blurred(x, 3.0) is x
    assert blurred(exact(x, BY), 3.0).error.tolist() == [3.0 * (2.0**-24 + 2.0**-53 + 2.0**-149), 0.0, 0.0]
