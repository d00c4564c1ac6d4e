"""Thresholds, tables and histograms against NumPy's own, scikit-image and the definitions."""

import numpy as np
import pytest
from skimage import exposure

from oracles.bounded import exact, ieee
from oracles.cv_histogram import calc_hist, equalize_hist, look_up, threshold


def gray(seed, sides=(9, 11), below=256):
    return np.random.default_rng(seed).integers(0, below, sides).astype(np.uint8)


@pytest.mark.parametrize("below", [256, 16, 2])
def test_histograms_are_equalized_like_the_definition_pixel_by_pixel(below):
    image = gray(below, below=below)
    accepted = equalize_hist(exact(image, ieee("uint8")))
    least = image.min()
    first = int((image == least).sum())
    for v in np.unique(image):
        share = (int((image <= v).sum()) - first) / (image.size - first) * 255
        at = tuple(np.argwhere(image == v)[0])
        assert accepted.low[at] <= share + 0.5
        assert accepted.high[at] >= share - 0.5
        assert accepted.high[at] - accepted.low[at] <= 1
    spread = exposure.equalize_hist(image) * 255  # its histogram begins at 0
    assert (np.argsort(spread.ravel(), kind="stable") == np.argsort(accepted.low.ravel(), kind="stable")).all()


def test_an_image_of_one_value_stays():
    image = np.full((3, 3), 7, np.uint8)
    assert (equalize_hist(exact(image, ieee("uint8"))).value == 7).all()


@pytest.mark.parametrize("mask", [None, gray(5) & 1])
def test_histograms_are_those_of_numpy(mask):
    image = gray(1)
    chosen = image if mask is None else image[mask != 0]
    wanted = np.histogram(chosen, 16, (-16, 240))[0]
    counts = calc_hist(image, mask, histSize=16, ranges=(-16.0, 240.0)).value
    assert (counts == wanted - np.r_[np.zeros(15, int), (chosen == 240).sum()]).all()  # NumPy's last bin has its upper edge


def test_thresholds_pixel_by_pixel():
    image = exact(np.array([[0, 99, 100, 101, 255]], np.uint8), ieee("uint8"))
    for kind, wanted in enumerate(([0, 0, 0, 77, 77], [77, 77, 77, 0, 0], [0, 99, 100, 100, 100], [0, 0, 0, 101, 255], [0, 99, 100, 0, 0])):
        result = threshold(image, thresh=100.9, maxval=77.4, type=kind)
        assert result["output"].value.tolist() == [wanted]
        assert result["threshold"].value == 100
    assert threshold(image, thresh=1e10, maxval=300.0, type=1)["output"].value.tolist() == [[255] * 5]


def test_tables_for_all_channels_and_for_each():
    image = gray(3, (2, 3, 2))
    table = np.arange(256)[::-1] * 3
    assert (look_up(image, table).value == (255 - image.astype(int)) * 3).all()
    each = look_up(image, np.stack([table, table + 1], axis=1)).value
    assert (each == (255 - image.astype(int)) * 3 + [0, 1]).all()
