"""The adaptive pooling oracles against windows found in fractions, and block reduction of scikit-image."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import block_reduce

from oracles.adaptive_pooling import adaptive_avg_pool, adaptive_avg_pool_gradient, adaptive_max_pool, adaptive_max_pool_gradient
from oracles.bounded import exact, ieee


@st.composite
def calls(draw: st.DrawFn) -> tuple[np.ndarray, int, Any]:
    """An image with ties and an output size, for one to three axes."""
    rank = draw(st.integers(1, 3))
    sides = [draw(st.integers(1, 6)) for _ in range(rank)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = tuple(draw(st.sampled_from((None, 0, 1, 2, 3, 5, 7))) for _ in range(rank))
    return rng.integers(0, 3, (*draw(st.sampled_from(((2,), (1, 2), (0, 2)))), *sides)).astype(float), rank, size


def windows(sides: tuple[int, ...], output_size: Any) -> tuple[tuple[int, ...], list[list[tuple[int, ...]]]]:
    """For every output the cells with which it has something in common, when both axes are laid over each other."""
    counts = tuple(n if m is None else m for n, m in zip(sides, output_size, strict=True))
    axes = [
        [[j for j in range(n) if Fraction(j + 1, n) > Fraction(i, m) and Fraction(j, n) < Fraction(i + 1, m)] for i in range(m)]
        for n, m in zip(sides, counts, strict=True)
    ]
    return counts, [list(itertools.product(*window)) for window in itertools.product(*axes)]


@settings(max_examples=60, deadline=None)
@given(calls())
def test_means_and_maxima_over_the_cells_that_an_output_overlaps(call: tuple[np.ndarray, int, Any]) -> None:
    x, rank, size = call
    counts, cells = windows(x.shape[-rank:], size)
    mean, most = adaptive_avg_pool(x, output_size=size, rank=rank), adaptive_max_pool(x, output_size=size, return_indices=True, rank=rank)
    assert mean.shape == most["output"].shape == (*x.shape[:-rank], *counts)
    dy = np.random.default_rng(0).integers(-4, 5, mean.shape).astype(float)
    spread = adaptive_avg_pool_gradient(dy, x, output_size=size, rank=rank)["x"]
    by = ieee("float32")
    taken = adaptive_max_pool_gradient(exact(dy, by), exact(x, by), output_size=size, return_indices=True, rank=rank)["x"]
    at = np.zeros(mean.shape)
    for plane in itertools.product(*map(range, x.shape[:-rank])):
        back, forth = np.zeros(x.shape[-rank:]), np.zeros(x.shape[-rank:])
        for out, window in zip(itertools.product(*map(range, counts)), cells, strict=True):
            values = [x[(*plane, *cell)] for cell in window]
            assert math.isclose(mean[(*plane, *out)], sum(values) / len(values), abs_tol=1e-15)
            first = window[values.index(max(values))]
            assert most["output"][(*plane, *out)] == max(values)
            at[(*plane, *out)] = np.ravel_multi_index(first, x.shape[-rank:])
            forth[first] += dy[(*plane, *out)]
            for cell in window:
                back[cell] += dy[(*plane, *out)] / len(window)
        np.testing.assert_allclose(spread[plane], back, atol=1e-13)
        np.testing.assert_array_equal(taken.value[plane], forth)
    assert most["indices"].accepts(at).all()


def test_windows_that_divide_the_image_are_blocks() -> None:
    x = np.random.default_rng(0).standard_normal((6, 8))
    np.testing.assert_allclose(adaptive_avg_pool(x[None], output_size=(2, 4))[0], block_reduce(x, (3, 2), np.mean))
    np.testing.assert_array_equal(adaptive_max_pool(x[None], output_size=(2, 4))["output"][0], block_reduce(x, (3, 2), np.max))


@pytest.mark.parametrize("places", [[0], [2], [0, 2]])
def test_any_nan_may_be_the_index(places: list[int]) -> None:
    x = np.arange(4.0).reshape(1, 4)
    x[..., places] = np.nan
    found = adaptive_max_pool(exact(x, ieee("float32")), output_size=1, return_indices=True, rank=1)
    assert [i for i in range(4) if found["indices"].accepts(np.full((1, 1), i)).all()] == places


def test_shares_may_be_stored_after_each_division() -> None:
    """In float16 1/31 of the least number's multiples is one of them again, and 1/2 of that."""
    by, least = ieee("float16"), 2.0**-24
    dy, x = exact(np.array([[[337.0, 1210.0]]]) * least, by), exact(np.zeros((1, 31, 3)), by)
    ways = (adaptive_avg_pool_gradient, *adaptive_avg_pool_gradient.formulations)
    found = [way(dy, x, output_size=(1, 2), rank=2)["x"] for way in ways]

    def accepted(shares: float) -> bool:
        return any(bool(ball.accepts(np.full(x.shape, shares * least))[0, 0, 1]) for ball in found)

    assert accepted(25)  # 5.4 and 19.5, added up
    assert accepted(26)  # 11 and 39, of which the halves are 5.5 and 19.5
    assert not accepted(28)
    assert not accepted(23)
