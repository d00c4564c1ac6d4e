"""Automatic thresholds against scikit-image and the variance of all partitions."""

import numpy as np
import pytest
from skimage import filters

from oracles.bounded import exact, ieee
from oracles.cv_automatic_threshold import OTSU, automatic_threshold, otsu_thresholds, triangle_thresholds


def heaps(seed, most=255, sides=(40, 40)):
    rng = np.random.default_rng(seed)
    return np.clip(rng.choice([most / 4, most * 0.7], sides, p=[0.8, 0.2]) + rng.standard_normal(sides) * most / 16, 0, most)


@pytest.mark.parametrize("seed", range(6))
def test_otsus_threshold_is_that_of_scikit_image(seed):
    image = heaps(seed).astype(np.uint8)
    assert filters.threshold_otsu(image) in otsu_thresholds(image)
    assert len({(image > t).tobytes() for t in otsu_thresholds(image)}) <= 2


@pytest.mark.parametrize("seed", range(6))
def test_no_partition_has_a_larger_variance(seed):
    image = np.random.default_rng(seed).integers(0, 65536, (5, 6)).astype(np.uint16)
    values = np.unique(image)[:-1]

    def between(t):
        below, above = image[image <= t].astype(float), image[image > t].astype(float)
        return below.size * above.size * (below.mean() - above.mean()) ** 2

    best = max(between(t) for t in values)
    assert all(np.isclose(between(t), best, rtol=1e-12) for t in otsu_thresholds(image))


@pytest.mark.parametrize("seed", range(6))
def test_the_triangles_threshold_is_that_of_scikit_image(seed):
    image = heaps(seed).astype(np.uint8)
    assert filters.threshold_triangle(image) in triangle_thresholds(image)
    assert filters.threshold_triangle(255 - image) in triangle_thresholds(255 - image)
    assert len(np.unique(triangle_thresholds(image))) <= 6


def test_where_nothing_is_below_the_triangles_line_its_end_is_as_far():
    counts = [2] + [2] * 170 + [1] * 85
    image = np.repeat(np.arange(256, dtype=np.uint8), counts)
    assert {0, 256} <= set(triangle_thresholds(image).tolist())
    stairs = np.repeat(np.arange(256, dtype=np.uint8), [*range(1, 202), *[1] * 55])
    assert {-1, 200} <= set(triangle_thresholds(stairs).tolist())


def test_the_result_must_be_that_of_the_threshold_that_comes_back():
    image = exact(np.array([[0, 0, 10, 10]], np.uint8), ieee("uint8"))
    for used in (0, 5, 9):
        accepted = automatic_threshold(image, thresh=0.0, maxval=7.0, type=OTSU, observed={"threshold": np.array(float(used))})
        assert accepted["output"].value.tolist() == [[0, 0, 7, 7]]
        assert accepted["threshold"].value == used
    accepted = automatic_threshold(image, thresh=0.0, maxval=7.0, type=OTSU, observed={"threshold": np.array(10.0)})
    assert accepted["threshold"].value == 0
