"""Gaussian blur against SciPy's filters and kernels of fractions."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import ndimage

from conformance.backends.opencv import carried
from oracles.bounded import FLOAT64, exact, ieee
from oracles.cv_gaussian import gaussian, gaussian_blur

SCIPY = {0: "constant", 1: "nearest", 2: "reflect", 4: "mirror"}


@pytest.mark.parametrize("border", SCIPY)
@pytest.mark.parametrize(("ksize", "sigmaX", "sigmaY"), [((3, 5), 0.8, 1.5), ((9, 1), 2.0, 0.0), ((7, 7), 1e10, 0.3), ((15, 3), 0.05, 0.0)])
def test_the_blur_is_that_of_scipy(border, ksize, sigmaX, sigmaY):
    image = np.random.default_rng(border).standard_normal((6, 9, 2))
    wanted = image
    for axis, (size, sigma) in enumerate(zip(ksize[::-1], (sigmaY or sigmaX, sigmaX), strict=True)):
        wanted = ndimage.gaussian_filter1d(wanted, sigma, axis=axis, mode=SCIPY[border], radius=size // 2)
    for way in (gaussian_blur, *gaussian_blur.formulations):
        assert np.allclose(way(image, ksize=ksize, sigmaX=sigmaX, sigmaY=sigmaY, borderType=border), wanted, rtol=0, atol=1e-14)
        accepted = way(exact(image, ieee("float64")), ksize=ksize, sigmaX=sigmaX, sigmaY=sigmaY, borderType=border)
        assert np.allclose(accepted.value, wanted, rtol=0, atol=1e-14)


def test_a_size_of_zero_reaches_three_or_four_deviations():
    impulse = np.zeros((1, 41))
    impulse[0, 20] = 1
    blurred = gaussian_blur(impulse, ksize=(0, 1), sigmaX=2.0, sigmaY=0.0, borderType=0)
    assert (blurred > 0).sum() == 17  # 2 · (4 · 2) + 1
    blurred = gaussian_blur(exact(impulse * 255, ieee("uint8").but(compute=FLOAT64)), ksize=(0, 1), sigmaX=2.0, sigmaY=0.0, borderType=0)
    assert (blurred.high > 0).sum() == 13


def test_a_deviation_of_zero_is_computed_from_the_size():
    for size in (3, 5, 11):
        assert np.allclose(gaussian(size, 0.0, None), gaussian(size, 0.15 * size + 0.35, None), rtol=1e-14)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("size", "sigma"), [(3, 0.8), (9, 1.7), (15, 100.0), (5, 0.1)])
def test_rounded_weights_are_near_the_bell_and_add_up_to_one(bits, size, sigma):
    weights = carried(bits)(gaussian(size, sigma, None))
    assert sum(map(Fraction, weights)) == 1
    assert (weights == weights[::-1]).all()
    assert all((Fraction(w) * 2**bits).denominator == 1 for w in weights)
    assert (np.abs(weights - gaussian(size, sigma, None)) <= 2.0**-bits).all()
