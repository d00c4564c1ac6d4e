"""The unpooling oracle against one assignment after the other, and against pooling."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import block_reduce

from oracles.unpooling import max_unpool, max_unpool_gradient, unpooled_sides


@st.composite
def calls(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int, dict[str, Any]]:
    """Values, distinct places for them, and options, for one to three axes."""
    rank = draw(st.integers(1, 3))
    sides = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    options = {"kernel_size": tuple(draw(st.integers(2, 3)) for _ in range(rank)), "stride": draw(st.sampled_from((None, 2))), "padding": 0}
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    batch = draw(st.sampled_from(((2,), (2, 1), (0, 2))))
    new = unpooled_sides(sides, output_size=None, **options)
    rows = [rng.permutation(np.prod(new))[: np.prod(sides)] for _ in range(int(np.prod(batch)))]
    x = rng.integers(-8, 9, (*batch, *sides)).astype(float)
    return x, np.array(rows, np.int64).reshape(x.shape), rank, {**options, "output_size": draw(st.sampled_from((None, new)))}


@settings(max_examples=60, deadline=None)
@given(calls())
def test_values_are_put_one_by_one(call: tuple[np.ndarray, np.ndarray, int, dict[str, Any]]) -> None:
    x, indices, rank, options = call
    y = max_unpool(x, indices, rank=rank, **options)
    dy = np.random.default_rng(0).integers(-4, 5, y.shape).astype(float)
    dx = max_unpool_gradient(dy, x, indices, rank=rank, **options)["x"]
    wanted, back = np.zeros(y.shape), np.zeros(x.shape)
    for at in itertools.product(*map(range, x.shape)):
        cell = (*at[:-rank], *np.unravel_index(indices[at], y.shape[-rank:]))
        wanted[cell], back[at] = x[at], dy[cell]
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(dx, back)


def test_the_maxima_of_blocks_come_back_to_their_cells() -> None:
    x = np.random.default_rng(0).permutation(np.arange(1.0, 49)).reshape(6, 8)
    most = block_reduce(x, (3, 2), np.max)
    at = np.array([[int(np.flatnonzero(x.ravel() == value)[0]) for value in row] for row in most])
    y = max_unpool(most[None], at[None], kernel_size=(3, 2))[0]
    np.testing.assert_array_equal(y, np.where(np.kron(most, np.ones((3, 2))) == x, x, 0))


def test_a_cell_that_two_windows_report_is_put_once() -> None:
    np.testing.assert_array_equal(max_unpool(np.array([[5.0, 5.0]]), np.array([[1, 1]]), kernel_size=2, stride=1, rank=1), [[0, 5, 0]])
