"""The average pooling oracles against the formula in fractions, SciPy and scikit-image."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import block_reduce

from oracles.average_pooling import avg_pool, avg_pool_gradient, avg_pool_of_integers, global_avg_pool, global_avg_pool_gradient


@st.composite
def calls(draw: st.DrawFn) -> tuple[np.ndarray, int, dict[str, Any]]:
    """An image of small integers and options, for one to three axes."""
    rank = draw(st.integers(1, 3))

    def each(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(least, most)) for _ in range(rank))

    kernel, rng = each(1, 3), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-8, 9, (*draw(st.sampled_from(((2,), (1, 2), (0, 2)))), *each(3, 6))).astype(float)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    options = {"kernel_size": kernel, "stride": draw(st.sampled_from((None, 2, each(1, 3)))), "padding": padding}
    divisor = draw(st.sampled_from((None, None, 1, 3, -2)))
    return x, rank, {**options, "ceil_mode": draw(st.booleans()), "count_include_pad": draw(st.booleans()), "divisor_override": divisor}


def weights(
    sides: tuple[int, ...], kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, count_include_pad: bool, divisor_override: Any
) -> list[list[tuple[tuple[int, ...], Fraction]]]:
    """For every window its cells of the image, each with its weight; windows are found by walking along each axis."""
    axes = []
    for n, k, s, p in zip(sides, kernel_size, np.broadcast_to(kernel_size if stride is None else stride, len(sides)), padding, strict=True):
        starts = list(range(-p, n + p - k + 1, s))
        following = starts[-1] + s if starts else -p
        if ceil_mode and (starts[-1] + k if starts else -p) < n + p and following < n:
            starts.append(following)
        axes.append([range(start, min(start + k, n + p)) for start in starts])
    found = []
    for window in itertools.product(*axes):
        inside = [cell for cell in itertools.product(*window) if all(0 <= i < n for i, n in zip(cell, sides, strict=True))]
        divisor = divisor_override or (math.prod(map(len, window)) if count_include_pad else len(inside))
        found.append([(cell, Fraction(1, divisor)) for cell in inside])
    return found


@settings(max_examples=60, deadline=None)
@given(calls())
def test_avg_pool_is_the_documented_mean_and_its_gradient_the_adjoint(call: tuple[np.ndarray, int, dict[str, Any]]) -> None:
    x, rank, options = call
    windows = weights(x.shape[-rank:], **options)
    y = avg_pool(x, rank=rank, **options)
    dy = np.random.default_rng(0).integers(-4, 5, y.shape).astype(float)
    dx = avg_pool_gradient(dy, x, rank=rank, **options)["x"]
    for plane in itertools.product(*map(range, x.shape[:-rank])):
        wanted = [float(sum((weight * int(x[(*plane, *cell)]) for cell, weight in window), Fraction())) for window in windows]
        np.testing.assert_allclose(y[plane].ravel(), wanted, rtol=1e-15, atol=1e-15)
        back = np.zeros(x.shape[-rank:])
        for window, share in zip(windows, dy[plane].ravel(), strict=True):
            for cell, weight in window:
                back[cell] += float(weight * int(share))
        np.testing.assert_allclose(dx[plane], back, rtol=1e-14, atol=1e-14)


def test_avg_pool_of_blocks_is_that_of_scikit_image() -> None:
    x = np.random.default_rng(0).standard_normal((6, 8))
    np.testing.assert_allclose(avg_pool(x[None], kernel_size=(3, 2))[0], block_reduce(x, (3, 2), np.mean))


def test_avg_pool_by_steps_of_one_is_a_filter_of_scipy() -> None:
    x = np.random.default_rng(0).standard_normal((6, 8))
    found = avg_pool(x[None], kernel_size=3, stride=1, padding=1)
    np.testing.assert_allclose(found[0], ndimage.uniform_filter(x, 3, mode="constant"), atol=1e-15)


def test_the_global_mean_is_that_of_scipy() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    labels = np.broadcast_to(np.arange(6).reshape(2, 3, 1, 1), x.shape)
    np.testing.assert_allclose(global_avg_pool(x).ravel(), ndimage.mean(x, labels, range(6)))
    np.testing.assert_allclose(global_avg_pool_gradient(np.ones((2, 3, 1, 1)), x)["x"], np.full(x.shape, 1 / 20))


def test_means_of_integers_are_the_integers_beside_the_fraction() -> None:
    x = np.array([[2**42 + 1, 2**42, -3, 0, 5, 6]])
    found = avg_pool_of_integers(x, kernel_size=2, stride=1, rank=1)
    means = [Fraction(int(a) + int(b), 2) for a, b in itertools.pairwise(x[0])]
    assert found.accepts(np.array([[math.floor(mean) for mean in means]])).all()
    assert found.accepts(np.array([[math.ceil(mean) for mean in means]])).all()
    assert not found.accepts(np.array([[math.floor(mean) - 1 for mean in means]])).any()
    assert not found.accepts(np.array([[math.ceil(mean) + 1 for mean in means]])).any()
