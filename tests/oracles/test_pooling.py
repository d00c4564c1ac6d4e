"""The pooling oracles against the formula written naively, SciPy, and scikit-image."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import block_reduce

from oracles.bounded import exact, ieee
from oracles.pooling import max_pool, max_pool_gradient, max_pool_of_integers
from oracles.windows import of_rank

PLAIN = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False, "return_indices": True}


@st.composite
def calls(draw: st.DrawFn) -> tuple[np.ndarray, int, dict[str, Any]]:
    """An image with ties, now and then −∞, and options, for one to three axes."""
    rank = draw(st.integers(1, 3))

    def each(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(least, most)) for _ in range(rank))

    kernel, rng = each(1, 3), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.choice([-np.inf, 0.0, 1.0, 2.0], (*draw(st.sampled_from(((2,), (1, 2), (0, 2)))), *each(5, 7)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    options = {"kernel_size": kernel, "stride": draw(st.sampled_from((None, 2, each(1, 3)))), "padding": padding}
    return x, rank, {**options, "dilation": 1 if draw(st.booleans()) else each(1, 2), "ceil_mode": draw(st.booleans())}


def naive(x: np.ndarray, rank: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Any:
    """Window by window, cell by cell: the maximum and the flat index of the first that is it."""
    stride, dilation = np.broadcast_to(kernel_size if stride is None else stride, rank), np.broadcast_to(dilation, rank)
    sides, counts = x.shape[-rank:], []  # with ceil_mode one window more, if cells are left over and it starts before the image's end
    for n, k, s, p, d in zip(sides, kernel_size, stride, padding, dilation, strict=True):
        fit = [start for start in range(-p, n + p, s) if start + d * (k - 1) < n + p]
        following, covered = (fit[-1] + s, fit[-1] + d * (k - 1) + 1) if fit else (-p, -p)
        counts.append(len(fit) + (ceil_mode and covered < n + p and following < n))
    y, index = np.full((*x.shape[:-rank], *counts), -np.inf), np.full((*x.shape[:-rank], *counts), -1)
    for *plane, at in itertools.product(*map(range, x.shape[:-rank]), itertools.product(*map(range, counts))):
        for tap in itertools.product(*map(range, kernel_size)):
            cell = tuple(i * s - p + t * d for i, s, p, t, d in zip(at, stride, padding, tap, dilation, strict=True))
            if all(0 <= i < n for i, n in zip(cell, sides, strict=True)):
                here = (*plane, *at)
                if index[here] < 0 or x[(*plane, *cell)] > y[here]:
                    y[here], index[here] = x[(*plane, *cell)], np.ravel_multi_index(cell, sides)
    return y, index


@settings(max_examples=80, deadline=None)
@given(calls())
def test_max_pool_is_the_documented_maximum(call: tuple[np.ndarray, int, dict[str, Any]]) -> None:
    x, rank, options = call
    wanted, index = naive(x, rank, **options)
    found = max_pool(x, rank=rank, return_indices=True, **options)
    np.testing.assert_array_equal(found["output"], wanted)
    assert found["indices"].accepts(np.where(index < 0, 0, index)).all()
    assert not found["indices"].accepts(np.full(index.shape, -1)).any()
    assert not found["indices"].accepts(np.full(index.shape, np.prod(x.shape[-rank:]))).any()


def test_max_pool_of_blocks_is_that_of_scikit_image() -> None:
    x = np.random.default_rng(0).standard_normal((6, 8))
    found = max_pool(x[None], kernel_size=(3, 2), **PLAIN)
    np.testing.assert_array_equal(found["output"][0], block_reduce(x, (3, 2), np.max))


def test_max_pool_by_steps_of_one_is_a_filter_of_scipy() -> None:
    x = np.random.default_rng(0).standard_normal((6, 8))
    found = max_pool(x[None], kernel_size=3, **{**PLAIN, "stride": 1, "padding": 1})
    np.testing.assert_array_equal(found["output"][0], ndimage.maximum_filter(x, 3, mode="constant", cval=-np.inf))


@settings(max_examples=40, deadline=None)
@given(calls())
def test_the_gradient_of_max_pool_goes_to_the_cells_taken(call: tuple[np.ndarray, int, dict[str, Any]]) -> None:
    x, rank, options = call
    y, index = naive(x, rank, **options)
    dy = np.random.default_rng(0).integers(-4, 5, y.shape).astype(float)
    wanted = np.zeros((int(np.prod(x.shape[:-rank])), int(np.prod(x.shape[-rank:]))))
    for plane, (places, terms) in enumerate(
        zip(*(a.reshape(len(wanted), np.prod(y.shape[-rank:], dtype=int)) for a in (index, dy)), strict=True)
    ):
        np.add.at(wanted[plane], places[places >= 0], terms[places >= 0])
    by = ieee("float32")
    for observed in (None, {"indices": index}):
        found = max_pool_gradient(exact(dy, by), exact(x, by), rank=rank, return_indices=True, observed=observed, **options)
        np.testing.assert_array_equal(found["x"].value, wanted.reshape(x.shape))


@pytest.mark.parametrize("places", [[0], [2], [0, 2]])
def test_any_nan_may_be_the_index(places: list[int]) -> None:
    x = np.arange(4.0).reshape(1, 1, 4)
    x[..., places] = np.nan
    found = max_pool(exact(x, ieee("float32")), kernel_size=4, rank=1, **PLAIN)
    assert found["output"].accepts(np.full((1, 1, 1), np.nan)).all()
    assert [i for i in range(4) if found["indices"].accepts(np.full((1, 1, 1), i)).all()] == places


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8"])
def test_integers_are_compared_with_all_of_their_digits(dtype: str) -> None:
    limits = np.iinfo(dtype)
    x = np.array([[limits.max - 1, limits.max, limits.min, limits.min]], dtype)
    found = max_pool_of_integers(x, kernel_size=2, stride=2, padding=1, rank=1, return_indices=True)
    assert found["output"].value.dtype == x.dtype
    assert found["output"].value.tolist() == [[limits.max - 1, limits.max, limits.min]]
    assert found["indices"].accepts(np.array([[0, 1, 3]])).all()
    outside = max_pool_of_integers(x[:, :1], kernel_size=2, stride=1, padding=1, dilation=2, rank=1)
    assert outside["output"].value.tolist() == [[limits.min]]


def test_other_formulations_get_the_rank_too() -> None:
    gradient = of_rank(max_pool_gradient, 1)
    x, dy = np.arange(4.0).reshape(1, 4), np.ones((1, 2))
    for formulation in (gradient, *gradient.formulations):
        np.testing.assert_array_equal(formulation(dy, x, kernel_size=2)["x"], [[0, 1, 0, 1]])
