"""Morphology against SciPy and against the definition, cell by cell."""

import numpy as np
import pytest
from scipy import ndimage
from skimage import morphology as skimage

from oracles.cv_morphology import BLACKHAT, CLOSE, GRADIENT, HITMISS, OPEN, TOPHAT, dilate, element, erode, morphology

CONSTANT = {"anchor": (-1, -1), "iterations": 1, "borderType": 0, "borderValue": None}
MODES = {1: "nearest", 2: "reflect", 4: "mirror"}


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("seed", range(8))
def test_extremes_are_those_of_scipy_at_every_border(border, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, rng.integers(3, 9, 2)).astype(float)
    kernel = rng.integers(0, 2, rng.integers(0, 2, 2) * 2 + 1)
    kernel[kernel.shape[0] // 2, kernel.shape[1] // 2] = 1
    options = {**CONSTANT, "borderType": border}
    wanted = ndimage.grey_erosion(image, footprint=kernel, mode=MODES[border])
    assert (erode(image, kernel, **options) == wanted).all()
    wanted = ndimage.grey_dilation(image, footprint=kernel[::-1, ::-1], mode=MODES[border])
    assert (dilate(image, kernel, **options) == wanted).all()


def test_an_even_element_lies_right_of_the_middle():
    image, kernel = np.array([[5.0, 3.0, 4.0, 1.0]]), np.ones((1, 2), np.uint8)
    assert erode(image, kernel, **CONSTANT).tolist() == [[5, 3, 3, 1]]
    assert erode(image, kernel, **{**CONSTANT, "anchor": (0, 0)}).tolist() == [[3, 3, 1, 1]]
    assert dilate(image, kernel, **{**CONSTANT, "iterations": 2}).tolist() == [[5, 5, 5, 4]]


@pytest.mark.parametrize(
    ("op", "function"),
    [(OPEN, ndimage.grey_opening), (CLOSE, ndimage.grey_closing), (GRADIENT, ndimage.morphological_gradient),
     (TOPHAT, ndimage.white_tophat), (BLACKHAT, ndimage.black_tophat)],
)  # fmt: skip
def test_compositions_are_those_of_scipy(op, function):
    image = np.random.default_rng(op).integers(0, 256, (7, 8)).astype(float)
    result = morphology(image, np.ones((3, 3)), op=op, **{**CONSTANT, "borderType": 1})
    assert (result == function(image, size=(3, 3), mode="nearest")).all()


def test_hit_or_miss_is_that_of_scipy():
    rng = np.random.default_rng(3)
    image, kernel = rng.integers(0, 2, (8, 9)) * 255.0, np.array([[0, 1, 0], [-1, 1, 1], [-1, -1, 0]])
    wanted = ndimage.binary_hit_or_miss(image > 0, kernel == 1, kernel == -1)
    inside = (slice(1, -1), slice(1, -1))  # beyond the edge both hit, in SciPy neither does
    assert (morphology(image, kernel, op=HITMISS, **CONSTANT)[inside] == wanted[inside] * 255).all()


def test_elements_are_those_of_their_definitions():
    for n in (1, 3, 5, 7):
        assert (element(shape=0, ksize=(n, n), anchor=(-1, -1)) == skimage.footprint_rectangle((n, n))).all()
        assert (element(shape=3, ksize=(n, n), anchor=(-1, -1)) == skimage.diamond(n // 2)).all()
    cross = element(shape=1, ksize=(4, 3), anchor=(1, 0))
    assert cross.tolist() == [[1, 1, 1, 1], [0, 1, 0, 0], [0, 1, 0, 0]]
    ellipse = element(shape=2, ksize=(5, 5), anchor=(-1, -1))
    assert ellipse.tolist() == [[0, 0, 1, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [0, 0, 1, 0, 0]]
