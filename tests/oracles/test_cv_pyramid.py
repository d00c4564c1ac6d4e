"""Steps of a pyramid against SciPy's correlations of the images that the documentation describes."""

import numpy as np
import pytest
from scipy import ndimage

from oracles.bounded import exact, ieee
from oracles.cv_pyramid import pyr_down, pyr_up

KERNEL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
SCIPY = {1: "nearest", 2: "reflect", 3: "grid-wrap", 4: "mirror"}


@pytest.mark.parametrize("border", SCIPY)
@pytest.mark.parametrize("sides", [(1, 1), (5, 8), (8, 5), (1, 9), (2, 3)])
def test_a_step_down_is_every_second_pixel_of_the_smoothed_image(border, sides):
    image = np.random.default_rng(border).standard_normal((*sides, 2))
    wanted = np.stack([ndimage.correlate(image[..., c], KERNEL, mode=SCIPY[border])[::2, ::2] for c in (0, 1)], axis=-1)
    assert np.allclose(pyr_down(image, dstsize=None, borderType=border), wanted, rtol=0, atol=1e-14)
    accepted = pyr_down(exact(image, ieee("float64")), dstsize=None, borderType=border)
    assert accepted.accepts(wanted).all()


@pytest.mark.parametrize("sides", [(1, 1), (5, 8), (1, 9), (2, 3)])
def test_a_step_up_is_the_image_among_zeros_smoothed(sides):
    image = np.random.default_rng(0).integers(-50, 50, sides).astype(float)
    among = np.zeros([2 * side for side in sides])
    among[::2, ::2] = image
    wanted = ndimage.correlate(among, 4 * KERNEL, mode="mirror")
    assert np.allclose(pyr_up(image, dstsize=None, borderType=4), wanted, rtol=0, atol=1e-13)
    accepted = pyr_up(exact(image, ieee("float64")), dstsize=(2 * sides[1] - 1, 2 * sides[0] + 1), borderType=4)
    assert accepted.shape == (2 * sides[0] + 1, 2 * sides[1] - 1)
    assert accepted.accepts(np.pad(wanted, ((0, 1), (0, 0)))[:, :-1]).all()
    assert accepted.free[-1].all()
    assert not accepted.free[:-1].any()


def test_half_a_pixel_more_or_less_may_be_asked_for():
    image = np.arange(35.0).reshape(5, 7)
    every = pyr_down(image, dstsize=None, borderType=2)
    assert (pyr_down(image, dstsize=(3, 2), borderType=2) == every[:2, :3]).all()
    larger = pyr_down(np.pad(image, ((0, 8), (0, 8)), "symmetric"), dstsize=None, borderType=2)
    assert (pyr_down(image[:, :6], dstsize=(4, 3), borderType=2)[:, :3] == pyr_down(image[:, :6], dstsize=None, borderType=2)).all()
    assert larger.shape == (7, 8)
