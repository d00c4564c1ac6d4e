"""The oracles of rearrangements against the index formulas, cell by cell."""

import numpy as np
import pytest

from oracles.shuffling import (
    channel_shuffle,
    channel_shuffle_gradient,
    pixel_shuffle,
    pixel_shuffle_gradient,
    pixel_unshuffle,
    pixel_unshuffle_gradient,
)


@pytest.mark.parametrize("r", [1, 2, 3])
@pytest.mark.parametrize("leading", [(), (2,), (0,), (2, 1)])
def test_pixel_shuffle_spreads_channels_over_blocks(r: int, leading: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal((*leading, 2 * r**2, 2, 3))
    y = pixel_shuffle(x, upscale_factor=r)
    assert y.shape == (*leading, 2, 2 * r, 3 * r)
    for c, h, w, i, j in np.ndindex(2, 2, 3, r, r):
        np.testing.assert_array_equal(y[..., c, h * r + i, w * r + j], x[..., (c * r + i) * r + j, h, w])
    np.testing.assert_array_equal(pixel_unshuffle(y, downscale_factor=r), x)
    np.testing.assert_array_equal(pixel_shuffle_gradient(y, x, upscale_factor=r)["x"], x)
    np.testing.assert_array_equal(pixel_unshuffle_gradient(x, y, downscale_factor=r)["x"], y)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_channel_shuffle_deals_groups_in_turn(groups: int) -> None:
    x = np.random.default_rng(0).standard_normal((2, 6, 3))
    y = channel_shuffle(x, groups=groups)
    for i, k in np.ndindex(groups, 6 // groups):
        np.testing.assert_array_equal(y[:, k * groups + i], x[:, i * (6 // groups) + k])
    np.testing.assert_array_equal(channel_shuffle_gradient(y, x, groups=groups)["x"], x)
