"""The oracle of resampling bytes against Pillow, which keeps bytes between the axes, and against the weighted sums of fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from oracles.bounded import exact, ieee
from oracles.byte_resampling import interpolate_bytes
from tests.oracles.test_upsampling import calls, weights

TABLES = ieee("uint8").but(composite=True, table_bits=14)
WHOLE = ieee("uint8")


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("size", [(3, 4), (12, 5), (1, 1), (20, 2), (9, 3)])
def test_antialiased_bytes_are_pillows(mode: str, size: tuple[int, int]) -> None:
    x = np.random.default_rng(0).choice([0, 7, 128, 255], (9, 7)).astype(np.uint8)
    wanted = np.asarray(Image.fromarray(x).resize(size[::-1], Image.Resampling[mode.upper()]))
    low, high = (found := interpolate_bytes(exact(x[None, None], TABLES), size=size, mode=mode, antialias=True)).limits()
    assert found.accepts(wanted[None, None]).all()
    assert np.mean(low == high) > 0.5


@settings(max_examples=60, deadline=None)
@given(calls(), st.integers(0, 99))
def test_bytes_are_the_weighted_sum_rounded_and_saturated(call: tuple[np.ndarray, dict], seed: int) -> None:  # type: ignore[type-arg]
    x, options = call
    if x.ndim != 4 or options["mode"] == "area":
        return
    x = np.random.default_rng(seed).choice([0, 1, 128, 254, 255], x.shape).astype(np.uint8)
    found = interpolate_bytes(exact(x, WHOLE), **options)
    shares = weights(x, options)
    for channel in range(2):
        for cell, cells in shares.items():
            exactly = sum((w * int(x[(0, channel, *at)]) for at, w in cells.items()), Fraction(0))
            wanted = min(max(math.floor(exactly + Fraction(1, 2)), 0), 255)
            assert found.accepts(np.full(found.shape, wanted))[(0, channel, *cell)]


def test_between_the_axes_bytes_saturate() -> None:
    """An edge that overshoots in every row: as bytes the rows cannot cancel it, as numbers they can."""
    x = np.repeat(np.array([[255, 255, 0, 0], [0, 0, 255, 255]], np.uint8), 2, 0)[None, None]
    kept, stored = (interpolate_bytes(exact(x, by), size=(7, 8), mode="bicubic") for by in (WHOLE, TABLES))
    assert kept.accepts(np.full(kept.shape, 128))[0, 0, 3].all()
    assert not (stored.limits()[0] == kept.limits()[0]).all()
