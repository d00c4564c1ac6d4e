"""Adaptive histograms against the definition pixel by pixel, in fractions, and against the histogram of one tile."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from oracles.bounded import exact, ieee
from oracles.cv_adaptive_histogram import clahe, limited
from oracles.cv_histogram import equalize_hist


def mapped(image, y, x, clip, columns, rows):
    """One pixel by the definition, of an image whose sides the grid divides."""
    height, width = image.shape[0] // rows, image.shape[1] // columns

    def table(row, column, value):
        tile = image[row * height : (row + 1) * height, column * width : (column + 1) * width].ravel().tolist()
        counts = [tile.count(v) for v in range(256)]
        if clip > 0:
            limit = max(int(Fraction(clip) * len(tile) / 256), 1)
            excess = sum(max(count - limit, 0) for count in counts)
            counts = [min(count, limit) + excess // 256 for count in counts]
            rest = excess % 256
            for k in range(rest):
                counts[k * max(256 // rest, 1)] += 1
        return round(Fraction(255, len(tile)) * sum(counts[: value + 1]))

    total = Fraction(0)
    fy, fx = Fraction(y, height) - Fraction(1, 2), Fraction(x, width) - Fraction(1, 2)
    for i in (floor(fy), floor(fy) + 1):
        for j in (floor(fx), floor(fx) + 1):
            near = table(min(max(i, 0), rows - 1), min(max(j, 0), columns - 1), int(image[y, x]))
            total += (1 - abs(fy - i)) * (1 - abs(fx - j)) * near
    return total


@pytest.mark.parametrize(("clip", "columns", "rows"), [(0.0, 2, 3), (40.0, 4, 2), (2.0, 1, 3), (1e5, 2, 2)])
def test_pixels_are_mapped_by_the_four_tiles_around(clip, columns, rows):
    image = (np.random.default_rng(rows).integers(0, 256, (6, 8)) // 9).astype(np.uint8)
    accepted = clahe(exact(image, ieee("uint8")), clipLimit=clip, tileGridSize=(columns, rows))
    for y, x in ((0, 0), (2, 5), (5, 7), (3, 3)):
        wanted = mapped(image, y, x, clip, columns, rows)
        assert accepted.low[y, x] - Fraction(1, 2) <= wanted <= accepted.high[y, x] + Fraction(1, 2)
        assert accepted.high[y, x] - accepted.low[y, x] <= 1


def test_what_is_cut_off_a_histogram_is_given_to_all_bins():
    counts = np.random.default_rng(0).integers(0, 40, (3, 256))
    counts[2] = 0
    counts[2, 7] = 1000
    for limit in (1, 5, 39):
        after = limited(counts, limit)
        assert (after.sum(axis=1) == counts.sum(axis=1)).all()
        assert np.ptp(after - np.minimum(counts, limit), axis=1).max() <= 1


def test_one_tile_without_a_limit_is_a_cumulative_histogram():
    image = np.random.default_rng(1).integers(1, 256, (7, 9)).astype(np.uint8)
    accepted = clahe(exact(image, ieee("uint8")), clipLimit=0.0, tileGridSize=(1, 1))
    wanted = np.array([[round(Fraction(255 * int((image <= v).sum()), image.size)) for v in row] for row in image.tolist()])
    assert accepted.accepts(wanted).all()
    order = np.argsort(equalize_hist(exact(image, ieee("uint8"))).low.ravel(), kind="stable")
    assert (np.diff(accepted.low.ravel()[order]) >= 0).all()
