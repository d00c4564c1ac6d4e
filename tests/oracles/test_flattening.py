"""The flattening oracles against elements taken one by one, in row-major order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from oracles.flattening import flatten, flattening_gradient, unflatten


@pytest.mark.parametrize(
    ("start_dim", "end_dim", "shape"), [(1, -1, (2, 12)), (0, -1, (24,)), (1, 2, (2, 12)), (2, 2, (2, 3, 4)), (-3, -2, (6, 4))]
)
def test_flatten_keeps_the_order(start_dim: int, end_dim: int, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    y = flatten(x, start_dim=start_dim, end_dim=end_dim)
    assert y.shape == shape
    assert list(y.flat) == [x[i, j, k] for i, j, k in itertools.product(range(2), range(3), range(4))]
    np.testing.assert_array_equal(flattening_gradient(y, x)["x"], x)


@pytest.mark.parametrize(
    ("dim", "size", "shape"), [(1, (2, 3), (2, 2, 3, 4)), (-2, (-1, 2), (2, 3, 2, 4)), (0, (2, 1, -1), (2, 1, 1, 6, 4))]
)
def test_unflatten_counts_within_the_axis(dim: int, size: tuple[int, ...], shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal((2, 6, 4))
    y = unflatten(x, dim=dim, unflattened_size=size)
    assert y.shape == shape
    at = dim % 3
    for cell in np.ndindex(*shape):
        inner = int(np.ravel_multi_index(cell[at : at + len(size)], shape[at : at + len(size)]))
        assert y[cell] == x[(*cell[:at], inner, *cell[at + len(size) :])]
