"""The bilateral filter against a loop over pixels in decimal numbers."""

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from oracles.bounded import exact, ieee, interpolated, weighted_mean
from oracles.cv_bilateral import bell, bilateral_filter, disc, radius_of

MODES = {0: "constant", 1: "edge", 2: "symmetric", 3: "wrap", 4: "reflect"}


def pixel_by_pixel(image, d, sigmaColor, sigmaSpace, borderType):
    """The formula as it stands, each weight with 40 digits."""
    radius = radius_of(d, sigmaSpace)
    around = np.pad(image, ((radius, radius), (radius, radius), (0, 0)), MODES[borderType])
    out = np.zeros(image.shape)
    with localcontext() as context:
        context.prec = 40
        for y, x in np.ndindex(image.shape[:2]):
            total, sums = Decimal(0), [Decimal(0)] * image.shape[2]
            for i, j in product(range(-radius, radius + 1), repeat=2):
                if i * i + j * j > radius * radius:
                    continue
                other = around[y + radius + i, x + radius + j]
                colour = sum(abs(Decimal(float(a)) - Decimal(float(b))) for a, b in zip(other, image[y, x], strict=True))
                place = Decimal(i * i + j * j) / (2 * Decimal(sigmaSpace) ** 2)
                weight = (-place - colour**2 / (2 * Decimal(sigmaColor) ** 2)).exp()
                total += weight
                sums = [s + weight * Decimal(float(v)) for s, v in zip(sums, other, strict=True)]
            out[y, x] = [float(s / total) for s in sums]
    return out


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize(("d", "color", "space"), [(3, 1.0, 1.0), (5, 0.3, 3.0), (0, 2.0, 1.0), (1, 0.5, 0.7), (4, 1e10, 1e10)])
@pytest.mark.parametrize("shape", [(3, 5, 3), (1, 4, 1), (1, 1, 1)])
def test_the_filter_is_the_formula_pixel_by_pixel(border, d, color, space, shape):
    image = np.random.default_rng(border).standard_normal(shape).astype(np.float32).astype(float)
    options = {"d": d, "sigmaColor": color, "sigmaSpace": space, "borderType": border}
    wanted = pixel_by_pixel(image, **options).reshape(shape if shape[2] > 1 else shape[:2])
    assert np.allclose(bilateral_filter(image, **options), wanted, rtol=0, atol=1e-14)
    for steps in (None, 4096):
        accepted = bilateral_filter(exact(image, ieee("float32").but(steps=steps)), **options)
        assert (np.abs(accepted.value - wanted) <= accepted.error + 1e-15).all()
        assert (accepted.error < 1e-3).all()


@pytest.mark.parametrize(("radius", "pixels"), [(1, 5), (2, 13), (3, 29), (4, 49), (5, 81)])
def test_the_window_is_a_disc(radius, pixels):
    assert len(disc(radius)[0]) == pixels


def test_the_radius_is_half_the_diameter_or_one_and_a_half_deviations():
    assert [radius_of(d, 9.0) for d in (1, 2, 3, 4, 5, 7)] == [1, 1, 1, 2, 2, 3]
    assert [radius_of(d, space) for d, space in ((0, 0.1), (-1, 1.0), (0, 1.1), (-5, 4.0))] == [1, 2, 2, 6]


def test_a_deviation_that_is_not_positive_leaves_the_image():
    image = np.arange(6.0).reshape(2, 3)
    for color, space in ((0.0, 1.0), (1.0, -1.0)):
        assert (bilateral_filter(image, d=3, sigmaColor=color, sigmaSpace=space, borderType=4) == image).all()


def test_only_where_a_tie_is_near_two_gray_values_are_accepted():
    options = {"d": 3, "sigmaColor": 1e10, "sigmaSpace": 1e10, "borderType": 0}
    accepted = bilateral_filter(exact(np.array([[10, 3]]), ieee("uint8")), **options)
    assert accepted.low.tolist() == accepted.high.tolist() == [[3, 3]]  # 13 / 5
    accepted = bilateral_filter(exact(np.array([[10, 15]]), ieee("uint8")), **{**options, "borderType": 1})
    assert accepted.low.tolist() == accepted.high.tolist() == [[11, 14]]
    accepted = bilateral_filter(exact(np.array([[0, 5, 5], [0, 0, 0]]), ieee("uint8")), **{**options, "borderType": 1})
    assert (accepted.high - accepted.low).max() == 0
    for near, width in ((2.5, 1), (2.51, 0)):
        mean = weighted_mean(exact(np.array([0.0, 2 * near]), ieee("uint8")), exact(np.ones(2), ieee("uint8")))
        set_of = mean.saturated(mean.by.storage)
        assert int(set_of.high - set_of.low) == width


def test_what_is_beside_nan_and_infinities_is_not_judged():
    image = np.array([[np.nan, 1, 2, 3, 4], [0, 1, 2, 3, np.inf]])
    with np.errstate(invalid="ignore"):
        accepted = bilateral_filter(exact(image, ieee("float32")), d=3, sigmaColor=1.0, sigmaSpace=1.0, borderType=1)
    assert accepted.free.tolist() == [[True, True, False, False, True], [True, False, False, True, True]]


def test_every_mean_with_weights_of_the_balls_is_accepted():
    rng, by = np.random.default_rng(5), ieee("float32")
    for _ in range(200):
        x, w, e = rng.standard_normal(4) + 100, rng.random(4) + 0.01, rng.random(4) * 0.01
        weights = exact(w, by)
        weights = type(weights)(w, e, by)
        mean = weighted_mean(exact(x, by), weights)
        for signs in product((-1, 1), repeat=4):
            own = [Fraction(a) + s * Fraction(b) for a, b, s in zip(w, e, signs, strict=True)]
            true = sum(a * Fraction(b) for a, b in zip(own, x, strict=True)) / sum(own)
            assert abs(true - Fraction(float(mean.value))) <= Fraction(float(mean.error))
        assert mean.error < 0.2  # by the data's distance from each other, not from zero


@pytest.mark.parametrize("sigma", [0.01, 0.3, 5.0])
def test_a_table_with_straight_lines_is_accepted(sigma):
    by, steps, span = ieee("float32").but(steps=64), 64, 10.0
    x = np.random.default_rng(1).random(500) * span
    accepted = interpolated(lambda away: bell(np.square(away), sigma), exact(x, by), span, sigma**-2)
    nodes = np.linspace(0, span, steps + 1)
    read = np.interp(x, nodes, np.exp(-(nodes**2) / (2 * sigma**2)))
    assert (np.abs(read - accepted.value) <= accepted.error).all()
    assert (accepted.error <= 1).all()
