"""The fractional pooling oracle against the sequence in fractions and maxima cell by cell."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles.bounded import exact, ieee
from oracles.fractional_pooling import fractional_max_pool, fractional_max_pool_gradient, fractional_sides, starts


@st.composite
def calls(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int, dict[str, Any]]:
    """An image with ties, samples on a grid, and options, for two or three axes."""
    rank = draw(st.integers(2, 3))
    kernel, size = (tuple(draw(st.integers(1, 3)) for _ in range(rank)) for _ in range(2))
    sides = [k + m - 1 + draw(st.integers(0, 3)) for k, m in zip(kernel, size, strict=True)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    samples = rng.integers(0, 16, (1, 2, rank)) / 16
    x = rng.integers(0, 3, (*draw(st.sampled_from(((2,), (1, 2)))), *sides)).astype(float)
    return x, samples, rank, {"kernel_size": kernel, "output_size": size}


def begins(u: float, side: int, kernel: int, count: int) -> list[int]:
    """The sequence, exactly."""
    if count == 1:
        return [side - kernel]
    alpha = Fraction(side - kernel, count - 1)
    return [math.floor(alpha * (i + Fraction(u))) - math.floor(alpha * Fraction(u)) for i in range(count - 1)] + [side - kernel]


def certain(u: float, side: int, kernel: int, count: int) -> bool:
    """Whether float64 cannot take a window for its neighbour."""
    alpha = Fraction(side - kernel, max(count - 1, 1))
    places = [alpha * (i + Fraction(u)) for i in range(count)]
    return all(place.denominator & (place.denominator - 1) == 0 or abs(place - round(place)) > Fraction(1, 10**9) for place in places)


@settings(max_examples=80, deadline=None)
@given(calls())
def test_it_is_the_maximum_of_windows_at_the_sequence(call: tuple[np.ndarray, np.ndarray, int, dict[str, Any]]) -> None:
    x, samples, rank, options = call
    sides, kernel, counts = x.shape[-rank:], options["kernel_size"], options["output_size"]
    found = fractional_max_pool(x, samples, return_indices=True, rank=rank, **options)
    dy = np.random.default_rng(0).integers(-4, 5, found["output"].shape).astype(float)
    by = ieee("float32")
    dx = fractional_max_pool_gradient(exact(dy, by), exact(x, by), samples, return_indices=True, rank=rank, **options)["x"].value
    for plane in itertools.product(*map(range, x.shape[:-rank])):
        us = samples[0, plane[-1]][::-1] if rank == 2 else samples[0, plane[-1]]
        if not all(map(certain, us, sides, kernel, counts)):
            continue
        axes = list(map(begins, us, sides, kernel, counts))
        back = np.zeros(sides)
        for out in itertools.product(*map(range, counts)):
            corner = [axis[i] for axis, i in zip(axes, out, strict=True)]
            cells = list(itertools.product(*(range(a, a + k) for a, k in zip(corner, kernel, strict=True))))
            values = [x[(*plane, *cell)] for cell in cells]
            assert found["output"][(*plane, *out)] == max(values)
            back[cells[values.index(max(values))]] += dy[(*plane, *out)]
        np.testing.assert_array_equal(dx[plane], back)


def test_windows_cover_the_image_from_end_to_end() -> None:
    for side, kernel, count in itertools.product((5, 8, 9), (1, 2, 3), (2, 3)):
        for at in starts(np.arange(8) / 8, side, kernel, count):
            assert at[0] == 0
            assert at[-1] == side - kernel
            assert (np.diff(at) > 0).all()


def test_a_ratio_gives_a_size() -> None:
    assert fractional_sides((9, 8), None, (0.5, 0.75)) == (4, 6)
    assert fractional_sides((9, 8), 3, None) == (3, 3)
