"""Resizing against Pillow, SciPy, scikit-image, fractions and integrals."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage.measure import block_reduce

from oracles.bounded import exact, ieee
from oracles.cv_resize import STEEPEST, area, bicubic, cubic, lanczos, lanczos4, linear, nearest, nearest_exact

SIZES = [(3, 5), (9, 2), (1, 1), (7, 7), (12, 11), (4, 14)]
NONE = {"fx": 0.0, "fy": 0.0, "interpolation": 0}


def noise(rows, columns, *channels):
    return np.random.default_rng(rows + 10 * columns).standard_normal((rows, columns, *channels))


@pytest.mark.parametrize("dsize", SIZES)
def test_linear_interpolation_is_that_of_scipy(dsize):
    image = noise(6, 7)
    rows, columns = ((np.arange(n) + 0.5) * side / n - 0.5 for n, side in zip(dsize[::-1], image.shape, strict=True))
    wanted = ndimage.map_coordinates(image, np.meshgrid(rows, columns, indexing="ij"), order=1, mode="nearest")
    assert np.allclose(linear(image, dsize=dsize, **NONE), wanted, rtol=0, atol=1e-14)


@pytest.mark.parametrize("dsize", [(7, 6), (14, 13), (33, 8)])
def test_lanczos_is_like_the_sum_of_the_definition(dsize):
    image = noise(6, 7)
    result = lanczos4(image, dsize=dsize, **NONE)
    for y, x in ((0, 0), (3, 5), (dsize[1] - 1, dsize[0] - 1)):
        fy, fx = ((at + 0.5) * side / n - 0.5 for at, side, n in zip((y, x), image.shape, dsize[::-1], strict=True))
        total = weights = 0.0
        for i in range(int(np.floor(fy)) - 3, int(np.floor(fy)) + 5):
            for j in range(int(np.floor(fx)) - 3, int(np.floor(fx)) + 5):
                w = np.prod([1.0 if not t else 4 * np.sin(np.pi * t) * np.sin(np.pi * t / 4) / (np.pi * t) ** 2 for t in (fy - i, fx - j)])
                total += w * image[min(max(i, 0), 5), min(max(j, 0), 6)]
                weights += w
        assert np.isclose(result[y, x], total / weights, rtol=0, atol=1e-12)


def test_no_slope_of_the_windowed_sinc_is_steeper():
    t = np.linspace(-5, 5, 200_001)
    assert 0.99 * STEEPEST < (np.abs(np.diff(lanczos(t))) / np.diff(t)).max() <= STEEPEST


def test_the_cubic_kernel_is_one_at_zero_and_adds_up_to_one():
    for f in np.linspace(0, 1, 17):
        assert np.isclose(sum(cubic(f - i) for i in range(-2, 4)), 1, atol=1e-14)
    assert cubic(np.array([0.0, 1.0, 2.0, 2.5])).tolist() == [1, 0, 0, 0]
    exactly = Fraction(-3, 4)
    t = Fraction(3, 2)
    assert cubic(np.array([1.5]))[0] == float(exactly * (t**3 - 5 * t**2 + 8 * t - 4))


def test_cubic_interpolation_keeps_straight_lines():
    image = np.add.outer(np.arange(9.0), 3 * np.arange(9.0))
    enlarged = bicubic(image, dsize=(18, 18), **NONE)
    wanted = np.add.outer((np.arange(18) + 0.5) / 2 - 0.5, 3 * ((np.arange(18) + 0.5) / 2 - 0.5))
    assert np.allclose(enlarged[4:-4, 4:-4], wanted[4:-4, 4:-4], rtol=0, atol=0.6)  # Keys' a = −1/2 would keep them exactly
    assert np.allclose(bicubic(np.ones((3, 4)), dsize=(9, 5), **NONE), 1)


@pytest.mark.parametrize("dsize", SIZES)
def test_nearest_pixels_are_those_of_pillow_but_for_ties(dsize):
    image = np.arange(42, dtype=np.uint8).reshape(6, 7)
    accepted = nearest_exact(exact(image, ieee("uint8")), dsize=dsize, **NONE)
    assert accepted.accepts(np.asarray(Image.fromarray(image).resize(dsize, Image.Resampling.NEAREST))).all()
    corners = nearest(exact(image, ieee("uint8")), dsize=dsize, **NONE)
    index = [[int(Fraction(i * side, n)) for i in range(n)] for n, side in zip(dsize[::-1], image.shape, strict=True)]
    assert corners.accepts(image[np.ix_(*index)]).all()


@pytest.mark.parametrize("dsize", SIZES)
def test_means_over_areas_are_differences_of_an_integral(dsize):
    image = noise(6, 7)
    integral = np.pad(image.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    rows, columns = (np.arange(n + 1) * side / n for n, side in zip(dsize[::-1], image.shape, strict=True))
    corners = ndimage.map_coordinates(integral, np.meshgrid(rows, columns, indexing="ij"), order=1, mode="nearest")
    cells = np.diff(np.diff(corners, axis=0), axis=1) / (image.size / (dsize[0] * dsize[1]))
    assert np.allclose(area(image, dsize=dsize, **NONE), cells, rtol=0, atol=1e-12)


def test_whole_ratios_are_blocks():
    image = noise(6, 8, 2)
    assert np.allclose(area(image, dsize=(4, 2), **NONE), block_reduce(image, (3, 2, 1), np.mean), atol=1e-14)
    assert np.allclose(area(image, dsize=None, fx=0.5, fy=1 / 3, interpolation=3), block_reduce(image, (3, 2, 1), np.mean), atol=1e-14)
