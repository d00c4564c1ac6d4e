"""Linear filters, derivatives and Canny's edges against SciPy, scikit-image and the definitions."""

import numpy as np
import pytest
from scipy import ndimage
from skimage import filters

from oracles.bounded import FLOAT32, FLOAT64, exact, ieee
from oracles.cv_boxes import box_filter, median_blur, sqr_box_filter
from oracles.cv_edges import canny, laplacian, lost, scharr, sobel, sobel_kernel, spatial_gradient, tangents, thinned
from oracles.cv_linear import filter2d, sep_filter2d

MODES = {1: "nearest", 2: "reflect", 4: "mirror", 0: "constant"}
PLAIN = {"ddepth": -1, "scale": 1.0, "delta": 0.0}


def image(seed, *sides):
    return np.random.default_rng(seed).integers(0, 256, sides or (7, 9)).astype(float)


@pytest.mark.parametrize("border", MODES)
def test_filters_are_those_of_scipy_at_every_border(border):
    x, kernel = image(border), np.random.default_rng(9).integers(-4, 5, (3, 5)).astype(float)
    wanted = ndimage.correlate(x, kernel, mode=MODES[border]) + 3
    result = filter2d(x, kernel, ddepth=-1, anchor=(-1, -1), delta=3.0, borderType=border)["output"]
    assert (result == wanted).all()
    row, column = np.array([1.0, 2, -1]), np.array([2.0, 0, 1, 4, -3])
    wanted = ndimage.correlate1d(ndimage.correlate1d(x, row, 1, mode=MODES[border]), column, 0, mode=MODES[border])
    result = sep_filter2d(x, row, column, ddepth=-1, anchor=(-1, -1), delta=0.0, borderType=border)["output"]
    assert (result == wanted).all()
    options = {"ddepth": -1, "ksize": (3, 5), "anchor": (-1, -1), "borderType": border}
    assert (box_filter(x, normalize=False, **options)["output"] == ndimage.correlate(x, np.ones((5, 3)), mode=MODES[border])).all()
    wanted = ndimage.uniform_filter(x**2, (5, 3), mode=MODES[border])
    assert np.allclose(sqr_box_filter(x, normalize=True, **options)["output"], wanted)


@pytest.mark.parametrize("ksize", [1, 3, 5, 7])
def test_medians_are_those_of_scipy(ksize):
    assert (median_blur(image(ksize), ksize=ksize) == ndimage.median_filter(image(ksize), ksize, mode="nearest")).all()


def test_derivatives_are_those_of_scipy():
    x = image(4)
    assert (sobel(x, dx=1, dy=0, ksize=3, borderType=4, **PLAIN)["output"] == ndimage.sobel(x, 1, mode="mirror")).all()
    assert (sobel(x, dx=0, dy=1, ksize=3, borderType=1, **PLAIN)["output"] == ndimage.sobel(x, 0, mode="nearest")).all()
    assert (laplacian(x, ksize=1, borderType=4, **PLAIN)["output"] == ndimage.laplace(x, mode="mirror")).all()
    wanted = filters.scharr_h(x) * 16  # normalised there
    assert np.allclose(scharr(x, dx=0, dy=1, borderType=2, **PLAIN)["output"][1:-1, 1:-1], wanted[1:-1, 1:-1])
    both = spatial_gradient(x, ksize=3, borderType=4)
    assert (both["dx"] == ndimage.sobel(x, 1, mode="mirror")).all()
    assert (both["dy"] == ndimage.sobel(x, 0, mode="mirror")).all()


@pytest.mark.parametrize(("dx", "dy", "ksize"), [(1, 0, 5), (2, 0, 5), (1, 1, 3), (0, 3, 7), (2, 1, 5)])
def test_a_derivative_of_a_polynomial_is_exact(dx, dy, ksize):
    y, x = np.mgrid[-8:9, -8:9].astype(float)
    polynomial = x**dx * y**dy
    kernel = sobel_kernel(dx, dy, ksize)
    weight = 2 ** (ksize - 1 - dx) * 2 ** (ksize - 1 - dy)  # smoothing sums to 2^(ksize − 1 − order)
    response = ndimage.correlate(polynomial, kernel.astype(float))[8, 8]
    factorials = {0: 1, 1: 1, 2: 2, 3: 6}
    assert response == weight * factorials[dx] * factorials[dy]


def test_edges_are_thin_lines_along_steps():
    x = np.zeros((9, 9))
    x[:, 5:] = 200
    edges = canny(x, threshold1=100.0, threshold2=200.0, apertureSize=3, L2gradient=False).value
    assert (edges.sum(axis=1) == 255).all()
    assert edges[:, 4:6].sum() == edges.sum()
    assert not canny(x, threshold1=900.0, threshold2=900.0, apertureSize=3, L2gradient=False).value.any()


def test_weak_edges_survive_where_they_touch_strong_ones():
    x = np.zeros((5, 40))
    x[:, 20:] = np.linspace(20, 200, 5)[:, None]  # a step that grows downwards
    options = {"apertureSize": 3, "L2gradient": True}
    assert canny(x, threshold1=40.0, threshold2=600.0, **options).value[1:, 19:21].any(axis=1).all()
    assert not canny(x, threshold1=600.0, threshold2=600.0, **options).value[1].any()


def test_a_direction_beside_the_tangent_is_either_one_where_constants_have_few_bits():
    size = np.array([[1.0, 1.0, 1.0], [9.0, 5.0, 9.0], [1.0, 1.0, 1.0]])  # an edge along the diagonals, none along the row
    dx, dy = np.full((3, 3), -5234.0), np.full((3, 3), 2168.0)  # 0.41421475 is above tan 22.5°, and below 13573 / 2¹⁵
    rounded = tangents(exact(np.zeros((1, 1)), ieee("uint8").but(constant_bits=15)))
    assert rounded == [np.sqrt(2) - 1, 13573 / 2**15]
    assert [bool(thinned(dx, dy, size, 0 * size, tangent)[1, 1]) for tangent in rounded] == [True, False]
    assert tangents(exact(np.zeros((1, 1)), ieee("uint8"))) == rounded[:1]


def test_equal_magnitudes_that_a_subject_rounds_may_differ():
    size, dx, dy = np.full((3, 3), 26021250.0), np.full((3, 3), -4617.0), np.full((3, 3), -2169.0)
    single, double = (exact(np.zeros((1, 1)), ieee("uint8").but(compute=inside)) for inside in (FLOAT32, FLOAT64))
    assert not lost(size, double).any()
    assert not lost(size / 2, single).any()
    error = lost(size, single)
    assert [bool(thinned(dx, dy, size, sign * error, np.sqrt(2) - 1)[1, 1]) for sign in (-1, 1)] == [False, True]
